import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { LineCounter, parseDocument } from 'yaml';
import { Random } from '#src/lib/random.ts';
import { DOCUMENT_BYTES_MAX, readDocument } from '#src/sources/document/read.ts';
import { samples } from '../../../support/runner/depth.ts';

const SEED = 20_261_123;
const TEXTS = samples(4000, 400);
const OURS: ReadonlySet<string> = new Set(['alias', 'badKey', 'duplicateKey', 'empty', 'tag']);
/** Of texts, sound and not, one after the other. */
const FRAGMENTS =
  'a: 1|b: [x, {y: z}]|- c|  d: "e\\n"|---|...|# f|%YAML 1.1|g: |\t|  - h|: i|? j|k: \'l|m: |\u2028|{n: o|}|&p q|r: *p|"s": !t u|  v|>|w: >-|'
    .split('|')
    .concat(['x: |\n  y']);

function kinds(text: string): string[] {
  return readDocument(text, {}).faults.map(
    ({ fault, position }) => `${fault.kind} ${position.line}:${position.column}`,
  );
}

describe('readDocument', () => {
  test('refuses what is not one YAML 1.2 document', () => {
    assert.deepEqual(kinds('a: [1'), ['syntax 1:6']);
    assert.deepEqual(kinds('a: 1\n...\nb: 2\n'), ['severalDocuments 3:1']);
    assert.deepEqual(kinds('%YAML 1.1\n---\na: yes\n'), ['syntax 1:1']);
    assert.deepEqual(kinds('%FOO\n---\na: 1\n'), ['syntax 1:1']);
    assert.deepEqual(kinds('# only a comment\n'), ['empty 0:0']);
    assert.equal(readDocument('%YAML 1.2\n---\na: 1\n', {}).isReadable, true);
  });

  test('finds the values, the errors and the places that the library finds', () => {
    const random = new Random(SEED);
    const below = (count: number): number => Math.floor(random.nextFloat() * count);
    let sound = 0;
    for (let n = 0; n < TEXTS; n++) {
      const lines = Array.from({ length: 1 + below(6) }, () => FRAGMENTS[below(FRAGMENTS.length)] as string);
      const text = lines.join(below(8) === 0 ? '\r\n' : '\n');
      const label = `seed ${SEED}: ${JSON.stringify(text)}`;
      const lineCounter = new LineCounter();
      const options = {
        version: '1.2',
        strict: true,
        prettyErrors: false,
        logLevel: 'error',
        uniqueKeys: false,
      } as const;
      const document = parseDocument(text, { ...options, lineCounter });
      const { isReadable, value, faults } = readDocument(text, {});
      const told = [...document.errors, ...document.warnings.filter(({ code }) => code !== 'TAG_RESOLVE_FAILED')];
      if (told.length === 0 && document.directives.yaml.version === '1.2') {
        // What the library allows, and we do not.
        const refused = faults.map(({ fault }) => fault.kind);
        assert.ok(
          refused.every((kind) => OURS.has(kind)),
          `${label}: ${refused.join()}`,
        );
        if (refused.length > 0) continue;
        assert.equal(isReadable, true, label);
        assert.deepEqual(value, document.toJS(), label);
        sound += 1;
        continue;
      }
      const places = told
        .map(({ pos: [offset] }) => lineCounter.linePos(offset))
        .map(({ line, col }) => `${line}:${col}`);
      const found = faults
        .slice(faults.length - told.length)
        .map(({ position: { line, column } }) => `${line}:${column}`);
      assert.deepEqual([isReadable, found], [false, places], label);
    }
    assert.ok(sound > TEXTS / 50 && sound < TEXTS / 2, `${sound} of ${TEXTS} were sound`);
  });

  test('rests while it reads a long one', async () => {
    const thread = `
      import { parentPort, workerData } from 'node:worker_threads';
      const [rests, reads] = await Promise.all(workerData.map((module) => import(module)));
      const wait = Atomics.wait;
      let waits = 0;
      Atomics.wait = (...terms) => {
        waits += 1;
        return wait(...terms);
      };
      const lines = Array.from({ length: 5000 }, (_, n) => 'k' + n + ': [a, {b: c}]').join('\\n');
      reads.readDocument(lines, {});
      const untold = waits;
      rests.startResting();
      reads.readDocument(lines, {});
      parentPort.postMessage({ untold, told: waits });`;
    const modules = ['#src/lib/threads/rest.ts', '#src/sources/document/read.ts'];
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(thread)}`), {
      workerData: modules.map((module) => import.meta.resolve(module)),
    });
    const [{ untold, told }] = (await once(worker, 'message')) as [{ untold: number; told: number }];
    assert.equal(untold, 0);
    assert.ok(told >= 3, `${told} rests in 5,000 lines`);
  });

  test('hints at quotes for a variable inside a flow collection', () => {
    const [fault] = readDocument('a: [${B}]', {}).faults;
    assert.equal(fault?.fault.hint, 'did you mean "${…}", quoted?');
  });

  test('refuses a document of more than 16 MiB of UTF-8 without parsing it', () => {
    const umlauts = `# ${'ü'.repeat(DOCUMENT_BYTES_MAX / 2)}`;
    assert.deepEqual(kinds(umlauts), ['tooLarge 0:0']);
  });

  test('ignores a byte order mark', () => {
    assert.deepEqual(readDocument('\ufeffa: 1', {}).value, { a: 1 });
  });

  test('a readable document with a fault in one value keeps the others', () => {
    const { isReadable, value, faults } = readDocument('a: !x 1\nb: 2', {});
    assert.equal(isReadable, true);
    assert.deepEqual(value, { a: '1', b: 2 });
    assert.deepEqual(
      faults.map(({ path }) => path),
      [['a']],
    );
  });
});

describe('the locator', () => {
  const text = 'a:\n  - b: 1\n    c: {d: x}\n  -\ne: &e\n  f: 2\ng: *e\n1.0: h\ni:\n';
  const { locator } = readDocument(text, {});

  test('finds values, keys and list entries', () => {
    for (const [path, spot, line, column] of [
      [[], 'value', 1, 1],
      [['a'], 'key', 1, 1],
      [['a'], 'value', 2, 3],
      [['a', 0], 'value', 2, 5],
      [['a', 0, 'b'], 'value', 2, 8],
      [['a', 0, 'c', 'd'], 'key', 3, 9],
      [['a', 0, 'c', 'd'], 'value', 3, 12],
      [['e', 'f'], 'value', 6, 6],
      [['1.0'], 'key', 8, 1],
    ] as const) {
      assert.deepEqual(locator.locate(path, spot), { line, column }, path.join('.'));
    }
  });

  test('follows an alias to what it stands for', () => {
    assert.deepEqual(locator.locate(['g', 'f'], 'value'), { line: 6, column: 6 });
    assert.deepEqual(locator.locate(['g'], 'value'), { line: 7, column: 4 });
  });

  test('points at the key of a field that was left empty', () => {
    assert.deepEqual(locator.locate(['i'], 'value'), { line: 9, column: 1 });
  });

  test('points at the nearest thing there is for a path that does not exist', () => {
    assert.deepEqual(locator.locate(['a', 0, 'missing'], 'value'), { line: 2, column: 5 });
    assert.deepEqual(locator.locate(['a', 9, 'x'], 'value'), { line: 2, column: 3 });
    assert.deepEqual(locator.locate(['e', 'f', 'x'], 'value'), { line: 6, column: 6 });
  });

  test('gives the value at a path, and nothing that is only inherited', () => {
    assert.equal(locator.valueAt(['a', 0, 'c', 'd']), 'x');
    assert.equal(locator.valueAt(['g', 'f']), 2);
    assert.equal(locator.valueAt(['toString']), undefined);
    assert.equal(locator.valueAt(['a', 'length', 'x']), undefined);
  });
});
