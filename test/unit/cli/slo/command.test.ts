import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runOver } from '../../../support/readings/slo-file.ts';

test('slo says what it can do, and what was meant', async () => {
  assert.match((await runOver({}, ['slo'])).err, /slo takes one of ls, get, validate, simulate, export, import\n/);
  const { code, err } = await runOver({}, ['slo', 'vaildate']);
  assert.equal(code, 2);
  assert.match(err, /got vaildate \(did you mean validate\?\)/);
  assert.match((await runOver({}, ['slo', '--help'])).out, /sluice slo export FILE --format/);
  assert.equal((await runOver({}, ['slo', 'toString'])).code, 2);
});
