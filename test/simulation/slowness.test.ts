/** How soon a slow canary is at weight 0, and that healthy or shared slowness never is: the real controller, virtual time. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { quantileOf } from '../support/simulate/detection.ts';
import {
  extra,
  type Slowness,
  type SlownessScenario,
  STEADY,
  slowDown,
  stall,
  tail,
} from '../support/simulate/slowness.ts';

const SEED = 1;
const RUNS = 200;

function runs(t: TestContext, changes: Partial<SlownessScenario>, count = RUNS): readonly Slowness[] {
  const all = Array.from({ length: count }, (_, n) => slowDown({ ...STEADY, ...changes }, SEED + n));
  const sorted = all.map(({ afterMs }) => afterMs).toSorted((a, b) => a - b);
  const [p50Ms, p95Ms] = [quantileOf(sorted, 0.5), quantileOf(sorted, 0.95)];
  t.diagnostic(`seeds ${SEED}..${SEED + count - 1}: p50 ${p50Ms.toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms`);
  return all;
}

function medianMs(all: readonly Slowness[]): number {
  return quantileOf(
    all.map(({ afterMs }) => afterMs).toSorted((a, b) => a - b),
    0.5,
  );
}

describe('a canary that gets slow, at 50 of 1,000 requests per second', () => {
  const cases: readonly [string, Partial<SlownessScenario>, number][] = [
    ['everywhere by half', { canary: (_, baseMs) => 1.5 * baseMs }, 5000],
    ['everywhere by twice', { canary: (_, baseMs) => 2 * baseMs }, 3000],
    ['in its tail alone, p99 by twice', { canary: tail(2) }, 10_000],
    ['for one request in fifty, by a second', { canary: extra(0.02, 1000) }, 8000],
    ['so that nothing comes back', { canary: (_, baseMs) => baseMs + 600_000 }, 1000],
  ];
  for (const [name, changes, limitMs] of cases) {
    it(`${name}, is out within ${limitMs / 1000} s at the median`, (t) => {
      const all = runs(t, changes);
      assert.ok(medianMs(all) <= limitMs, `${medianMs(all)}`);
      for (const { afterMs, decision } of all) {
        assert.ok(afterMs > 0, 'and never before');
        assert.match(decision?.sentence ?? '', /rolled back: p\d+(\.\d)? .* ms against \d+ ms on v1; /);
      }
    });
  }
});

describe('a canary that is not slower', () => {
  const cases: readonly [string, Partial<SlownessScenario>][] = [
    ['keeps its weight while all is well', { watchMs: 120_000 }],
    ['keeps its weight at the edge of what is tolerated', { canary: (_, baseMs) => 1.1 * baseMs, watchMs: 120_000 }],
    ['keeps its weight while everybody hangs for ten seconds', { shared: stall(5000, 10_000) }],
    [
      'keeps its weight while everybody is three times slower, again and again',
      { shared: (_, baseMs, sinceMs) => (sinceMs % 20_000 > 10_000 ? 3 * baseMs : baseMs) },
    ],
    [
      'keeps its weight while everybody takes seconds for a while',
      { shared: (_, baseMs, sinceMs) => (sinceMs > 5000 && sinceMs < 25_000 ? baseMs + 3000 : baseMs) },
    ],
    ['keeps its weight when it gets faster', { canary: (_, baseMs) => 0.5 * baseMs }],
  ];
  for (const [name, changes] of cases) {
    it(name, (t) => {
      for (const { decision } of runs(t, changes, 20)) assert.equal(decision?.sentence, undefined);
    });
  }
});
