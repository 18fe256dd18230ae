import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDirectory } from '#src/sources/scalars/directory.ts';

test('a path is taken as it is, relative or not', () => {
  for (const path of ['/var/lib/sluice', 'state', './a b', 'ä']) assert.equal(checkDirectory(path), null);
});

test('what cannot be a path is refused with a hint', () => {
  for (const [value, kind, hint] of [
    ['', 'directory', /in memory/],
    [' ', 'directory', /in memory/],
    ['a\0b', 'directory', /NUL/],
    ['file:///var', 'directory', /not a URL/],
    ['x'.repeat(4096), 'directory', /at most 4095/],
    [7, 'type', /^$/],
    [null, 'type', /null/],
  ] as const) {
    const fault = checkDirectory(value);
    assert.equal(fault?.kind, kind);
    assert.match(String(fault?.hint), hint);
  }
});
