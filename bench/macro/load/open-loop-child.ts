/**
 * The process behind the open loop: `node open-loop-child.ts JSON` (an `OpenLoopOrder`).
 *
 * Prints `begin` when the warm-up is over, `end` when nothing is due any more, and the result as JSON when everything
 * is answered. A bad answer or a lost connection ends it with 1.
 *
 * Never sleeps: timers wake a millisecond late, which is longer than what is measured. It is started with the kernel's
 * idle policy, so that the upstream on the same core gets the processor from it at once.
 */

import { Random } from '../../../src/lib/random.ts';
import { Arrivals } from './arrivals.ts';
import { openLines } from './lines.ts';
import { OpenLoop } from './open-loop.ts';
import type { OpenLoopOrder } from './open-loop-run.ts';
import { requestOf, SMALL_GET, USERS } from './request.ts';

/** How long after the end answers are waited for. */
const DRAIN_MS = 10_000;

const order = JSON.parse(process.argv[2] ?? '') as OpenLoopOrder;

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

let startedAtMs = 0;
const lines = await openLines(
  order.port,
  order.connections,
  (index) => requestOf(SMALL_GET, index % USERS, order.port),
  { onAnswer: (line) => loop.answered(line, performance.now() - startedAtMs), onFault: fail },
);
const loop = new OpenLoop(new Arrivals(order.spacing, order.rate, new Random(order.seed)), order, lines);
const landmarks = [
  { name: 'begin', atMs: order.warmUpMs },
  { name: 'end', atMs: loop.endMs },
];

function turn(): void {
  const nowMs = performance.now() - startedAtMs;
  loop.tick(nowMs);
  while (nowMs >= (landmarks[0]?.atMs ?? Number.POSITIVE_INFINITY))
    process.stdout.write(`${landmarks.shift()?.name}\n`);
  if (landmarks.length > 0 || (!loop.isDone && nowMs < loop.endMs + DRAIN_MS)) {
    setImmediate(turn);
    return;
  }
  for (const line of lines) line.end();
  process.stdout.write(`${JSON.stringify(loop.result())}\n`);
}

startedAtMs = performance.now();
turn();
