import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CELLS_MAX, ENDPOINTS_MAX, UNITS_MAX } from '#src/model/tallies.ts';
import { checkCapacity } from '#src/sources/checks/capacity.ts';
import type { Draft } from '#src/sources/checks/draft.ts';
import { createReport } from '#src/sources/problems/report.ts';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

const LOCATOR = { locate: () => ({ line: 1, column: 1 }), valueAt: () => undefined };
const EMPTY: Draft = {
  services: new Map(),
  routes: [],
  listen: undefined,
  listeners: undefined,
  admin: undefined,
  trustedProxies: undefined,
  limits: undefined,
  soundRoutes: [],
  soundServices: new Set<string>(),
  discovery: undefined,
  fleet: undefined,
  color: undefined,
  overload: undefined,
  whole: null,
};

function problems(draft: Partial<Draft>): string[] {
  const report = createReport('a.yaml', LOCATOR);
  checkCapacity({ ...EMPTY, ...draft }, report);
  return report.problems().map(({ code, path, expected, got }) => `${code} ${path}: ${expected}, ${got}`);
}

function routes(count: number, more: object = {}): Draft['routes'] {
  const backendRefs = [{ name: 'a' }];
  return Array.from({ length: count }, (_, index) => ({ name: `r${index}`, backendRefs, ...more }));
}

test('two listeners may not have one port, unless the kernel chooses it or the addresses differ', () => {
  for (const [listen, admin] of [
    ['127.0.0.1:1', '127.0.0.2:1'],
    ['127.0.0.1:1', '127.0.0.1:2'],
    ['0.0.0.0:0', '0.0.0.0:0'],
  ] as const) {
    assert.deepEqual(problems({ listen, admin }), [], listen);
  }
  for (const [listen, admin] of [
    ['a:1', 'A:1'],
    ['127.0.0.1:1', '0.0.0.0:1'],
    ['[::]:1', '127.0.0.1:1'],
    ['[::1]:1', '[0:0::1]:1'],
  ] as const) {
    assert.match(problems({ listen, admin })[0] ?? '', /^SLU1064 admin/, listen);
  }
});

test('the default of the other listener counts, and the one that is written is blamed', () => {
  assertProblem(`listen: «"127.0.0.1:9900"\n${SOUND}`, 'SLU1064', '');
  assertProblem(`admin: «"127.0.0.1:8080"\n${SOUND}`, 'SLU1064', '');
  assert.deepEqual(problems({ listen: null, admin: '0.0.0.0:8080' }), []);
});

test('a head cannot be shorter than its first line', () => {
  configOf(`limits: {headBytesMax: 8192}\n${SOUND}`);
  assertProblem(`limits: {requestLineBytesMax: «64KiB}\n${SOUND}`, 'SLU1068', '');
  assert.deepEqual(problems({ limits: null }), []);
});

test('there is a counter for every route and reference, and not for one more', () => {
  // One cell is the gateway's own.
  assert.deepEqual(problems({ routes: routes(CELLS_MAX / 2 - 1) }), []);
  const expected = `SLU1069 routes: at most ${CELLS_MAX - 1} routes plus backendRefs plus fallback services, ${CELLS_MAX}`;
  assert.deepEqual(problems({ routes: routes(CELLS_MAX / 2) }), [expected]);
});

test('there are user bitmaps for a limited number of rollouts', () => {
  const rollout = { stable: 'v1', canary: 'v2' };
  assert.deepEqual(problems({ routes: routes(UNITS_MAX / 2, { rollout }) }), []);
  assert.match(problems({ routes: routes(UNITS_MAX / 2 + 1, { rollout }) })[0] ?? '', /^SLU1069 routes.* 1026$/);
  const several = { ...rollout, routes: ['one', 'two', 'three'] };
  assert.deepEqual(problems({ routes: routes(UNITS_MAX / 8, { rollout: several }) }), []);
  assert.match(
    problems({ routes: routes(UNITS_MAX / 8 + 1, { rollout: several }) })[0] ?? '',
    /^SLU1069 routes.* 1032$/,
  );
});

test('endpoints count once each, and only where a route sends to their service', () => {
  const endpoints = Array.from({ length: ENDPOINTS_MAX + 1 }, (_, index) => `h${index}:1`);
  const services = new Map([['a', { versions: { v1: { endpoints }, v2: { endpoints } } }]]);
  assert.match(problems({ services, routes: routes(1) })[0] ?? '', /^SLU1069 services.* 65537$/);
  assert.deepEqual(problems({ services, routes: [] }), []);
});

test('endpoints that only get copies count as well', () => {
  const endpoints = Array.from({ length: ENDPOINTS_MAX + 1 }, (_, index) => ({ address: `h${index}:1`, weight: 2 }));
  const services = new Map([
    ['a', { versions: { v1: { endpoints: [] } } }],
    ['b', { versions: { v1: { endpoints } } }],
  ]);
  const filters = [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'b' } } }];
  assert.match(problems({ services, routes: routes(1, { filters }) })[0] ?? '', /^SLU1069 services.* 65537$/);
  assert.deepEqual(problems({ services, routes: routes(1) }), []);
});

test('different questions for endpoints are limited', () => {
  const version = (index: number) => [`v${index}`, { endpoints: { srv: { name: `s${index}.test` } } }] as const;
  const services = (count: number) =>
    new Map([['a', { versions: Object.fromEntries(Array.from({ length: count }, (_, index) => version(index))) }]]);
  assert.deepEqual(problems({ services: services(1000) }), []);
  assert.match(problems({ services: services(1001) })[0] ?? '', /^SLU1069 services: at most 1000 questions.* 1001$/);
});
