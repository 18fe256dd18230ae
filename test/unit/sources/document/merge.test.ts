import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '#src/model/problem.ts';
import { readPart } from '#src/sources/document/part.ts';
import type { Mount, SourceDocument } from '#src/sources/document/pieces.ts';
import { parseDocuments } from '#src/sources/parse.ts';

const MAIN = 'sources: [{directory: {path: a}}]\n';
const SERVICE = 'versions: {v1: {endpoints: ["127.0.0.1:7001"]}}';
const ROOT: Mount = { kind: 'root' };

type Given = readonly [source: number, name: string, mount: Mount, text: string];
const route = (source: number, name: string, text = 'backendRefs: [{name: shop}]'): Given => {
  return [source, `s${source} routes/${name}`, { kind: 'route', name }, `hostnames: [${name}.test]\n${text}`];
};
const service = (source: number, name: string, text = SERVICE): Given => {
  return [source, `s${source} services/${name}`, { kind: 'service', name }, text];
};

function parse(main: string, ...given: readonly Given[]) {
  const pieces = given.map(([source, name, mount, text]) => ({ source, name, mount, text, isForeign: true }));
  const first: SourceDocument = { name: 'main.yaml', text: main, mount: { kind: 'main' }, source: 0, isForeign: false };
  return parseDocuments([first, ...pieces], (document) => readPart(document, {}));
}

function problemsOf(main: string, ...given: readonly Given[]): string[] {
  const parsed = parse(main, ...given);
  assert.ok(!parsed.ok, 'accepted');
  return parsed.problems.map(formatProblem);
}

function accepted(main: string, ...given: readonly Given[]) {
  const parsed = parse(main, ...given);
  if (!parsed.ok) assert.fail(parsed.problems.map(formatProblem).join('\n'));
  const { config, warnings } = parsed;
  return { routes: config.routes.map(({ name }) => name), config, warnings: warnings.map(formatProblem) };
}

describe('documents together', () => {
  test('are one configuration: the main one first, then source by source', () => {
    const main = `${MAIN}routes:\n  - {name: own, hostnames: [own.test], backendRefs: [{name: shop}]}\n`;
    const root: Given = [
      2,
      'conf.d/a.yaml',
      ROOT,
      'limits: {headerCountMax: 7}\nroutes: [{name: r, backendRefs: [{name: shop}]}]',
    ];
    const { routes, config, warnings } = accepted(main, route(1, 'b'), route(1, 'c'), service(1, 'shop'), root);
    assert.deepEqual([routes, warnings], [['own', 'b', 'c', 'r'], []]);
    assert.equal(config.limits.headerCountMax, 7);
  });

  test('mean the same as one document that has it all', () => {
    const whole = `services: {shop: {${SERVICE}}}\nroutes: [{name: a, hostnames: [a.test], backendRefs: [{name: shop}]}]`;
    const one = parse(whole);
    assert.ok(one.ok);
    assert.deepEqual(accepted(MAIN, route(1, 'a'), service(1, 'shop')).config, one.config);
  });

  test('of which an earlier source has the same name: that one counts, and a warning says so', () => {
    const main = `${MAIN}limits: {headerCountMax: 5}\n`;
    const root: Given = [2, 'conf.d/a.yaml', ROOT, '\nlimits: {headerCountMax: 7}'];
    const { routes, config, warnings } = accepted(
      main,
      route(1, 'a'),
      service(1, 'shop'),
      route(2, 'a', 'backendRefs: [{name: other}]'),
      service(2, 'shop', 'versions: {v9: {endpoints: []}}'),
      root,
    );
    assert.deepEqual([routes, config.limits.headerCountMax, config.services[0]?.versions[0]?.name], [['a'], 5, 'v1']);
    assert.deepEqual(warnings, [
      's2 routes/a:1:1: SLU1919 expected what no earlier source has, got route "a", which is in s1 routes/a already',
      's2 services/shop:1:1: SLU1919 expected what no earlier source has, got service "shop", which is in s1 services/shop already',
      'conf.d/a.yaml:2:1: SLU1919 limits: expected what no earlier source has, got "limits", which is in main.yaml already',
    ]);
  });

  test('of one source that have the same name are refused', () => {
    const text = `services: {shop: {${SERVICE}}}\nlimits: {}`;
    const roots: Given[] = ['a', 'b'].map((name) => [1, `${name}.yaml`, ROOT, text]);
    assert.deepEqual(problemsOf(MAIN, ...roots, route(1, 'a'), route(1, 'a')), [
      'b.yaml:1:12: SLU1006 services.shop: expected everything once in a source, got service "shop", which is in a.yaml already',
      'b.yaml:2:1: SLU1006 limits: expected everything once in a source, got "limits", which is in a.yaml already',
      's1 routes/a:1:1: SLU1050 name: expected a route name of its own, got "a", the name of s1 routes/a',
      's1 routes/a:1:1: SLU1051 expected a match that no other route has, got the same as s1 routes/a',
    ]);
  });
});

describe('a problem among several documents', () => {
  test('stands where it is, with the path of its own document', () => {
    const root: Given = [1, 'a.yaml', ROOT, 'routes:\n  - {name: x, backendRefs: [{name: shopp}]}\n'];
    const bad = route(1, 'bad', 'backendRefs:\n  - {name: shop, weight: -1}');
    assert.deepEqual(problemsOf(`${MAIN}drain: {delay: x}`, service(1, 'shop'), root, bad), [
      'main.yaml:2:16: SLU1030 drain.delay: expected a duration such as 300ms, 10s or 1m30s, got "x"',
      'a.yaml:2:36: SLU1053 routes[0].backendRefs[0].name: expected a service that is defined, got "shopp" (did you mean shop?)',
      's1 routes/bad:3:26: SLU1041 backendRefs[0].weight: expected a weight: an integer from 0 to 1000000, got -1',
    ]);
  });

  test('hides no other, and makes none: what cannot be read is not missed', () => {
    const broken = service(1, 'shop', 'versions: [');
    assert.equal(problemsOf(MAIN, broken, route(1, 'a')).length, 1);
    assert.equal(problemsOf(MAIN, [1, 'a.yaml', ROOT, '{'], route(1, 'a')).length, 1);
    assert.equal(problemsOf(MAIN, route(1, 'a', 'backendRefs: ['), service(1, 'shop')).length, 1);
    assert.match(problemsOf('sources: 5').join(), /SLU1022 sources/);
    assert.match(problemsOf('[]').join(), /SLU1022/);
  });

  test('says in which document the other one of two is', () => {
    const twin: Given = [
      1,
      's1 routes/b',
      { kind: 'route', name: 'b' },
      'hostnames: [a.test]\nbackendRefs: [{name: shop}]',
    ];
    assert.match(problemsOf(MAIN, service(1, 'shop'), route(1, 'a'), twin).join(), /the same as s1 routes\/a$/);
  });
});

test('a source sets nothing that only the main document may set', () => {
  const root: Given = [1, 'a.yaml', ROOT, 'adminToken: 0123456789abcdef\nlisten: ":1"'];
  const problems = problemsOf(MAIN, service(1, 'shop'), route(1, 'a'), root);
  assert.deepEqual(
    problems.map((line) => line.split(': ').slice(0, 2).join(': ')),
    ['a.yaml:1:1: SLU1090 adminToken', 'a.yaml:2:1: SLU1090 listen', 'a.yaml:2:9: SLU1032 listen'],
  );
  assert.doesNotMatch(problems.join(), /0123456789abcdef/);
  const fleet: Given = [1, 'a.yaml', ROOT, 'fleet: {name: edge, redis: {address: "redis://127.0.0.1:6379"}}'];
  assert.match(problemsOf(MAIN, service(1, 'shop'), route(1, 'a'), fleet).join(), /^a\.yaml:1:1: SLU1090 fleet: /);
});

test('a configuration without any route is refused, also when every source is empty', () => {
  assert.deepEqual(problemsOf(MAIN, service(1, 'shop')), [
    'main.yaml:1:1: SLU1025 sources: expected at least one route, here or in a source, got none (without one every request would be answered with 404)',
  ]);
});

test('a key that means nothing is warned of, not passed over', () => {
  const stray: Given = [1, 's1 route/a', { kind: 'ignored' }, ''];
  assert.deepEqual(accepted(MAIN, service(1, 'shop'), route(1, 'a'), stray).warnings, [
    's1 route/a:0:0: SLU1918 expected config, routes/<name>, services/<name>, weights/<route> or signatures/… after the prefix, got another key',
  ]);
});

test('a signature is no part of a configuration: without keys it is left alone', () => {
  const signature: Given = [1, 's1 signatures/routes/a', { kind: 'signature', of: 'routes/a' }, 'not even YAML: {'];
  assert.deepEqual(accepted(MAIN, service(1, 'shop'), route(1, 'a'), signature).warnings, []);
});

test('a service may be called like a property that every object has', () => {
  const { config } = accepted(MAIN, service(1, 'constructor'), route(1, 'a', 'backendRefs: [{name: constructor}]'));
  assert.equal(config.services[0]?.name, 'constructor');
});

test('documents beyond the limits are not read', () => {
  const many = Array.from({ length: 40_000 }, (_, i): Given => service(1, `s${i}`));
  assert.match(problemsOf(MAIN, ...many).join(), /SLU1095 sources: expected at most 40000 documents, got 40001/);
  const large = [1, 2].map((i): Given => [1, `s${i}`, ROOT, '#'.repeat(9 * 2 ** 20)]);
  assert.match(problemsOf(MAIN, ...large).join(), /SLU1095 sources: expected at most 16777216 bytes/);
});
