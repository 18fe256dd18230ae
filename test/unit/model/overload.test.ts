/** Where versions show how their admissions stand. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  RATE_ENTRIES,
  RATE_ENTRY_WORDS,
  RATE_HEAD,
  RATE_SET_WORDS,
  RATE_SETS,
  ratesForgotten,
  reserveRates,
  versionCells,
} from '#src/model/overload.ts';
import { sketchSnapshot } from '../../support/plane.ts';

const ROUTE = { versions: [{ name: 'v1', weight: 1, ports: [1] }] };

test('a version has the cell of the first split that leads to it, by however many routes it is reached', () => {
  const snapshot = sketchSnapshot({ routes: [ROUTE, ROUTE] });
  const [first, second] = snapshot.routes.map(({ splits }) => splits[0]);
  assert.ok(first !== undefined && second !== undefined);
  const shared = [{ splits: [first] }, { splits: [{ ...second, targets: first.targets }] }];
  assert.deepEqual([...versionCells(shared)], [[first.targets, first.cell]]);
  assert.deepEqual([...versionCells(snapshot.routes).values()], [first.cell, second.cell]);
});

test('a table of rates is a header and its sets, and has forgotten nobody', () => {
  const rates = reserveRates();
  assert.equal(rates.byteLength, 4 * RATE_SET_WORDS * (1 + RATE_SETS));
  assert.ok(RATE_ENTRIES * RATE_ENTRY_WORDS <= RATE_SET_WORDS);
  assert.equal(ratesForgotten(rates), 0);
  new Int32Array(rates)[RATE_HEAD.forgotten] = -1;
  assert.equal(ratesForgotten(rates), 2 ** 32 - 1);
});
