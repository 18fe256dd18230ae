/** Where versions show how their admissions stand. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  RATE_HEAD,
  RATE_SET_WORDS,
  RATE_TABLES,
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

test('tables of rates are a header and their sets one after another, and have forgotten nobody', () => {
  const rates = reserveRates();
  const { gateway, fleet } = RATE_TABLES;
  assert.equal(gateway.base, RATE_SET_WORDS);
  assert.equal(fleet.base, gateway.base + gateway.sets * RATE_SET_WORDS);
  assert.equal(rates.byteLength, 4 * (fleet.base + fleet.sets * RATE_SET_WORDS));
  for (const { sets, entries, entryWords } of [gateway, fleet]) {
    assert.ok(entries * entryWords <= RATE_SET_WORDS);
    assert.equal(sets & (sets - 1), 0, 'a power of two');
  }
  assert.equal(ratesForgotten(rates), 0);
  new Int32Array(rates)[RATE_HEAD.forgotten] = -1;
  assert.equal(ratesForgotten(rates), 2 ** 32 - 1);
});
