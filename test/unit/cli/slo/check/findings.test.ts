import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mappingOf, meant, valueAt } from '#src/cli/slo/check/findings.ts';
import { documentsOf } from '../../../../support/readings/slo-file.ts';

test('a flaw has its place, its path, what was found and what was meant', () => {
  const { documents, findings } = documentsOf('a:\n  b: [1, {c: x}]\n');
  const [document] = documents;
  assert.ok(document !== undefined);
  findings.refuse(document, ['a', 'b', 1, 'c'], { kind: 'sloField', expected: 'y', hint: 'try y' });
  findings.refuse(document, ['a', 'b', 1, 'missing'], { kind: 'sloReference', expected: 'z' });
  findings.warn(document, ['a'], { kind: 'sloNumbers', expected: 'less' });
  assert.deepEqual(
    [...findings.problems, ...findings.warnings].map(({ code, line, column, path, got }) => [
      code,
      line,
      column,
      path,
      got,
    ]),
    [
      ['SLU1215', 2, 14, 'a.b[1].c', '"x"'],
      ['SLU1216', 2, 10, 'a.b[1].missing', 'nothing'],
      ['SLU1217', 2, 3, 'a', 'a mapping'],
    ],
  );
});

test('a file that is wrong everywhere does not fill the memory', () => {
  const { documents, findings } = documentsOf('a: 1\n');
  const [document] = documents;
  assert.ok(document !== undefined);
  for (let n = 0; n < 1005; n++) findings.refuse(document, ['a'], { kind: 'sloField', expected: '2' });
  assert.deepEqual([findings.problems.length, findings.dropped], [1000, 5]);
});

test('values are looked up, and only own ones', () => {
  assert.equal(valueAt({ a: [{ b: 2 }] }, ['a', 0, 'b']), 2);
  assert.equal(valueAt({ a: 1 }, ['a', 'toString']), undefined);
  assert.equal(valueAt({}, ['constructor']), undefined);
  assert.equal(mappingOf([1]), null);
  assert.equal(meant('Occurences', ['Occurrences']), 'did you mean Occurrences?');
  assert.equal(meant('zzz', ['Occurrences']), '');
});
