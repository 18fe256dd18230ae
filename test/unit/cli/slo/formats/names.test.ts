import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceNames } from '#src/cli/slo/formats/names.ts';

test('names of resources are labels of RFC 1123, and distinct where the names are', () => {
  const names = ['Check_Out', 'check-out', 'check.out', 'a'.repeat(100), `${'a'.repeat(100)}b`, '...', 'ok'];
  const nameOf = resourceNames(names);
  const given = names.map(nameOf);
  assert.deepEqual(given.slice(0, 3), ['check-out', 'check-out-2', 'check-out-3']);
  assert.equal(new Set(given).size, names.length);
  for (const name of given) assert.match(name, /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/);
});
