import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '#src/model/problem.ts';
import { warnOfRoutes } from '#src/sources/checks/route/warnings.ts';
import { marked, SOUND, warningsOf } from '../../../../support/config.ts';

/** Asserts that a marked document is accepted with exactly one warning at the mark. */
function assertWarning(document: string, code: string): void {
  const { text, line, column } = marked(document);
  const warnings = warningsOf(text);
  const found = warnings.map((warning) => [warning.code, warning.line, warning.column]);
  assert.deepEqual(found, [[code, line, column]], warnings.map(formatProblem).join('\n'));
}

function assertNone(document: string): void {
  const warnings = warningsOf(document);
  assert.deepEqual(warnings.map(formatProblem), []);
}

/** A sound document with `field` as the last line of its route. */
function inRoute(field: string): string {
  return `${SOUND}    ${field}\n`;
}

/** The same with a second endpoint in the first version. */
function withTwo(field: string): string {
  return inRoute(field).replace('7001"]', '7001", "127.0.0.1:7011"]');
}

test('warnings are looked for route by route', () => {
  assert.equal(typeof warnOfRoutes, 'function');
  assertNone(SOUND);
});

describe('attempts', () => {
  test('that may take longer than the request', () => {
    assertWarning(inRoute('timeouts: {backendRequest: «61s}'), 'SLU1906');
    assertWarning(inRoute('timeouts: {request: 1s, backendRequest: «1001ms}'), 'SLU1906');
    assertNone(inRoute('timeouts: {request: 1s, backendRequest: 1s}'));
  });

  test('that are never repeated, though it is said when', () => {
    assertWarning(inRoute('retry: {attempts: «0, codes: [503]}'), 'SLU1909');
    assertWarning(inRoute('retry: {attempts: «0, backoff: 1s}'), 'SLU1909');
    assertNone(inRoute('retry: {attempts: 0}'));
    assertNone(inRoute('retry: {codes: [503], backoff: 1s}'));
  });
});

describe('hedging', () => {
  test('without a second endpoint', () => {
    assertWarning(inRoute('«hedge: {after: 50ms}'), 'SLU1907');
    assertNone(withTwo('hedge: {after: 50ms}'));
  });

  test('after the attempt has been given up', () => {
    assertWarning(withTwo('hedge: {after: «60s}'), 'SLU1908');
    assertWarning(withTwo('timeouts: {backendRequest: 1s}\n    hedge: {after: «1s}'), 'SLU1908');
    assertNone(withTwo('timeouts: {backendRequest: 1s}\n    hedge: {after: 999ms}'));
  });
});

test('a pattern for paths that begins with no slash', () => {
  const match = (value: string): string => inRoute(`matches: [{path: {type: RegularExpression, value: ${value}}}]`);
  assertWarning(match('«"api/.*"'), 'SLU1912');
  assertWarning(match('«"^v1"'), 'SLU1912');
  for (const value of ['"/a.*"', '"^/a$"', '".*"', '"(/a|/b)"', '"a|/b"', '"a?/b"', '"[/]a"', '"\\\\/a"']) {
    assertNone(match(value));
  }
});

test('a service that balances by user key, and a route without any', () => {
  const hashed = SOUND.replace('  shop:\n', '  shop:\n    balancer: consistentHash\n');
  assertWarning(hashed.replace('{name: shop, version: v1', '{name: «shop, version: v1'), 'SLU1913');
  assertNone(`${hashed}    sticky: {clientIp: true}\n`);
});

test('a mirror to a version that has users', () => {
  const mirror = 'filters: [{type: RequestMirror, requestMirror: {backendRef: «{name: shop, version: v2}}}]';
  assertWarning(inRoute(mirror), 'SLU1910');
  assertNone(inRoute(mirror.replace('«', '')).replace('weight: 5', 'weight: 0'));
  assertNone(inRoute(mirror.replace('«', '')).replace(/ {6}- \{name: shop, version: v2.*\n/, ''));
});

test('a mirror that compares may lead to a canary, not to the only version that has users', () => {
  const mirror =
    'filters: [{type: RequestMirror, requestMirror: {backendRef: «{name: shop, version: v2}, compare: {}}}]';
  assertNone(inRoute(mirror.replace('«', '')));
  assertWarning(inRoute(mirror).replace(/ {6}- \{name: shop, version: v1.*\n/, ''), 'SLU1910');
});

describe('a redirect', () => {
  const redirect = (path: string, to: string, more = ''): string =>
    `${SOUND}  - {name: b, matches: [{path: ${path}}]${more}, filters: [{type: RequestRedirect, requestRedirect: ${to}}]}\n`;
  const full = (path: string): string => `{path: {type: ReplaceFullPath, replaceFullPath: ${path}}}`;
  const prefix = (path: string): string => `{path: {type: ReplacePrefixMatch, replacePrefixMatch: ${path}}}`;
  const mark = (to: string): string => to.replace('path: ', 'path: «');

  test('with settings that only requests sent on obey', () => {
    for (const setting of [
      'sticky: {clientIp: true}',
      'timeouts: {request: 1s}',
      'retry: {attempts: 2}',
      'upgrade: {protocols: []}',
      'hedge: {after: 1s}',
    ]) {
      assertWarning(redirect('{value: /old}', '{scheme: https}', `, «${setting}`), 'SLU1914');
    }
    assertNone(redirect('{value: /old}', '{scheme: https}', ', slo: {availability: 0.9}'));
  });

  test('that leads to itself', () => {
    assertWarning(redirect('{value: /old}', mark(full('/old/new'))), 'SLU1911');
    assertWarning(redirect('{value: /old}', mark(full('/old'))), 'SLU1911');
    assertWarning(redirect('{value: /old}', mark(prefix('/old/v2'))), 'SLU1911');
    assertWarning(redirect('{type: Exact, value: /old}', mark(full('/old'))), 'SLU1911');
  });

  test('that leads elsewhere', () => {
    assertNone(redirect('{value: /old}', full('/older')));
    assertNone(redirect('{value: /old}', prefix('/')));
    assertNone(redirect('{type: Exact, value: /old}', full('/old/')));
    assertNone(redirect('{type: RegularExpression, value: "/old.*"}', full('/old'), ', hostnames: [a.b]'));
    for (const part of ['hostname: a.b', 'scheme: https', 'port: 8443']) {
      assertNone(redirect('{value: /old}', full('/old/new').replace('{', `{${part}, `)));
    }
  });

  test('to a path that another route takes', () => {
    const taken = (path: string): string =>
      `  - {name: c, matches: [{path: ${path}}], backendRefs: [{name: shop, version: v1}]}\n`;
    assertNone(redirect('{value: /old}', full('/old/new')) + taken('{type: Exact, value: /old/new}'));
    assertNone(redirect('{value: /old}', full('/old/new')) + taken('{value: /old/new}'));
    assertWarning(redirect('{value: /old}', mark(full('/old/new'))) + taken('{value: /old/newer}'), 'SLU1911');
  });

  test('to a path that the route takes itself, by a closer match', () => {
    const own = redirect('{value: /old}}, {path: {type: Exact, value: /old/new}', mark(full('/old/new')));
    assertWarning(own, 'SLU1911');
    const match = 'hostnames: [a.b], matches: [{path: {type: Exact, value: /old/new}}]';
    assertNone(`${own.replace('«', '')}  - {name: c, ${match}, backendRefs: [{name: shop, version: v1}]}\n`);
  });
});
