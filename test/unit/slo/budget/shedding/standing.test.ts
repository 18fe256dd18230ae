/** From what is left of a budget to a standing. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { STANDING_PLENTY } from '#src/model/threads/load/standing.ts';
import { budgetStanding } from '#src/slo/budget/shedding/standing.ts';

const SEED = 20_261_121;

function standing(remainingRatio: number | null, before = STANDING_PLENTY, isBurning = false): number {
  return budgetStanding({ remainingRatio, isBurning }, before);
}

describe('a standing', () => {
  it('falls with what is left', () => {
    const ratios = [1, 0.7, 0.69, 0.4, 0.39, 0.1, 0.09, 0, -5];
    assert.deepEqual(
      ratios.map((ratio) => standing(ratio)),
      [3, 3, 2, 2, 1, 1, 0, 0, 0],
    );
  });

  it('is the last to be refused while it burns, whatever is left', () => {
    for (const ratio of [1, 0.5, null]) assert.equal(standing(ratio, 3, true), 0);
  });

  it('without a budget is that of plenty: there is nothing to lose', () => {
    assert.equal(standing(null), STANDING_PLENTY);
    assert.equal(standing(null, 0), STANDING_PLENTY);
  });

  it('falls at once and rises only 2 % above the bound', () => {
    assert.equal(standing(0.699, 3), 2);
    assert.equal(standing(0.719, 2), 2);
    assert.equal(standing(0.721, 2), 3);
    assert.equal(standing(0.71, 0), 2, 'as far as it is certain');
  });

  it('of a budget that hovers within 2 % changes at most once', (t) => {
    t.diagnostic(`seed ${SEED}`);
    const random = new Random(SEED);
    for (const bound of [0.1, 0.4, 0.7]) {
      let [at, changes] = [standing(bound + 0.005), 0];
      for (let n = 0; n < 1000; n++) {
        const next = standing(bound - 0.01 + random.nextFloat() * 0.02, at);
        if (next !== at) changes += 1;
        at = next;
      }
      assert.equal(changes, 1, `${bound}`);
    }
  });
});
