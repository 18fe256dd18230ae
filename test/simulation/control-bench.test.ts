/** The control bench runs, so that it cannot rot. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { costs } from '../../bench/control/cost.ts';
import { detections, falseAlarms, renderTable, rests, sharedOutages } from '../../bench/control/tables.ts';

it('the control bench fills every cell of its tables', () => {
  const depth = { healthyRuns: 1, healthyMs: 30_000, detectionRuns: 1 };
  for (const table of [costs(5), detections(depth), sharedOutages(depth), falseAlarms(depth), rests(depth)]) {
    for (const row of table.rows) {
      assert.equal(row.length, table.head.length);
      assert.ok(
        row.every((cell) => cell !== '' && !cell.includes('NaN')),
        row.join(),
      );
    }
    assert.match(renderTable(table), /^\*\*.+\*\*\n\n\| .+ \|\n\| --- \|/);
  }
});
