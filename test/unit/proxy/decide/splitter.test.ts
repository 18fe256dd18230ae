/** Weighted rendezvous hashing: exact shares, and nobody moves who need not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hash32 } from '#src/lib/hash.ts';
import { Random } from '#src/lib/random.ts';
import { chooseSplit, hadWeight, noteWeight } from '#src/proxy/decide/splitter.ts';
import type { LinkedSplit, RouteTable } from '#src/proxy/decide/table.ts';
import { Exchange } from '#src/proxy/exchange.ts';
import { retryingOf } from '#src/proxy/forward/retry/retry.ts';
import type { Asker } from '#src/proxy/forward/sides.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { IS_QUICK } from '../../../support/runner/depth.ts';
import { groupOf, targetsOf } from '../../../support/simulate/balancing.ts';

const SEED = 20_260_729;
const KEYS = IS_QUICK ? 25_000 : 100_000;
const NOBODY = targetsOf(groupOf([]), 'peakEwma');

/** Versions v0, v1 … with dials 0, 1 …; seeds as a snapshot would give them. */
function splitsOf(count: number, seeds: readonly number[] = []): LinkedSplit[] {
  return Array.from({ length: count }, (_, i) => ({
    service: 'service',
    version: `v${i}`,
    cellBase: 0,
    cell: i,
    dial: i,
    unit: -1,
    serviceSlowMs: Number.POSITIVE_INFINITY,
    seed: seeds[i] ?? 7919 * (i + 1),
    targets: NOBODY,
    rescuer: null,
    rescuesPinned: false,
    countsMended: false,
    admission: null,
    breaker: null,
  }));
}

/** Index of the version of each of `KEYS` keys, -1 for none. */
function chosen(splits: readonly LinkedSplit[], weights: readonly number[]): Int8Array {
  const random = new Random(SEED);
  const dials = Int32Array.from(weights);
  return Int8Array.from({ length: KEYS }, () => chooseSplit(splits, dials, random.nextUint32())?.dial ?? -1);
}

function countsOf(choices: Int8Array, versions: number): number[] {
  const counts = new Array<number>(versions).fill(0);
  for (const choice of choices) counts[choice] = (counts[choice] as number) + 1;
  return counts;
}

describe(`over ${KEYS} keys (seed ${SEED}) each version gets its share`, () => {
  const cases: readonly (readonly number[])[] = [
    [95, 5],
    [1, 1, 1],
    [1, 99],
    [99, 1],
    [50, 0, 50],
    [1_000_000, 1],
    [1, 2, 3, 4, 5, 6, 7, 8],
  ];
  for (const weights of cases) {
    it(`of ${weights.join('/')}`, () => {
      const counts = countsOf(chosen(splitsOf(weights.length), weights), weights.length);
      const sum = weights.reduce((a, b) => a + b, 0);
      weights.forEach((weight, i) => {
        const share = weight / sum;
        const deviation = Math.sqrt(KEYS * share * (1 - share));
        const count = counts[i] as number;
        if (weight === 0) assert.equal(count, 0);
        else assert.ok(Math.abs(count - KEYS * share) <= 4.5 * deviation + 1, `v${i}: ${count} of ${KEYS * share}`);
      });
    });
  }

  it('even if the seeds are neighbors', () => {
    const counts = countsOf(chosen(splitsOf(2, [1, 2]), [1, 1]), 2);
    assert.ok(Math.abs((counts[0] as number) - KEYS / 2) < 4.5 * Math.sqrt(KEYS / 4), String(counts));
  });

  it('and numbered users are as good as random ones', () => {
    const splits = splitsOf(2);
    const dials = Int32Array.of(95, 5);
    let canary = 0;
    for (let key = 0; key < KEYS; key++) if (chooseSplit(splits, dials, key)?.dial === 1) canary++;
    assert.ok(Math.abs(canary - KEYS * 0.05) < 4.5 * Math.sqrt(KEYS * 0.05 * 0.95), String(canary));
  });
});

describe('over 1,000,000 named users', () => {
  const users = Uint32Array.from({ length: 1_000_000 }, (_, i) => hash32(`user-${i}`));
  /** Quantile 1 - 10^-6 of chi-square with 1 to 7 degrees of freedom. */
  const CHI_SQUARE_MAX = [23.9, 27.6, 30.7, 33.4, 35.9, 38.3, 40.5];

  const cases: readonly (readonly number[])[] = [
    [95, 5],
    [9999, 1],
    [50, 30, 15, 5],
    [1, 1, 1, 1, 1, 1, 1, 1],
  ];
  for (const weights of IS_QUICK ? cases.slice(0, 1) : cases) {
    it(`${weights.join('/')} is met within 0.1 points, no worse than chance would`, () => {
      const splits = splitsOf(weights.length);
      const dials = Int32Array.from(weights);
      const counts = new Float64Array(weights.length);
      for (const user of users) {
        const dial = chooseSplit(splits, dials, user)?.dial ?? 0;
        counts[dial] = (counts[dial] as number) + 1;
      }
      const sum = weights.reduce((a, b) => a + b, 0);
      let chiSquare = 0;
      weights.forEach((weight, i) => {
        const expected = (users.length * weight) / sum;
        const count = counts[i] as number;
        assert.ok(Math.abs(count - expected) / users.length <= 0.001, `v${i}: ${count} of ${expected}`);
        chiSquare += (count - expected) ** 2 / expected;
      });
      assert.ok(chiSquare <= (CHI_SQUARE_MAX[weights.length - 2] as number), `chi-square ${chiSquare}`);
    });
  }
});

describe('users move', () => {
  const steps: readonly (readonly [readonly number[], readonly number[], number])[] = [
    [[99, 1], [99, 5], 1],
    [[95, 5], [95, 25], 1],
    [[0, 1], [1, 1], 0],
    [[10, 10, 10], [10, 11, 10], 1],
  ];
  for (const [before, after, raised] of steps) {
    it(`only towards the version that is raised: ${before.join('/')} to ${after.join('/')}`, () => {
      const splits = splitsOf(before.length);
      const was = chosen(splits, before);
      const is = chosen(splits, after);
      let moved = 0;
      for (let i = 0; i < KEYS; i++) {
        if (was[i] === is[i]) continue;
        assert.equal(is[i], raised, `a user moved from v${was[i]} to v${is[i]}`);
        moved++;
      }
      assert.ok(moved > 0);
    });
  }

  it('not at all when every weight is multiplied', () => {
    const splits = splitsOf(3);
    assert.deepEqual(chosen(splits, [3, 2, 1]), chosen(splits, [300, 200, 100]));
  });

  it('when a version leaves, only from it', () => {
    const splits = splitsOf(3);
    const was = chosen(splits, [1, 1, 1]);
    const is = chosen(splits, [1, 1, 0]);
    for (let i = 0; i < KEYS; i++) assert.ok(was[i] === is[i] || was[i] === 2);
  });

  it('back where they were when the weights return', () => {
    const splits = splitsOf(2);
    const was = chosen(splits, [95, 5]);
    chosen(splits, [100, 0]);
    assert.deepEqual(chosen(splits, [95, 5]), was);
  });
});

describe('no version', () => {
  it('is chosen when every weight is 0 or there is none', () => {
    assert.equal(chooseSplit(splitsOf(2), Int32Array.of(0, 0), 1), null);
    assert.equal(chooseSplit([], new Int32Array(1), 1), null);
  });

  it('is chosen by a negative weight', () => {
    assert.equal(chooseSplit(splitsOf(2), Int32Array.of(-5, 1), 1)?.version, 'v1');
  });
});

it('choosing allocates nothing but the numbers of its arithmetic', COUNTED, () => {
  const splits = splitsOf(2);
  const dials = Int32Array.of(95, 5);
  let key = 0;
  const bytes = bytesPerCall(() => void chooseSplit(splits, dials, (key = (key + 1) & 0xffff)));
  assert.equal(bytes, 0, `${bytes} B`);
});

describe('a version had weight when an exchange came to it', () => {
  const begunOn = (weight: number, isPinned: boolean) => {
    const dials = Int32Array.of(weight);
    const x = new Exchange({ lane: { dials } } as unknown as Asker, {} as RouteTable, 0);
    x.split = splitsOf(1)[0] as LinkedSplit;
    x.isPinned = isPinned;
    if (isPinned) noteWeight(x);
    return { x, dials };
  };

  it('if it was drawn, whatever weight it has by now', () => {
    const { x, dials } = begunOn(1, false);
    dials[0] = 0;
    assert.equal(hadWeight(x), true);
  });

  it('if a color pinned it while it had some, and only then', () => {
    for (const weight of [1, 0]) {
      const { x, dials } = begunOn(weight, true);
      dials[0] = 1 - weight;
      assert.equal(hadWeight(x), weight === 1);
    }
  });

  it('where another version goes on, if that has some now', () => {
    const { x, dials } = begunOn(1, true);
    retryingOf(x).rescuedFrom = splitsOf(2)[1] as LinkedSplit;
    assert.equal(hadWeight(x), true);
    dials[0] = 0;
    assert.equal(hadWeight(x), false);
  });

  it('not if there is none', () => {
    const { x } = begunOn(1, false);
    x.split = null;
    assert.equal(hadWeight(x), false);
  });
});
