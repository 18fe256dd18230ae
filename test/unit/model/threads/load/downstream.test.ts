import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CELLS_MAX } from '#src/model/tallies.ts';
import {
  COUNTS_AT,
  DOWNSTREAM,
  DOWNSTREAM_WORDS,
  downstreamOf,
  forgetDownstream,
  reserveDownstream,
  TABLE_AT,
} from '#src/model/threads/load/downstream.ts';

test('every cell has counts of its own, before the table, and begins anew alone', () => {
  const words = new Int32Array(reserveDownstream());
  assert.ok(TABLE_AT >= COUNTS_AT + CELLS_MAX * DOWNSTREAM_WORDS && words.length > TABLE_AT);
  const last = CELLS_MAX - 1;
  for (const cell of [0, 1, last]) {
    words[COUNTS_AT + cell * DOWNSTREAM_WORDS + DOWNSTREAM.kept] = cell + 1;
    words[COUNTS_AT + cell * DOWNSTREAM_WORDS + DOWNSTREAM.lost] = -1;
  }
  forgetDownstream(words, 1);
  assert.deepEqual(
    [0, 1, 2, last].map((cell) => downstreamOf(words, cell)),
    [
      { kept: 1, lost: 2 ** 32 - 1 },
      { kept: 0, lost: 0 },
      { kept: 0, lost: 0 },
      { kept: CELLS_MAX, lost: 2 ** 32 - 1 },
    ],
  );
});
