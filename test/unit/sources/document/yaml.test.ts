import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readYaml, writeYaml } from '#src/sources/document/yaml.ts';

function refusal(text: string): string {
  const read = readYaml(text);
  assert.ok(!read.ok, text);
  return `${read.place.line} ${read.because}`;
}

describe('YAML of others', () => {
  it('is read document by document, each value with its place', () => {
    const read = readYaml('# nothing\n---\na: {b: [1, 2]}\n---\nc: 3\n---\n');
    assert.ok(read.ok);
    assert.deepEqual(
      read.documents.map(({ value }) => value),
      [{ a: { b: [1, 2] } }, { c: 3 }],
    );
    assert.deepEqual(read.documents[0]?.placeOf(['a', 'b', 1]), { line: 3, column: 12 });
    assert.deepEqual(read.documents[0]?.placeOf(['a', 'zzz']), { line: 3, column: 4 });
    assert.deepEqual(read.documents[1]?.placeOf(['c']), { line: 5, column: 4 });
  });

  it('is refused where it is none, has a key twice, a tag or an alias', () => {
    assert.match(refusal('a: [1\n'), /^\d+ /);
    assert.match(refusal('a: 1\na: 2\n'), /unique/);
    assert.match(refusal('a: !custom 1\n'), /tag/i);
    assert.match(refusal('a: &x 1\nb: *x\n'), /alias/i);
    assert.match(refusal(`a: ${'x'.repeat(17 * 1024 * 1024)}`), /16 MiB/);
  });

  it('of nothing is nothing', () => {
    const read = readYaml('\n# only words\n');
    assert.ok(read.ok);
    assert.deepEqual(read.documents, []);
  });

  it('is written so that it reads the same', () => {
    const documents = [{ a: 'yes: "no"', long: 'x '.repeat(200).trim(), n: '99.9' }, { list: [{ b: true }, '0x1'] }];
    const read = readYaml(writeYaml(documents));
    assert.ok(read.ok);
    assert.deepEqual(
      read.documents.map(({ value }) => value),
      documents,
    );
  });
});
