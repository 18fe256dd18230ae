/** Words of a cell, read as increases over workers that come and go. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { WordsReader } from '#src/slo/budget/shedding/words.ts';
import { FakeWorker } from '../../../../support/simulate/worker.ts';

it('the increase since the last look, of all workers, in the order of the words', () => {
  const [one, two] = [new FakeWorker(1), new FakeWorker(2)];
  one.add(3, CELL.finished, 5);
  const reader = new WordsReader(3, [CELL.shed, CELL.finished], [one.region, two.region]);
  assert.equal(reader.read([one.region, two.region]), null, 'what was counted before is the past');
  one.add(3, CELL.finished, 2);
  two.add(3, CELL.ignored, 1);
  two.add(3, CELL.shed, 4);
  assert.deepEqual(reader.read([one.region, two.region]), [4, 2]);
  assert.equal(reader.read([one.region, two.region]), null);
});

it('counters wrap, and a worker that is replaced begins anew', () => {
  const one = new FakeWorker(1);
  const { cells } = one.region.tallies;
  one.add(1, CELL.finished, 1);
  cells[CELL_WORDS + CELL.bad] = -1;
  const reader = new WordsReader(1, [CELL.bad], [one.region]);
  cells[CELL_WORDS + CELL.bad] = 2;
  assert.deepEqual(reader.read([one.region]), [3]);
  const next = new FakeWorker(2);
  next.add(1, CELL.finished, 1);
  next.add(1, CELL.bad, 1);
  assert.deepEqual(reader.read([next.region]), [1]);
  assert.equal(reader.read([next.region]), null);
});

it('a word that is written after the look at which its exchange had ended is in the next one', () => {
  const one = new FakeWorker(1);
  const reader = new WordsReader(1, [CELL.finished, CELL.bad], [one.region]);
  one.add(1, CELL.finished, 1);
  assert.deepEqual(reader.read([one.region]), [1, 0]);
  one.add(1, CELL.bad, 1);
  assert.deepEqual(reader.read([one.region]), [0, 1]);
  assert.equal(reader.read([one.region]), null);
  one.add(1, CELL.ignored, 1);
  one.add(1, CELL.bad, 2);
  assert.deepEqual(reader.read([one.region]), [0, 2]);
});
