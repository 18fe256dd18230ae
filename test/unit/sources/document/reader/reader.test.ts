import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPart } from '#src/sources/document/part.ts';
import { mainDocument, type SourceDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader/reader.ts';

test('what did not change is not read again, what changed is', () => {
  const { read } = createPartReader({});
  const document: SourceDocument = {
    name: 'a',
    text: 'backendRefs: []',
    mount: { kind: 'route', name: 'a' },
    source: 1,
    isForeign: true,
  };
  const first = read(document);
  assert.equal(read(document), first);
  const changed = read({ ...document, text: 'backendRefs: [ ]' });
  assert.notEqual(changed, first);
  assert.deepEqual(changed.value, first.value);
});

/** The value of a main document, and whether it is as if nothing had been read before. */
function valueOf({ read }: ReturnType<typeof createPartReader>, document: SourceDocument): Record<string, unknown> {
  const [part, alone] = [read(document), readPart(document, {})];
  assert.deepEqual(part.value, alone.value);
  assert.deepEqual(
    part.faults.map(({ path, place }) => [path, place()]),
    alone.faults.map(({ path, place }) => [path, place()]),
  );
  return part.value as Record<string, unknown>;
}

const SERVICES = 'services:\n  s: {versions: {v1: {endpoints: ["127.0.0.1:1"]}}}\n';
const textOf = (delay: number, more = ''): string =>
  `drain: {delay: ${delay}s}\n${SERVICES}routes:\n  - {name: a, backendRefs: [{name: s}]}\n${more}`;

test('of a whole document that changes, only what changed is read again', () => {
  const reader = createPartReader({});
  const first = valueOf(reader, mainDocument(textOf(1), 'x.yaml'));
  const second = valueOf(reader, mainDocument(textOf(2), 'x.yaml'));
  const [routes, again] = [first['routes'] as unknown[], second['routes'] as unknown[]];
  assert.equal(again[0], routes[0]);
  const root: SourceDocument = { name: 'x', text: textOf(3), mount: { kind: 'root' }, source: 1, isForeign: true };
  const inRoot = valueOf(reader, root);
  assert.notEqual((inRoot['routes'] as unknown[])[0], routes[0], 'each document by itself');
  reader.keep([root]);
  assert.equal(
    (valueOf(reader, { ...root, text: textOf(4) })['routes'] as unknown[])[0],
    (inRoot['routes'] as unknown[])[0],
  );
  const third = valueOf(reader, mainDocument(textOf(3), 'x.yaml'));
  assert.notEqual((third['routes'] as unknown[])[0], routes[0], 'it is forgotten once it is gone');
});

test('of two documents of one name, each is what it is', () => {
  const { read } = createPartReader({ DELAY: '7s' });
  const own: SourceDocument = {
    name: 'x',
    text: 'drain: {delay: "${DELAY}"}\n',
    mount: { kind: 'root' },
    source: 1,
    isForeign: false,
  };
  assert.deepEqual(read(own).value, { drain: { delay: '7s' } });
  const foreign = { ...own, isForeign: true };
  assert.deepEqual(
    read(foreign).faults.map(({ fault }) => fault.kind),
    ['variableForeign'],
  );
  const main = { ...own, mount: { kind: 'main' } } as const;
  assert.deepEqual(
    read(main).faults.map(({ path }) => path[0]),
    ['services', 'routes'],
  );
});

test('what is wrong with a document is found whatever was read before', () => {
  const reader = createPartReader({});
  const texts = [
    textOf(1),
    textOf(1, '  - {name: b, backendRef: []}\n'),
    SERVICES,
    `${SERVICES}routes: []\n`,
    `${SERVICES}routes:\n`,
    'sources: [{directory: {path: /none}}]\n',
    `drain: {delay: soon}\n${textOf(1).slice(19)}`,
  ];
  const counts = [...texts, ...texts].map((text) => {
    valueOf(reader, mainDocument(text, 'x.yaml'));
    return readPart(mainDocument(text, 'x.yaml'), {}).faults.length;
  });
  assert.deepEqual(counts.slice(0, texts.length), [0, 1, 1, 1, 1, 0, 1]);
});

test('files that a document names are read each time', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-reader-'));
  try {
    const reader = createPartReader({});
    const more = '  - {name: b, backendRefs: [{name: s}], fallback: [{static: {file: sorry.txt}}]}\n';
    const bodyOf = (delay: number, text: string): unknown => {
      writeFileSync(join(folder, 'sorry.txt'), text);
      const { routes } = valueOf(reader, mainDocument(textOf(delay, more), join(folder, 'gateway.yaml')));
      return (routes as { fallback: { static: { body: string } }[] }[])[1]?.fallback[0]?.static.body;
    };
    assert.deepEqual([bodyOf(1, 'one'), bodyOf(2, 'two'), bodyOf(3, 'three')], ['one', 'two', 'three']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
