/** Trials per threshold become counts per bin; a tick closes by time and arrivals. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PairCounts } from '#src/model/slo.ts';
import { OpenBins } from '#src/slo/latency/bins.ts';
import { QUANTILES } from '#src/slo/verdict/dominance.ts';

type Arm = readonly (readonly [finished: number, exceeded: number])[];

function trials(canary: Arm, stable: Arm): PairCounts[] {
  const of = ([finished, bad]: readonly [number, number]) => ({ finished, bad });
  return QUANTILES.map((_, k) => ({
    canary: of(canary[k] as Arm[number]),
    stable: of(stable[k] as Arm[number]),
  }));
}

const NOTHING: Arm = QUANTILES.map(() => [0, 0] as const);
/** Ended in bins 0, 0, 1, 3, and one that hangs beyond the last threshold. */
const FIVE: Arm = [
  [5, 3],
  [5, 2],
  [5, 2],
  [5, 1],
  [5, 1],
  [5, 1],
];
/** One is known to exceed two thresholds and has not ended. */
const YOUNG: Arm = [
  [1, 1],
  [1, 1],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
];

describe('a tick of bins', () => {
  it('holds each request once: where it ended, or in the last bin while it hangs', () => {
    const bins = new OpenBins(0);
    bins.add(trials(FIVE, NOTHING), 100);
    assert.deepEqual([...bins.canary], [2, 1, 0, 1, 0, 0, 1]);
    assert.deepEqual([...bins.stable], [0, 0, 0, 0, 0, 0, 0]);
  });

  it('waits for requests that may still end in any bin', () => {
    const bins = new OpenBins(0);
    assert.equal(bins.add(trials(YOUNG, FIVE), 100), false);
    assert.deepEqual([...bins.canary], [0, 0, 0, 0, 0, 0, 0]);
    assert.equal(
      bins.add(
        trials(
          [
            [0, 0],
            [0, 0],
            [1, 0],
            [1, 0],
            [1, 0],
            [1, 0],
          ],
          NOTHING,
        ),
        200,
      ),
      true,
    );
    assert.deepEqual([...bins.canary], [0, 0, 1, 0, 0, 0, 0]);
  });

  it('closes when it is long enough and both versions are in it, and begins empty', () => {
    const bins = new OpenBins(0);
    assert.equal(bins.add(trials(FIVE, FIVE), 50), false, 'too short');
    assert.equal(bins.add(trials(NOTHING, NOTHING), 100), true);
    bins.open(100);
    assert.deepEqual([...bins.canary, ...bins.stable], new Array(14).fill(0));
    assert.equal(bins.add(trials(FIVE, NOTHING), 300), false, 'one version alone');
    assert.equal(bins.add(trials(NOTHING, FIVE), 400), true);
  });
});
