/**
 * How soon a rollback is in force on every gateway of a fleet: from the leader's decision, with a real Redis.
 *
 * `npm run bench:fleet -- --rollbacks 100 --gateways 3 --rate 200`. In each turn a person starts the rollout, the canary begins to fail, and
 * evidence of all gateways' requests convicts it. Told is, from the time that the decision says, how long it takes until every other
 * gateway has the canary's weight at 0 (the slowest of each turn), and of all of them. Ends with 1 where the 99th percentile of the
 * slowest is above `P99_MS_MAX`, or a gateway did not follow.
 */

import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from '../../test/support/gateway.ts';
import { needServers } from '../../test/support/runner/servers.ts';
import { startFleet, type TestFleet } from '../../test/support/stores/fleet/fleet.ts';
import { quantileOf, rollbacksIn } from './rollbacks.ts';

/** What is wanted of a fleet. */
const P99_MS_MAX = 500;
const USERS = 1000;
/** Half of the users are on the canary, so that few requests convict it. */
const ROLLOUT = 'steps: [50, 100], dwell: 10m, evidence: false, requestsMin: 0';

/** A budget that lasts: one that is overspent would have each start begin with fewer users. */
const SLO = 'availability: 0.5, budgetPolicy: {freeze: false}';
const WARM_UP_MS = 5000;

const { values } = parseArgs({
  options: {
    rollbacks: { type: 'string', default: '100' },
    gateways: { type: 'string', default: '3' },
    rate: { type: 'string', default: '200' },
  },
});

needServers(['redis-server']);
const wanted = Number(values.rollbacks);
const fleet = await startFleet({ count: Number(values.gateways), rollout: ROLLOUT, slo: SLO });
const load = startLoad(fleet, Number(values.rate));
try {
  await sleep(WARM_UP_MS);
  for (let n = 0; n < wanted; n++) await turn(fleet);
  await until('everything is told', () => rollbacksIn(logs()).length >= wanted);
} finally {
  load.stop();
  await fleet.end();
}
report();

function logs(): string[] {
  return fleet.nodes.map(({ gateway }) => gateway.output());
}

/** Starts the rollout, lets the canary fail, and waits until it is at 0 everywhere. */
async function turn(of: TestFleet): Promise<void> {
  const { nodes, canary } = of;
  canary.status = 200;
  const first = await of.leader();
  // The window of the service may still be another's for a moment.
  await until('it starts', async () => [200, 202].includes((await first.command('start')).status));
  for (const node of nodes) await until(`${node.name} has begun`, async () => (await node.canary()).weight > 0);
  canary.status = 500;
  for (const node of nodes) {
    await until(`${node.name} has rolled back`, async () => (await node.canary()).state === 'rolled-back');
  }
}

/** Requests at a rate, to one gateway after the other, each of another user. */
function startLoad({ nodes }: TestFleet, rate: number): { stop(): void } {
  const agent = new Agent({ keepAlive: true });
  let sent = 0;
  const send = (): void => {
    const { proxyUrl } = (nodes[sent % nodes.length] as TestFleet['nodes'][number]).gateway;
    const one = request(proxyUrl, { agent, headers: { 'x-user-id': `user-${sent++ % USERS}` } }, (response) => {
      response.resume();
    });
    // The gateways are ended while some are on their way.
    one.on('error', () => undefined);
    one.end();
  };
  const timer = setInterval(send, 1000 / rate);
  return {
    stop: () => {
      clearInterval(timer);
      agent.destroy();
    },
  };
}

function report(): void {
  const rollbacks = rollbacksIn(logs());
  const rows = {
    'the slowest of each': rollbacks.map(({ delaysMs }) => Math.max(...delaysMs)),
    'all of them': rollbacks.flatMap(({ delaysMs }) => delaysMs),
  };
  console.log(`${rollbacks.length} of ${wanted} rollbacks reached every gateway`);
  console.log('ms from the decision    times    p50    p90    p99    max');
  for (const [name, times] of Object.entries(rows)) {
    const quantiles = [0.5, 0.9, 0.99, 1].map((ratio) => String(quantileOf(times, ratio)).padStart(7)).join('');
    console.log(`${name.padEnd(22)} ${String(times.length).padStart(6)}${quantiles}`);
  }
  const p99Ms = quantileOf(rows['the slowest of each'], 0.99);
  if (rollbacks.length < wanted || !(p99Ms <= P99_MS_MAX)) process.exitCode = 1;
}
