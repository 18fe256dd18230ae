/** A whole gateway that is killed under load, again and again: its state opens, lacks a second at most, and rollouts go on. */

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '#src/lib/random.ts';
import { ROLLOUT_COMMANDS, type SavedRollout } from '#src/model/rollout.ts';
import type { LoggedDecision } from '#src/model/slo.ts';
import { fromBytes } from '#src/slo/budget/ledger/saved.ts';
import { Ring } from '#src/slo/budget/ring.ts';
import { openFiles } from '#src/state/files.ts';
import {
  type GatewayProcess,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';
import { inFolder } from '../../support/state/folder.ts';
import { checkedLog } from '../../support/state/log.ts';

const ROUNDS = process.env['SLUICE_TEST_DEPTH'] === 'full' ? 50 : 5;
const SEED = Number(process.env['SLUICE_TEST_SEED'] ?? 41_007);
const TOKEN = 'correct-horse-battery-staple';
/** Longest life under load in ms; half of the rounds outlive a second. */
const LIFE_MS_MAX = 2000;
const LOST_MS_MAX = 1000;
const SAMPLE_MS = 20;

let stable: TestService;
let canary: TestService;

before(async () => {
  stable = await startService('v1');
  canary = await startService('v2');
});

after(async () => {
  await stable.close();
  await canary.close();
});

function documentOf(state: string): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 2
state: {directory: "${state}"}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${stable.port}"]}
      v2: {endpoints: ["127.0.0.1:${canary.port}"]}
routes:
  - name: shop
    sticky: {header: x-user-id}
    backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
    slo: {availability: 0.9, budgetPolicy: {freeze: false}}
    rollout:
      {stable: v1, canary: v2, steps: [5, 20, 60, 100], dwell: 200ms, requestsMin: 10, evidence: false, bake: 1h}
`;
}

/** What the file holds. */
interface Written {
  readonly decisions: readonly LoggedDecision[];
  readonly rollout: SavedRollout | null;
  /** Events of the one objective since the beginning of time. */
  readonly events: number;
}

function read(directory: string): Written {
  const { database, lock, aside } = openFiles(directory, () => '');
  const { budgets: rows, decisions, rollouts } = database.load();
  const budgets = new Map([...rows].filter(([key]) => !key.startsWith('config/')));
  database.close();
  lock.release();
  assert.equal(aside, null, 'the file is whole');
  let events = 0;
  for (const [id, { bytes }] of budgets) {
    const { good, bad } = Ring.fromBytes(fromBytes(id, bytes).ring, 0, 0).totals;
    events += good + bad;
  }
  assert.ok(budgets.size <= 1);
  return { decisions, rollout: rollouts[0] ?? null, events };
}

/** That a gateway which has just started, and saw no request yet, stands where the file says. */
async function checkResumed(gateway: GatewayProcess, { decisions, rollout, events }: Written): Promise<void> {
  // From the first turn of the loop on, which comes after the line that the gateway serves.
  await until(
    'the loop has turned',
    async () => typeof (await gateway.status()).routes[0]?.rollout?.state === 'string',
  );
  const { routes, slos, state } = await gateway.status();
  assert.deepEqual([state.kind, state.because], ['durable', '']);
  const { good = 0, bad = 0 } = slos[0]?.eventsTotal ?? {};
  assert.equal(good + bad, events, 'the budget goes on');
  const last = decisions.at(-1);
  if (rollout === null || last === undefined) return;
  const shown = routes[0]?.rollout;
  const saved = rollout.rollout.state;
  assert.equal(shown?.state, saved.kind, `after ${last.kind}: ${last.sentence}`);
  assert.equal(shown?.step?.number ?? null, saved.step === undefined ? null : saved.step + 1);
  const weight = routes[0]?.versions.find(({ version }) => version === 'v2')?.weight;
  assert.ok(last.kind !== 'revert');
  assert.equal(weight, last.weightAfter, `after ${last.kind}: ${last.sentence}`);
  assert.equal((await gateway.decisions()).at(-1)?.id, last.id);
}

/** A command that fits, or does not: refusals are answers, too. */
async function command(gateway: GatewayProcess, random: Random): Promise<void> {
  const [rollout] = (await gateway.status()).routes.map((route) => route.rollout);
  const isOff = rollout?.state === 'idle' || rollout?.state === 'rolled-back';
  const name = isOff ? 'start' : (ROLLOUT_COMMANDS[random.nextUint32() % ROLLOUT_COMMANDS.length] ?? 'pause');
  const headers = { authorization: `Bearer ${TOKEN}` };
  const response = await fetch(`${gateway.adminUrl}/api/v1/rollouts/shop/${name}`, { method: 'POST', headers });
  // 404 before the loop's first turn.
  assert.ok([200, 404, 409].includes(response.status), `${name}: ${response.status}`);
}

interface Life {
  /** Answers that clients had LOST_MS_MAX before the end, and at the end; requests that were sent. */
  readonly early: number;
  readonly sent: number;
  /** Ids of decisions that the log said were written. */
  readonly recorded: readonly number[];
}

/** The threads of a process that keep its state: its first one, and the one that writes. None where the system does not tell. */
function keepersOf(pid: number): string[] {
  const folder = `/proc/${pid}/task`;
  if (!existsSync(folder)) return [];
  const isKeeper = (task: string): boolean => task === String(pid) || nameOf(join(folder, task)) === 'sluice-state';
  return readdirSync(folder).flatMap((task) => (isKeeper(task) ? [join(folder, task, 'schedstat')] : []));
}

function nameOf(task: string): string {
  try {
    return readFileSync(join(task, 'comm'), 'utf8').trim();
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

/** How long they have waited for a processor since they began, in ms. Source: Linux, Documentation/scheduler/sched-stats.rst. */
function waitedMs(keepers: readonly string[]): number {
  return keepers.reduce((sum, file) => sum + Number(readFileSync(file, 'utf8').split(' ')[1]) / 1e6, 0);
}

/** Load, commands, and an end without warning. @param isToProve it lives until something must have been written */
async function liveAndDie(gateway: GatewayProcess, random: Random, isToProve: boolean): Promise<Life> {
  const load = startLoad(gateway.proxyUrl, { connections: 4, users: 1000 });
  const samples: { readonly atMs: number; readonly answered: number; readonly heldMs: number }[] = [];
  const keepers = keepersOf(gateway.child.pid as number);
  let stalledMs = 0;
  const sample = (): void => {
    const atMs = performance.now();
    // What holds this process up holds the gateway up as well, each time that it does.
    stalledMs += Math.max(0, atMs - (samples.at(-1)?.atMs ?? atMs) - SAMPLE_MS);
    let answered = 0;
    for (const [answer, count] of load.counts.answers) if (answer.startsWith('200')) answered += count;
    samples.push({ atMs, answered, heldMs: stalledMs + waitedMs(keepers) });
  };
  /** What clients had before the last second in which the gateway had the processor whenever it wanted it. */
  const early = (): number => {
    sample();
    const last = samples.at(-1) as (typeof samples)[number];
    const isEarly = ({ atMs, heldMs }: typeof last): boolean => last.atMs - atMs >= LOST_MS_MAX + last.heldMs - heldMs;
    return samples.findLast(isEarly)?.answered ?? 0;
  };
  const sampling = setInterval(sample, SAMPLE_MS);
  const lifeMs = 200 + (random.nextUint32() % LIFE_MS_MAX);
  const commanding = command(gateway, random)
    .then(() => sleep(random.nextUint32() % lifeMs))
    .then(() => command(gateway, random))
    // One may be under way when the gateway is killed.
    .catch((error: unknown) => assert.ok(error instanceof TypeError, String(error)));
  await sleep(lifeMs);
  if (isToProve) await until('something must have been written', () => early() > 0);
  clearInterval(sampling);
  const written = early();
  gateway.child.kill('SIGKILL');
  const stopped = load.stop();
  await gateway.exited;
  await commanding;
  const { sent } = await stopped;
  const recorded = [...gateway.output().matchAll(/"event":"decision_recorded","seq":\d+,"id":(\d+)/g)];
  return { early: written, sent, recorded: recorded.map(([, id]) => Number(id)) };
}

describe('a gateway that is killed under load', () => {
  it(`goes on where it was, ${ROUNDS} times in a row`, { timeout: 1_200_000 }, (t) =>
    inFolder(async (folder) => {
      t.diagnostic(`seed ${SEED}`);
      const random = new Random(SEED);
      const directory = join(folder, 'state');
      let before: Written = { decisions: [], rollout: null, events: 0 };
      const kinds = new Set<string>();
      let proven = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const gateway = await startGatewayProcess(documentOf(directory));
        try {
          await checkResumed(gateway, before);
          const isToProve = proven === 0 && round === ROUNDS - 1;
          const { early, sent, recorded } = await liveAndDie(gateway, random, isToProve);
          const written = read(directory);
          const counted = written.events - before.events;
          assert.ok(counted >= early, `round ${round}: ${counted} counted of ${early} answered a second before`);
          assert.ok(counted <= sent, `round ${round}: ${counted} counted of ${sent} sent`);
          const last = written.decisions.at(-1)?.id ?? 0;
          assert.ok(last >= Math.max(0, ...recorded), `round ${round}: a decision that was told is lost`);
          checkedLog(directory);
          before = written;
          proven += early;
          kinds.add(written.rollout?.rollout.state.kind ?? 'none');
        } finally {
          await gateway.end();
        }
      }
      assert.ok(proven > 0, 'some lived longer than a second');
      t.diagnostic(`${before.events} events, ${before.decisions.length} decisions; ended ${[...kinds].join(', ')}`);
    }),
  );
});
