/**
 * The load: `node load-child.ts JSON` (a `LoadOrder`). Prints `begin` and `end` around what is measured, then the result as JSON.
 *
 * An open loop: a gateway that answers late is asked no less. All times are from when a request was due, not from when it was sent,
 * which counts what the load itself was late against everybody; it is told as `lateP99Ms`.
 */

import { bucketIndex, HISTOGRAM_BUCKETS, quantile } from '../../src/lib/histogram.ts';
import { Random } from '../../src/lib/random.ts';
import { PRIORITIES } from '../../src/model/overload.ts';
import { exponential } from '../../test/support/simulate/draws.ts';
import { drawPriority, retryWaitMs, SLO_MS, USERS } from '../../test/support/simulate/load/shapes.ts';
import { type Ask, Clients } from './clients.ts';
import type { Fates, LoadOrder, LoadResult } from './load.ts';

const TURN_MS = 1;
/** How long after the end answers are waited for. */
const DRAIN_MS = 5000;

interface Wish extends Ask {
  readonly priority: number;
  /** When the client wanted it, and when this try of it was due. */
  readonly bornAtMs: number;
  readonly dueAtMs: number;
  readonly tries: number;
}

const order = JSON.parse(process.argv[2] ?? '') as LoadOrder;
const random = new Random(order.seed);
const fates: Fates[] = PRIORITIES.map(() => ({ arrived: 0, good: 0, late: 0, refused: 0, timedOut: 0, broken: 0 }));
const goodBySecond = new Array<number>(Math.ceil((order.durationMs - order.fromMs) / 1000)).fill(0);
const admitted = new Float64Array(HISTOGRAM_BUCKETS);
const lateness = new Float64Array(HISTOGRAM_BUCKETS);
const tally = { wished: 0, sent: 0, refused: 0, pending: 0 };

const clients = new Clients<Wish>(order.port, {
  answered: (wish, status) => (status === 200 ? answered(wish) : refused(wish)),
  gaveUp: (wish) => {
    if (wish.bornAtMs >= order.fromMs) count(admitted, performance.now() - startedAtMs - wish.dueAtMs);
    again(wish, 'timedOut');
  },
  broke: (wish) => again(wish, 'broken'),
});

function count(counts: Float64Array, ms: number): void {
  const at = bucketIndex(ms);
  counts[at] = (counts[at] as number) + 1;
}

function rateAt(nowMs: number): number {
  return (order.phases.find(({ untilMs }) => nowMs < untilMs) ?? order.phases.at(-1))?.rate ?? Number.NaN;
}

function bytesOf(priority: number, user: number): string {
  const fields = ['GET /orders HTTP/1.1', 'Host: shop.example', `X-User-Id: user-${user}`];
  return `${fields.join('\r\n')}\r\nX-Priority: ${PRIORITIES[priority]}\r\nAccept: application/json\r\n\r\n`;
}

function arrive(dueMs: number, nowMs: number): void {
  const priority = drawPriority(random);
  tally.wished += 1;
  if (dueMs >= order.fromMs) {
    (fates[priority] as Fates).arrived += 1;
    count(lateness, Math.max(0.001, nowMs - dueMs));
  }
  const bytes = bytesOf(priority, random.nextUint32() % USERS);
  ask({ bytes, priority, bornAtMs: dueMs, dueAtMs: dueMs, tries: 0 }, nowMs);
}

function ask(what: Omit<Wish, 'sentAtMs' | 'isOver' | 'line'>, nowMs: number): void {
  tally.sent += 1;
  clients.send({ ...what, sentAtMs: nowMs, isOver: false, line: null }, nowMs);
}

function answered(wish: Wish): void {
  const nowMs = performance.now() - startedAtMs;
  if (wish.bornAtMs >= order.fromMs) count(admitted, nowMs - wish.dueAtMs);
  end(wish, nowMs - wish.bornAtMs <= SLO_MS ? 'good' : 'late', nowMs);
}

function refused(wish: Wish): void {
  tally.refused += 1;
  again(wish, 'refused');
}

function again(wish: Wish, fate: 'refused' | 'timedOut' | 'broken'): void {
  if (wish.tries >= order.retries) {
    end(wish, fate, performance.now() - startedAtMs);
    return;
  }
  tally.pending += 1;
  const waitMs = retryWaitMs(random, wish.tries);
  const dueAtMs = performance.now() - startedAtMs + waitMs;
  setTimeout(() => {
    tally.pending -= 1;
    ask({ ...wish, dueAtMs, tries: wish.tries + 1 }, performance.now() - startedAtMs);
  }, waitMs);
}

function end(wish: Wish, fate: keyof Omit<Fates, 'arrived'>, nowMs: number): void {
  if (wish.bornAtMs < order.fromMs) return;
  (fates[wish.priority] as Fates)[fate] += 1;
  const second = Math.floor((nowMs - order.fromMs) / 1000);
  if (fate === 'good' && second < goodBySecond.length) goodBySecond[second] = (goodBySecond[second] as number) + 1;
}

function result(): LoadResult {
  return {
    fates,
    goodBySecond,
    refused: tally.refused,
    wished: tally.wished,
    sent: tally.sent,
    p99Ms: quantile(admitted, 0, 0.99),
    lateP99Ms: quantile(lateness, 0, 0.99),
  };
}

let nextMs = exponential(random, 1000 / rateAt(0));
const landmarks = [
  { name: 'begin', atMs: order.fromMs },
  { name: 'end', atMs: order.durationMs },
];

function turn(): void {
  const nowMs = performance.now() - startedAtMs;
  for (; nextMs <= nowMs && nextMs < order.durationMs; nextMs += exponential(random, 1000 / rateAt(nextMs)))
    arrive(nextMs, nowMs);
  clients.expire(nowMs);
  while (nowMs >= (landmarks[0]?.atMs ?? Number.POSITIVE_INFINITY))
    process.stdout.write(`${landmarks.shift()?.name}\n`);
  const isOver = nextMs >= order.durationMs && clients.underWay + tally.pending === 0;
  if (!isOver && nowMs < order.durationMs + DRAIN_MS) return;
  clearInterval(timer);
  clients.close();
  process.stdout.write(`${JSON.stringify(result())}\n`);
}

const startedAtMs = performance.now();
const timer = setInterval(turn, TURN_MS);
