import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDirectory, checkFile, checkStateDirectory } from '#src/sources/scalars/directory.ts';

test('a path is taken as it is, relative or not', () => {
  for (const check of [checkDirectory, checkFile, checkStateDirectory])
    for (const path of ['/var/lib/sluice', 'state', './a b', 'ä']) assert.equal(check(path), null);
});

test('what cannot be a path is refused with a hint', () => {
  for (const [value, kind, hint] of [
    ['', 'directory', /leave the field out/],
    [' ', 'directory', /leave the field out/],
    ['a\0b', 'directory', /NUL/],
    ['file:///var', 'directory', /not a URL/],
    ['x'.repeat(4096), 'directory', /at most 4095/],
    [7, 'type', /^$/],
    [null, 'type', /null/],
  ] as const) {
    const fault = checkStateDirectory(value);
    assert.equal(fault?.kind, kind);
    assert.match(String(fault?.hint), hint);
  }
});

test('each says what it is the path of', () => {
  const said = [checkDirectory, checkFile].map((check) => {
    const { expected, hint } = check('') ?? {};
    return `${expected}: ${String(hint)}`;
  });
  assert.deepEqual(said, [
    'the path of a directory: name the directory, . for the one that the gateway is started in',
    'the path of a file: name the file, or leave the field out',
  ]);
});
