import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandVariables, typePlain } from '#src/sources/document/interpolate.ts';

const ENVIRONMENT = { HOST: 'web', PORT: '80', EMPTY: '', NESTED: '${HOST}', _1: 'x' };

test('variables are replaced wherever they stand in a text', () => {
  for (const [text, expanded] of [
    ['plain $ {HOST}', 'plain $ {HOST}'],
    ['${HOST}:${PORT}', 'web:80'],
    ['${_1}', 'x'],
    ['${EMPTY}', ''],
    ['${MISSING:-a:b}', 'a:b'],
    ['${EMPTY:-b}', 'b'],
    ['${MISSING:-}', ''],
    ['${HOST:-b}', 'web'],
    ['${MISSING:-a\nb}', 'a\nb'],
    ['$${HOST}', '${HOST}'],
    ['$$${HOST}', '$${HOST}'],
  ] as const) {
    assert.deepEqual(expandVariables(text, ENVIRONMENT), { text: expanded, faults: [] }, text);
  }
});

test('what a variable holds is not expanded again', () => {
  assert.equal(expandVariables('${NESTED}', ENVIRONMENT).text, '${HOST}');
});

test('an unset variable is a fault and stays as it is written', () => {
  const { text, faults } = expandVariables('${A}-${HOST}-${B}', ENVIRONMENT);
  assert.equal(text, '${A}-web-${B}');
  assert.deepEqual(
    faults.map(({ kind }) => kind),
    ['variableUnset', 'variableUnset'],
  );
  assert.match(faults[1]?.expected ?? '', /variable B /);
});

test('what every object inherits is not a variable', () => {
  for (const name of ['constructor', 'toString', '__proto__']) {
    assert.equal(expandVariables(`\${${name}}`, {}).faults[0]?.kind, 'variableUnset', name);
  }
});

test('a malformed variable is a fault', () => {
  for (const text of ['${', '${}', '${HOST', '${1A}', '${A-b}', '${A B}', '${A:+b}', '${ HOST }']) {
    assert.equal(expandVariables(text, ENVIRONMENT).faults[0]?.kind, 'variableForm', text);
  }
});

test('plain text is typed as in the core schema of YAML 1.2', () => {
  for (const [text, value] of [
    ['', null],
    ['~', null],
    ['null', null],
    ['true', true],
    ['False', false],
    ['yes', 'yes'],
    ['12', 12],
    ['-1.5', -1.5],
    ['.5', 0.5],
    ['1e3', 1000],
    ['0x1F', 31],
    ['0o17', 15],
    ['1_000', '1_000'],
    ['1.2.3', '1.2.3'],
    ['10s', '10s'],
    ['[1]', '[1]'],
  ] as const) {
    assert.equal(typePlain(text), value, text);
  }
});
