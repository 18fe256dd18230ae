import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { formatYaml, readYaml, writeYaml } from '#src/sources/document/yaml.ts';

const FOLDER = new URL('../../../../config/examples/', import.meta.url);
const EXAMPLES = readdirSync(FOLDER).map((name) => readFileSync(new URL(name, FOLDER), 'utf8'));

/** Nine levels of aliases, ten each. */
function bomb(): string {
  const levels = Array.from(
    { length: 9 },
    (_, n) =>
      `l${n}: &l${n} [${
        n === 0
          ? 'x'
          : Array(10)
              .fill(`*l${n - 1}`)
              .join(', ')
      }]`,
  );
  return `${levels.join('\n')}\n`;
}

function refusal(text: string): string {
  const read = readYaml(text);
  assert.ok(!read.ok, text);
  return `${read.place.line} ${read.because}`;
}

describe('the one form', () => {
  const formatted = (text: string): string => {
    const result = formatYaml(text);
    return result.ok ? result.text : assert.fail(result.because);
  };

  it('says the same, with every comment, and is its own form', () => {
    for (const text of [
      ...EXAMPLES,
      '# only words\n',
      '',
      'a: "x: y"\nb: |\n  two\n  lines\n',
      '{"a": [1, {"b": null}]}',
    ]) {
      const once = formatted(text);
      assert.equal(formatted(once), once);
      assert.deepEqual(parse(once), parse(text));
      assert.deepEqual(once.match(/#.*$/gm), text.match(/#.*$/gm)?.map((comment) => comment.trimEnd()) ?? null);
    }
  });

  it('has two spaces of indentation and nothing to spare', () => {
    assert.equal(
      formatted('a:    { b: 1 }    # why   \n\n\n\nlist:\n        - 2   \n        -   c: 3\n            d: 4\n'),
      'a: {b: 1} # why\n\nlist:\n  - 2\n  - c: 3\n    d: 4\n',
    );
  });

  it('is refused to what is no document', () => {
    for (const text of ['a: [1\n', 'a: 1\na: 2\n', 'a: 1\n---\nb: 2\n']) assert.ok(!formatYaml(text).ok, text);
    for (const text of ['a: *b\n', bomb()]) {
      const result = formatYaml(text);
      assert.match(result.ok ? '' : result.because, /alias/i);
    }
    assert.ok(!formatYaml(`a: ${'x'.repeat(17 * 1024 * 1024)}`).ok);
  });
});

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

  it('is written so that a terminal obeys none of it, and reads the same', () => {
    const unseen = '\0\u0007\b\u000b\r\u001b\u007f\u0085\u009b\u00ad\u061c\u200d\u202e\u2028\u2029\ufeff\u{e0041}';
    const texts = [...unseen].flatMap((one) => [
      one,
      `a${one}b`,
      `${one}: # x`,
      `two\n lines${one}\n\n and ${'more '.repeat(20)}\n`,
    ]);
    const documents = [
      { texts, ...Object.fromEntries(texts.map((text) => [text, [{ [text]: text }]])), tab: 'a\tb\n\tc' },
    ];
    const text = writeYaml(documents);
    assert.doesNotMatch(text.replaceAll(/[\n\t]/g, ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.deepEqual(parse(text), documents[0]);
    assert.equal(
      writeYaml([{ a: '\u009b2J', b: '👩\u200d🚒', c: '\u{e0041}' }]),
      'a: "\\u009b2J"\nb: "👩\\u200d🚒"\nc: "\\U000e0041"\n',
    );
  });

  it('is written so that readers of YAML 1.1 take text for text', () => {
    const words = ['y', 'n', 'yes', 'no', 'on', 'off', 'true', 'false'];
    const texts = words.flatMap((word) => [word, word.toUpperCase(), `${word[0]?.toUpperCase()}${word.slice(1)}`]);
    const document = {
      ...Object.fromEntries(texts.map((text) => [text, text])),
      list: [...texts, '012', '1:30', '1_000'],
    };
    const text = writeYaml([document]);
    assert.deepEqual(parse(text, { version: '1.1' }), document);
    assert.deepEqual(parse(text), document);
    assert.equal(writeYaml([{ a: 'NO', b: false, c: 'north' }]), 'a: "NO"\nb: false\nc: north\n');
  });

  it('is written so that it reads the same', () => {
    const documents = [
      { a: 'yes: "no"', long: 'x '.repeat(200).trim(), n: '99.9', blank: ' \n' },
      { list: [{ b: true }, '0x1'] },
    ];
    const read = readYaml(writeYaml(documents));
    assert.ok(read.ok);
    assert.deepEqual(
      read.documents.map(({ value }) => value),
      documents,
    );
  });
});
