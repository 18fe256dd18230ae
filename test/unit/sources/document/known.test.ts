import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashConfig } from '#src/snapshot/hash.ts';
import type { SourceDocument } from '#src/sources/document/pieces.ts';
import { mainDocument } from '#src/sources/document/pieces.ts';
import { createPartReader } from '#src/sources/document/reader/reader.ts';
import { parseDocuments } from '#src/sources/parse.ts';

const MAIN = mainDocument('sources: [{directory: {path: /none}}]\n', 'main.yaml');

function piece(kind: 'route' | 'service', name: string, text: string): SourceDocument {
  return { name: `s ${kind}s/${name}`, text, mount: { kind, name }, source: 1, isForeign: true };
}

const SHOP = piece('service', 'shop', 'versions: {v1: {endpoints: ["a:1"]}}');
const ONE = piece('route', 'one', 'matches: [{path: {value: /1}}]\nbackendRefs: [{name: shop}]');
const TWO = piece('route', 'two', 'matches: [{path: {value: /2}}]\nbackendRefs: [{name: shop}]');

function rig() {
  const { read, known } = createPartReader({});
  return (...pieces: SourceDocument[]) => parseDocuments([MAIN, ...pieces], read, known);
}

test('what did not change is the same object in the next configuration, what changed is not', () => {
  const parse = rig();
  const first = parse(ONE, TWO, SHOP);
  const changed = piece('route', 'one', `${ONE.text}\ntimeouts: {request: 9s}`);
  const second = parse(changed, TWO, SHOP);
  assert.ok(first.ok && second.ok);
  assert.equal(second.config.services[0], first.config.services[0]);
  assert.equal(second.config.routes[1], first.config.routes[1]);
  assert.deepEqual(
    [first, second].map(({ config }) => config.routes[0]?.requestTimeoutMs),
    [60_000, 9000],
  );
  assert.notEqual(hashConfig(second.config), hashConfig(first.config));
});

test('a service that looks endpoints up is refused when nobody is named any more whom to ask', () => {
  const { read, known } = createPartReader({});
  const asking = piece('service', 'shop', 'versions: {v1: {endpoints: {consul: {}}}}');
  const naming = mainDocument(`${MAIN.text}discovery: {consul: {address: "http://127.0.0.1:1"}}\n`, 'main.yaml');
  assert.ok(parseDocuments([naming, ONE, asking], read, known).ok);
  const refused = parseDocuments([MAIN, ONE, asking], read, known);
  assert.deepEqual(refused.ok ? [] : refused.problems.map(({ code }) => code), ['SLU1132']);
});

test('a route is built again when a service that it names is another one', () => {
  const parse = rig();
  const first = parse(ONE, SHOP);
  const second = parse(ONE, piece('service', 'shop', 'versions: {v2: {endpoints: ["a:1"]}}'));
  assert.ok(first.ok && second.ok);
  assert.deepEqual(second.config.routes[0]?.backendRefs, [{ service: 'shop', version: 'v2', weight: 1 }]);
});

test('what was sound is told of as soon as something else makes it wrong', () => {
  const parse = rig();
  assert.ok(parse(ONE, TWO, SHOP).ok);
  const gone = parse(ONE, TWO);
  assert.ok(!gone.ok);
  assert.deepEqual(
    gone.problems.map(({ file, path }) => [file, path]),
    [
      ['s routes/one', 'backendRefs[0].name'],
      ['s routes/two', 'backendRefs[0].name'],
    ],
  );
  const twin = parse(ONE, piece('route', 'two', ONE.text), SHOP);
  assert.deepEqual(twin.ok ? [] : twin.problems.map(({ file, got }) => [file, got]), [
    ['s routes/two', 'the same as matches[0] of s routes/one'],
  ]);
});

test('a warning is repeated as long as there is reason for it', () => {
  const parse = rig();
  const odd = piece('route', 'one', `${ONE.text}\nretry: {attempts: 0, backoff: 1s}`);
  const codes = (...pieces: SourceDocument[]): readonly string[] => {
    const parsed = parse(...pieces);
    return parsed.ok ? parsed.warnings.map(({ file, code }) => `${file} ${code}`) : ['refused'];
  };
  const [warning] = codes(odd, TWO, SHOP);
  assert.match(warning ?? '', /^s routes\/one SLU/);
  assert.deepEqual(codes(odd, SHOP), [warning]);
  assert.deepEqual(codes(ONE, SHOP), []);
  const [unused] = codes(ONE, piece('service', 'other', SHOP.text), SHOP);
  assert.match(unused ?? '', /^s services\/other SLU/);
});

test('a route with weights of their own is the same object while both documents are, and another one when one is not', () => {
  const parse = rig();
  const two = piece('service', 'shop', 'versions: {v1: {endpoints: ["a:1"]}, v2: {endpoints: ["a:2"]}}');
  const route = piece(
    'route',
    'one',
    `${ONE.text.replace('{name: shop}', '{name: shop, version: v1}, {name: shop, version: v2}')}`,
  );
  const weights = (v2: number): SourceDocument => ({
    ...piece('route', 'one', `weights: {v2: ${v2}}`),
    name: 's weights/one',
    mount: { kind: 'weights', name: 'one', revision: String(v2) },
  });
  const refs = (parsed: ReturnType<typeof parse>): number[] | null =>
    parsed.ok ? (parsed.config.routes[0]?.backendRefs.map(({ weight }) => weight) ?? []) : null;
  const [five, six] = [weights(5), weights(6)];
  const first = parse(route, two, five);
  const again = parse(route, two, piece('route', 'two', TWO.text.replace('shop}', 'shop, version: v1}')), five);
  assert.ok(first.ok && again.ok);
  assert.deepEqual([refs(first), first.config.routes[0]?.weights?.revision], [[1, 5], '5']);
  assert.equal(again.config.routes[0], first.config.routes[0]);
  const other = parse(route, two, six);
  assert.ok(other.ok);
  assert.deepEqual([refs(other), other.config.routes[0]?.weights?.revision], [[1, 6], '6']);
  assert.deepEqual(refs(parse(route, two)), [1, 1]);
  assert.deepEqual(refs(parse(piece('route', 'one', route.text.replace('v1}', 'v1, weight: 9}')), two, five)), [9, 5]);
  const back = parse(route, two, five);
  assert.ok(back.ok);
  assert.equal(hashConfig(back.config), hashConfig(first.config));
  const less = piece('service', 'shop', 'versions: {v1: {endpoints: ["a:1"]}}');
  assert.equal(parse(route, less, five).ok, false);
});
