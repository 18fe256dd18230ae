/** The alias method: every place exactly its share. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { AliasTable } from '#src/proxy/forward/balance/alias.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const SEED = 5;
const DRAWS = 100_000;

function draws(sizes: readonly number[], places: readonly number[]): number[] {
  const table = new AliasTable(sizes.length);
  const total = places.reduce((sum, place) => sum + (sizes[place] as number), 0);
  table.build(Int32Array.from(places), places.length, Float64Array.from(sizes), total);
  const random = new Random(SEED);
  const counts = new Array<number>(places.length).fill(0);
  for (let n = 0; n < DRAWS; n++) {
    const drawn = table.draw(random);
    counts[drawn] = (counts[drawn] as number) + 1;
  }
  return counts;
}

for (const sizes of [[1], [1, 1, 1], [3, 1], [1, 2, 3, 4], [1000, 1, 1, 1], [0.001, 1, 0.5], [7, 0.1, 7, 7, 1]]) {
  it(`sizes ${sizes.join(', ')}: within 4.5 standard deviations`, () => {
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const counts = draws(sizes, [...sizes.keys()]);
    counts.forEach((count, place) => {
      const p = (sizes[place] as number) / total;
      const deviation = Math.sqrt(DRAWS * p * (1 - p)) * 4.5;
      assert.ok(Math.abs(count - DRAWS * p) <= deviation, `seed ${SEED}: ${count} of ${DRAWS * p}`);
    });
  });
}

it('only the places that were given are drawn', () => {
  const [first = 0, second = 0] = draws([5, 1, 9, 3], [1, 3]);
  assert.equal(first + second, DRAWS);
  assert.ok(Math.abs(first - DRAWS / 4) < 700, `seed ${SEED}: ${first}`);
});

it('building and drawing allocate nothing', COUNTED, () => {
  const table = new AliasTable(4);
  const places = Int32Array.of(0, 1, 2, 3);
  const sizes = Float64Array.of(1, 2, 3, 4);
  const random = new Random(SEED);
  const bytes = bytesPerCall(() => {
    table.build(places, 4, sizes, 10);
    table.draw(random);
  });
  assert.equal(bytes, 0, `${bytes} B`);
});
