import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Arrivals } from '../../../../../bench/macro/load/arrivals.ts';
import { type Line, OpenLoop, type OpenLoopResult, type Plan } from '../../../../../bench/macro/load/open-loop.ts';

const STEP_MS = 0.05;
const HOUR_MS = 3_600_000;
/** A quantile is the middle of a bucket: 1.1 % off at most; a step of virtual time is added to both ends. */
const TOLERANCE_MS = 2 * STEP_MS;

/** What the other side does with a request that is sent at this instant. */
type Answerer = (sentMs: number) => number;

interface Run {
  readonly result: OpenLoopResult;
  readonly sentMs: readonly number[];
  readonly isDone: boolean;
}

/** Runs the loop on virtual time against an other side that answers at `answerMs(sent)`. */
function simulate(ratePerSecond: number, plan: Plan, lineCount: number, answerMs: Answerer): Run {
  const sentMs: number[] = [];
  const pending: { line: Line; atMs: number }[] = [];
  let nowMs = 0;
  const lines = Array.from({ length: lineCount }, () => {
    const line: Line = {
      dueMs: 0,
      send: () => {
        sentMs.push(nowMs);
        pending.push({ line, atMs: answerMs(nowMs) });
      },
    };
    return line;
  });
  const loop = new OpenLoop(new Arrivals('even', ratePerSecond, new Random(1)), plan, lines);
  const limitMs = loop.endMs + 5_000;
  for (; nowMs < limitMs && !loop.isDone; nowMs += STEP_MS) {
    loop.tick(nowMs);
    for (const { line } of pending.filter(({ atMs }) => atMs <= nowMs)) {
      pending.splice(
        pending.findIndex((one) => one.line === line),
        1,
      );
      loop.answered(line, nowMs);
    }
  }
  return { result: loop.result(), sentMs, isDone: loop.isDone };
}

function near(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= expected * 0.011 + TOLERANCE_MS, `${what}: ${actual}, not ${expected}`);
}

describe('the open loop', () => {
  test('measures a fixed latency as what it is', () => {
    const plan = { warmUpMs: 100, measureMs: 1_000 };
    const { result, isDone } = simulate(1_000, plan, 64, (sentMs) => sentMs + 20);
    assert.equal(result.requests, 1_000);
    assert.equal(result.unanswered, 0);
    assert.equal(result.waited, 0);
    for (const key of ['p50Ms', 'p99Ms', 'p999Ms', 'maxMs'] as const) near(result[key], 20, key);
    assert.ok((result.lateP99Ms ?? Number.NaN) <= TOLERANCE_MS);
    assert.ok(isDone);
  });

  test('sends on schedule whatever the answers do', () => {
    const plan = { warmUpMs: 0, measureMs: 200 };
    const fast = simulate(500, plan, 200, (sentMs) => sentMs + 1);
    const slow = simulate(500, plan, 200, (sentMs) => sentMs + 150);
    assert.deepEqual(slow.sentMs, fast.sentMs);
    assert.equal(fast.sentMs.length, 99);
  });

  test('sees a stall in every request that was due meanwhile, and not only in those that were under way', () => {
    const stall = (sentMs: number): number => (sentMs >= 500 && sentMs < 700 ? 700 : sentMs + 1);
    const { result } = simulate(1_000, { warmUpMs: 0, measureMs: 1_000 }, 4, stall);
    // 200 of 1,000 requests were due in 200 ms; half of them would have waited for more than 100 ms.
    near(result.maxMs, 200, 'max');
    assert.ok(result.p50Ms < 2, `p50 ${result.p50Ms}`);
    // The 10th longest of 999.
    near(result.p99Ms, 191, 'p99');
    assert.ok(result.waited >= 150, `${result.waited} waited for one of 4 connections`);
    assert.equal(result.unanswered, 0);
  });

  test('does not count the warm-up', () => {
    const slowFirst = (sentMs: number): number => sentMs + (sentMs < 90 ? 30 : 2);
    const { result, sentMs } = simulate(1_000, { warmUpMs: 100, measureMs: 400 }, 64, slowFirst);
    assert.equal(result.requests, 400);
    assert.ok(sentMs.length > 495);
    near(result.maxMs, 2, 'max');
  });

  test('tells what was never answered', () => {
    const never = (sentMs: number): number => (sentMs > 150 ? HOUR_MS : sentMs + 1);
    const { result, isDone } = simulate(1_000, { warmUpMs: 0, measureMs: 200 }, 500, never);
    assert.ok(result.unanswered >= 45 && result.unanswered <= 55, String(result.unanswered));
    assert.equal(isDone, false);
  });

  test('uses all connections in turn', () => {
    const used = new Set<number>();
    const lines = Array.from({ length: 8 }, (_, index): Line => ({ dueMs: 0, send: () => used.add(index) }));
    const loop = new OpenLoop(new Arrivals('even', 1_000, new Random(1)), { warmUpMs: 0, measureMs: 100 }, lines);
    for (let nowMs = 0; nowMs < 10; nowMs++) {
      loop.tick(nowMs);
      for (const line of lines) if (line.dueMs === nowMs && nowMs > 0) loop.answered(line, nowMs);
    }
    assert.equal(used.size, 8);
  });

  test('tells its own lateness apart from the latency', () => {
    const line: Line = { dueMs: 0, send: () => undefined };
    const loop = new OpenLoop(new Arrivals('even', 100, new Random(1)), { warmUpMs: 0, measureMs: 15 }, [line]);
    loop.tick(14);
    loop.answered(line, 16);
    near(loop.result().lateP99Ms ?? Number.NaN, 4, 'late');
    near(loop.result().maxMs, 6, 'latency from the due instant');
  });

  test('knows nothing of its own lateness when every request waited', () => {
    const line: Line = { dueMs: 0, send: () => undefined };
    const plan = { warmUpMs: 15, measureMs: 20 };
    const loop = new OpenLoop(new Arrivals('even', 100, new Random(1)), plan, [line]);
    for (const nowMs of [0, 20, 30, 40]) loop.tick(nowMs);
    for (const nowMs of [50, 60, 70, 80]) loop.answered(line, nowMs);
    const { requests, waited, lateP99Ms } = loop.result();
    assert.ok(requests > 0);
    assert.deepEqual([waited, lateP99Ms], [requests, null]);
  });
});
