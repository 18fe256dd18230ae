import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import { formatProblem, type ParseResult } from '#src/model/problem.ts';
import { compile } from '#src/snapshot/compile.ts';
import { NO_IDS } from '#src/snapshot/live.ts';
import { mainDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader/reader.ts';
import { parseConfig, parseDocuments } from '#src/sources/parse.ts';
import { IS_QUICK } from '../support/runner/depth.ts';

const root = join(import.meta.dirname, '../..');
const CORPUS = globSync('test/fuzz/corpus/config/**/*.yaml', { cwd: root }).toSorted();
const EXAMPLES = globSync('config/examples/*.yaml', { cwd: root })
  .toSorted()
  .map((path) => readFileSync(join(root, path), 'utf8'));

/** For each kind of fuzzing: some in a quick run, and what ten seconds hold in the full one. A failure prints how to replay it. */
const RUNS =
  process.env['SLUICE_TEST_DEPTH'] === 'full'
    ? { numRuns: 100_000, interruptAfterTimeLimit: 10_000, markInterruptAsFailure: false }
    : { numRuns: 6 };

/** Whatever the text is: no exception, and either a configuration that compiles or problems with a place in the text. */
function assertSane(text: string): ParseResult {
  const result = parseConfig(text, 'fuzz.yaml', {});
  if (result.ok) {
    compile({ config: result.config, hash: '', revision: 1, overrides: [], ids: NO_IDS, mayRecycle: () => false });
    return result;
  }
  assert.ok(result.problems.length > 0, 'refused without a problem');
  const lineCount = text.split(/\n/).length;
  for (const problem of result.problems) {
    assert.match(problem.code, /^SLU1[0-9]{3}$/);
    assert.ok(problem.line <= lineCount, formatProblem(problem));
    assert.ok(problem.column > 0 || problem.line === 0, formatProblem(problem));
    assert.doesNotMatch(problem.expected, /undefined|\[object/);
    assert.notEqual(problem.got, 'undefined');
  }
  return result;
}

describe('the corpus of bad documents', () => {
  test('is not small', () => assert.ok(CORPUS.length >= 160, String(CORPUS.length)));

  for (const path of CORPUS) {
    test(`${path.split('/').slice(-2).join('/')} is refused for what its name says`, () => {
      const result = assertSane(readFileSync(join(root, path), 'utf8'));
      assert.ok(!result.ok);
      const codes = result.problems.map(({ code }) => code);
      assert.ok(codes.includes(`SLU${basename(path).slice(0, 4)}`), result.problems.map(formatProblem).join('\n'));
    });
  }

  test('left no trace on the prototype of objects', () => {
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });
});

/** Pieces that documents are made of, and some that they should not be. */
const PIECES: readonly string[] = [
  ...new Set(EXAMPLES.flatMap((text) => text.split(/(\s+|[{}[\],:"])/))),
  '&a |*a|!!str |!x |? |<<: |__proto__: |${A}|${|$${|${A:-b}|💥|é|-1|1e999|.nan|~|#'.split('|'),
  ['---\n', '...\n', '%YAML 1.1\n', '|\n', '>-\n', '\t', '\0', '\ufeff', '\ud800', "'", '"'],
].flat();
const piece = fc.constantFrom(...PIECES);

/** An edit of a text: at a relative position, take some characters away and put a piece in. */
const edit = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), cut: fc.nat(12), piece });

function applyEdits(text: string, edits: readonly { at: number; cut: number; piece: string }[]): string {
  let result = text;
  for (const { at, cut, piece: inserted } of edits) {
    const start = Math.floor(at * result.length);
    result = result.slice(0, start) + inserted + result.slice(start + cut);
  }
  return result;
}

describe('reading a configuration never throws', () => {
  test('on arbitrary text', () => {
    // Any code point; fast-check's own unit for that takes 2 s to set up.
    const unit = fc.nat(0x10ffff).map((point) => String.fromCodePoint(point));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 200 }), (text) => void assertSane(text)),
      RUNS,
    );
  });

  test('on texts made of pieces of documents', () => {
    const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, (document) => void assertSane(document)),
      RUNS,
    );
  });

  test('on edited examples', () => {
    const edits = fc.array(edit, { minLength: 1, maxLength: 4 });
    const property = fc.property(fc.constantFrom(...EXAMPLES), edits, (example, list) => {
      assertSane(applyEdits(example, list));
    });
    fc.assert(property, RUNS);
  });

  test('on examples with any value in the place of another', () => {
    const documents = EXAMPLES.map((text) => parseable(text));
    const property = fc.property(
      fc.constantFrom(...documents),
      fc.array(fc.nat(30), { maxLength: 10 }),
      fc.jsonValue({ maxDepth: 3 }),
      (document, steps, value) => void assertSane(JSON.stringify(replaceAt(document, steps, value))),
    );
    fc.assert(property, RUNS);
  });
});

describe('a document that changes is what it is to whoever sees it for the first time', () => {
  /** Parses texts one after the other, as a gateway does, and each by itself. */
  function assertSame(texts: readonly string[]): void {
    const { read, known } = createPartReader({});
    for (const text of texts) {
      const { sources: _, ...parsed } = {
        sources: null,
        ...parseDocuments([mainDocument(text, 'a.yaml')], read, known),
      };
      const { sources: __, ...alone } = { sources: null, ...parseConfig(text, 'a.yaml', {}) };
      assert.deepEqual(parsed, alone);
    }
  }

  test('from an example to another, with their values moved about', () => {
    assertSame([...EXAMPLES, ...EXAMPLES.map((text) => `# moved\n\n${text}`), ...EXAMPLES]);
  });

  test('from an example to a bad document, and back', () => {
    const [example] = EXAMPLES as [string];
    const some = CORPUS.filter((_, n) => !IS_QUICK || n % 16 === 0);
    for (const path of some) assertSame([example, readFileSync(join(root, path), 'utf8'), example]);
  });

  test('by edits', () => {
    const edits = fc.array(edit, { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(fc.constantFrom(...EXAMPLES), fc.array(edits, { minLength: 1, maxLength: 4 }), (example, changes) => {
        const texts = changes.map((list) => applyEdits(example, list));
        assertSame([example, ...texts, example]);
      }),
      RUNS,
    );
  });
});

/** A sound document as plain values. */
function parseable(text: string): unknown {
  const document: unknown = parse(text);
  assert.ok(assertSane(JSON.stringify(document)).ok);
  return document;
}

/** The value with the one that the steps lead to replaced; a step is the number of a child, modulo their count. */
function replaceAt(value: unknown, steps: readonly number[], replacement: unknown): unknown {
  const [step, ...rest] = steps;
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  if (step === undefined || keys.length === 0) return replacement;
  const key = keys[step % keys.length] as string;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = replaceAt(copy[key], rest, replacement);
  return copy;
}
