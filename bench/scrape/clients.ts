/**
 * The process behind the load: `fork('clients.ts', [PORT, CONNECTIONS, GAP_MS, ROUTES])`.
 *
 * Each connection asks, waits for the answer, then for an exponential while of mean GAP_MS, so that the gateway is never
 * saturated and this process mostly sleeps. For each message `{seconds}` it tells the times from request to answer that
 * ended within: `{count, p50Ms, p99Ms, maxMs}`. A bad answer ends it with 1.
 */

import { Random } from '../../src/lib/random.ts';
import { openLines, type SocketLine } from '../macro/load/lines.ts';
import { requestOf, SMALL_GET, USERS } from '../macro/load/request.ts';

/** What was measured in one interval, ms. */
export interface Measured {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const [port = 0, connections = 0, gapMs = 0, routes = 1] = process.argv.slice(2).map(Number);
const random = new Random(port);
const shape = { ...SMALL_GET, routes };
/** Times of the interval; null between intervals. */
let times: number[] | null = null;

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function ask(line: SocketLine): void {
  line.dueMs = performance.now();
  line.send();
}

const lines = await openLines(port, connections, (index) => requestOf(shape, index % USERS, port), {
  onAnswer: (line) => {
    times?.push(performance.now() - line.dueMs);
    setTimeout(ask, -Math.log(1 - random.nextFloat()) * gapMs, line);
  },
  onFault: fail,
});
for (const line of lines) ask(line);

process.on('message', ({ seconds }: { readonly seconds: number }) => {
  const taken: number[] = [];
  times = taken;
  setTimeout(() => {
    times = null;
    taken.sort((a, b) => a - b);
    const at = (q: number): number => taken[Math.min(taken.length - 1, Math.floor(q * taken.length))] ?? Number.NaN;
    const measured: Measured = { count: taken.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
    process.send?.(measured);
  }, seconds * 1000);
});
process.send?.('ready');
