/**
 * What tracing costs a request, by the CPU time of the whole process: the same gateway without, at 1 %, and with every request
 * sampled, in turns. `npm run bench:tracing -- --rounds 40 --seconds 1`. Needs Linux, `wrk` and `nginx`.
 *
 * The time of the exporting thread is in it. Ratios are taken within a round, then their median and range. Many short turns: so slow
 * and fast minutes of the machine hit all alike.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type GatewayProcess, startGatewayProcess } from '../../test/support/gateway.ts';
import { startCollector } from '../../test/support/readings/traces/collector.ts';
import { needServers } from '../../test/support/runner/servers.ts';
import { processTicks, ticksPerSecond } from '../macro/accounts/processes.ts';
import { Children, freePort } from '../macro/children.ts';
import { SMALL_GET } from '../macro/load/request.ts';
import { runLoad } from '../macro/load/wrk.ts';
import { ratios, spreadOf } from '../macro/report/statistics.ts';
import { upstreamCommand } from '../macro/upstream.ts';

const CONNECTIONS = 64;
const SHARES = [null, 0.01, 1] as const;

function documentOf(port: number, tracing: string): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
${tracing}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}
routes:
  - name: shop
    backendRefs: [{name: shop}]
`;
}

needServers(['nginx', 'wrk']);
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '40' }, seconds: { type: 'string', default: '1' } },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
const children = new Children();
const ends: (() => unknown)[] = [() => children.stopAll(), () => rm(folder, { recursive: true, force: true })];

/** CPU time per request of one gateway under load, in us. */
async function measure(gateway: GatewayProcess, forSeconds: number): Promise<number> {
  const port = Number(new URL(gateway.proxyUrl).port);
  const pid = gateway.child.pid as number;
  const before = processTicks(pid);
  const load = { wrk: 'wrk', folder, cores: [], port, shape: SMALL_GET, connections: CONNECTIONS };
  const { requests } = await runLoad({ ...load, seconds: forSeconds, signal: AbortSignal.timeout(600_000) });
  return ((processTicks(pid) - before) / ticksPerSecond() / requests) * 1e6;
}

try {
  const port = await freePort();
  children.start('upstream', [], upstreamCommand(folder, port, 'nginx'));
  const collector = await startCollector({ after: (end: () => unknown) => void ends.push(end) });
  const gateways: GatewayProcess[] = [];
  for (const sample of SHARES) {
    const tracing = sample === null ? '' : `tracing: {endpoint: "${collector.url}", sample: ${sample}}`;
    const gateway = await startGatewayProcess(documentOf(port, tracing));
    ends.push(() => gateway.end());
    gateways.push(gateway);
    await measure(gateway, 2);
  }
  const taken: number[][] = SHARES.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [n, gateway] of gateways.entries()) taken[n]?.push(await measure(gateway, seconds));
    collector.spans.length = 0;
    collector.messages.length = 0;
  }
  for (const [n, sample] of SHARES.entries()) {
    const own = taken[n] as number[];
    const name = sample === null ? 'no traces' : `sample ${sample}`;
    const { median, min, max } = spreadOf(ratios(own, taken[0] as number[]));
    const us = spreadOf(own).median.toFixed(1).padStart(8);
    const range = `${min.toFixed(3)} to ${max.toFixed(3)}`;
    process.stdout.write(`${name.padEnd(12)}${us} us/request   x ${median.toFixed(3)} (${range})\n`);
  }
  for (const gateway of gateways.slice(1)) {
    const counts = (await gateway.status()).tracing?.counts;
    process.stdout.write(`${JSON.stringify(counts)}\n`);
  }
} finally {
  for (const end of ends.toReversed()) await end();
}
