/** The memory in which workers share the limits of versions. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELLS_MAX } from '#src/model/tallies.ts';
import {
  forgetVersion,
  OWN,
  ownWordsAt,
  PLACE,
  poolLayout,
  RING,
  reservePool,
  ringAt,
  samplesLost,
  vacate,
} from '#src/model/threads/load/pool.ts';

/** Every word of a worker in a version. */
function ownWords(cell: number, worker: number, workers: number): number[] {
  const { stride, versionsAt } = poolLayout(workers);
  return Object.values(OWN).map((kind) => versionsAt + cell * stride + ownWordsAt(kind, workers) + worker);
}

/** Every word of a version. */
function wordsOf(cell: number, workers: number): number[] {
  const { stride, versionsAt } = poolLayout(workers);
  const shared = Object.values(PLACE).map((word) => versionsAt + cell * stride + word);
  return [...shared, ...Array.from({ length: workers }, (_, worker) => ownWords(cell, worker, workers)).flat()];
}

for (const workers of [2, 3, 4, 16, 40]) {
  describe(`of ${workers} workers`, () => {
    it('versions, workers and rings have words of their own', () => {
      const layout = poolLayout(workers);
      const words = [0, 1, CELLS_MAX - 1].flatMap((cell) => wordsOf(cell, workers));
      assert.equal(new Set(words).size, words.length);
      assert.ok(Math.max(...words) < layout.ringsAt && Math.min(...words) >= layout.versionsAt);
      assert.equal(layout.stride % 16, 0, 'no two versions share a cache line');
      const size = ringAt(layout, 1) - ringAt(layout, 0);
      assert.equal(reservePool(workers).length, ringAt(layout, workers - 1) + size);
    });

    it('one that is gone has no places left, the others have theirs', () => {
      const pool = reservePool(workers);
      const gone = workers - 1;
      const cells = [0, 77, CELLS_MAX - 1];
      for (const cell of cells) for (const at of wordsOf(cell, workers)) pool[at] = 5;
      vacate(pool, workers, gone);
      for (const cell of cells) {
        const freed = new Set(ownWords(cell, gone, workers));
        for (const at of wordsOf(cell, workers)) assert.equal(pool[at], freed.has(at) ? 0 : 5);
      }
    });
  });
}

it('a cell that another version gets is as new, its neighbours are not', () => {
  const pool = reservePool(4);
  for (const cell of [6, 7, 8]) for (const at of wordsOf(cell, 4)) pool[at] = 5;
  forgetVersion(pool, 4, 7);
  const left = [6, 7, 8].map((cell) => wordsOf(cell, 4).filter((at) => pool[at] !== 0).length);
  assert.deepEqual(left, [25, 0, 25]);
});

it('what the rings had no room for adds up, also where a count went round', () => {
  const pool = reservePool(3);
  pool[ringAt(poolLayout(3), 0) + RING.lost] = 2;
  assert.equal(samplesLost(pool, 3), 2);
  pool[ringAt(poolLayout(3), 2) + RING.lost] = -1;
  assert.equal(samplesLost(pool, 3), 2 + 2 ** 32 - 1);
});
