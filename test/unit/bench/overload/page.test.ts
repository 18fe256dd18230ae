/** What was simulated is kept, and the page shows it. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fillPage, PAGE, simulate } from '../../../../bench/overload/page.ts';
import { SMOKE } from '../../../../bench/overload/tables.ts';
import { COMPUTES } from '../../../support/runner/depth.ts';

const MARKED = 'before\n<!-- table shapes: x -->\nold\n<!-- end -->\nafter\n';

/** Removed after the test. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-overload-page-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a table stands between its marks as it was simulated, and nothing else is touched', COMPUTES, (t) => {
  const folder = folderOf(t);
  const { head } = simulate('shapes', SMOKE, folder);
  const page = fillPage(MARKED, folder);
  assert.ok(page.includes(`| ${head.join(' | ')} |`), page);
  assert.match(page, /^before\n<!-- table shapes: x -->\n\n\*\*[\s\S]+<!-- end -->\nafter\n$/);
  assert.doesNotMatch(page, /old/);
  assert.equal(fillPage(page, folder), page);
});

test('a table that was never simulated leaves the page as it is, and says so', (t) => {
  assert.throws(() => fillPage(MARKED, folderOf(t)), /no result for the table shapes/);
});

test('there is no table of another name', (t) => {
  assert.throws(() => simulate('grid', SMOKE, folderOf(t)), /no table grid: shapes, workers/);
});

test('docs/overload.md shows what is kept', () => {
  const page = readFileSync(PAGE, 'utf8');
  assert.match(page, /<!-- table shapes: /);
  assert.equal(fillPage(page), page);
});
