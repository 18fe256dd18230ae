/** The tables of docs/overload.md are simulated as a whole. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SMOKE, TABLES } from '../../../../bench/overload/tables.ts';

for (const [name, tableOf] of Object.entries(TABLES)) {
  test(`${name}: fills every cell, alike each time`, () => {
    const table = tableOf(SMOKE);
    for (const row of table.rows) {
      assert.equal(row.length, table.head.length);
      assert.match(row.slice(2).join(' '), /^\d\.\d{3} \/ \d\.\d{3} \/ \d\.\d{3}/);
      assert.doesNotMatch(row.join(), /NaN|Infinity/);
    }
    assert.deepEqual(tableOf(SMOKE), table);
  });
}
