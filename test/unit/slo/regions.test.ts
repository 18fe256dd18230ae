/** The roll of regions: who leaves is read once more. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RegionRoll } from '#src/slo/regions.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const [a, b, c] = [1, 2, 3].map((id) => new FakeWorker(id).region) as [
  FakeWorker['region'],
  FakeWorker['region'],
  FakeWorker['region'],
];

function idsOf(regions: readonly { readonly id: number }[]): number[] {
  return regions.map(({ id }) => id);
}

describe('the roll of regions', () => {
  it('gives the current ones as long as none leaves', () => {
    const roll = new RegionRoll();
    assert.deepEqual(idsOf(roll.turn([a, b])), [1, 2]);
    assert.deepEqual(idsOf(roll.turn([a, b, c])), [1, 2, 3]);
  });

  it('gives one that left once more, and then no longer', () => {
    const roll = new RegionRoll();
    roll.turn([a, b]);
    assert.deepEqual(idsOf(roll.departed([b, c])), [1]);
    assert.deepEqual(idsOf(roll.turn([b, c])), [2, 3, 1]);
    assert.deepEqual(idsOf(roll.turn([b, c])), [2, 3]);
  });

  it('knows a region by its id, not by the object', () => {
    const roll = new RegionRoll();
    roll.turn([a]);
    assert.deepEqual(idsOf(roll.turn([{ ...a }])), [1]);
  });
});
