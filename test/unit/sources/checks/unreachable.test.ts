/** Matches that no request can get to; the router itself is asked whether that is so. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '#src/model/problem.ts';
import { warnOfUnreachable } from '#src/sources/checks/unreachable.ts';
import { configOf, marked, SOUND, warningsOf } from '../../../support/config.ts';
import { bench, get, readHead } from '../../../support/proxy/parts.ts';

/** A route of the sound document's service. */
function route(name: string, fields: string): string {
  return `  - {name: ${name}, ${fields}, backendRefs: [{name: shop, version: v1}]}\n`;
}

/** The sound document with these routes instead of its own. */
function documentOf(...routes: string[]): string {
  return SOUND.slice(0, SOUND.indexOf('  - name: shop')) + routes.join('');
}

function matching(pattern: string, more = ''): string {
  return `matches: [{path: {type: RegularExpression, value: ${pattern}}${more}}]`;
}

function assertWarning(...routes: string[]): void {
  const { text, line, column } = marked(documentOf(...routes));
  const own = warningsOf(text).filter(({ code }) => code !== 'SLU1902');
  assert.deepEqual(
    own.map((warning) => [warning.code, warning.line, warning.column]),
    [['SLU1915', line, column]],
    own.map(formatProblem).join('\n'),
  );
}

function assertNone(...routes: string[]): void {
  assert.deepEqual(warningsOf(documentOf(...routes)).map(formatProblem), []);
}

test('what is in reach is not reported', () => {
  assert.equal(typeof warnOfUnreachable, 'function');
  assertNone(route('a', 'matches: [{path: {value: /}}, {path: {value: /a}}, {path: {type: Exact, value: /a/b}}]'));
});

describe('a regular expression is out of reach', () => {
  test('behind a prefix / on the same host, written or not', () => {
    assertWarning(route('a', matching('«"/v[0-9]+/.*"')), route('b', 'matches: [{path: {value: /}}]'));
    assertWarning(route('a', 'matches: [{path: {value: /}}]'), route('b', matching('«"/v[0-9]+"')));
    assertWarning(
      route('a', matching('«".*"')),
      route('b', 'hostnames: [b.c]'),
      route('c', 'slo: {availability: 0.9}'),
    );
  });

  test('behind a prefix of everything that it can match', () => {
    const api = route('b', 'matches: [{path: {value: /api}}]');
    for (const pattern of ['"/api/.*"', '"/api/v1/[a-z]+"', '"^/api/x?"', '/api', '^/api/v1$']) {
      assertWarning(route('a', matching(`«${pattern}`)), api);
    }
    for (const pattern of ['"/api.*"', '"/apis/.*"', '"/(api|b)/.*"', '"/ap[i]/.*"', '"/api?/.*"', '"/api/v1|/b"']) {
      assertNone(route('a', matching(pattern)), api);
    }
  });

  test('behind the exact path that it is, and an earlier one that matches everything', () => {
    assertWarning(route('a', matching('«/a/b')), route('b', 'matches: [{path: {type: Exact, value: /a/b}}]'));
    assertWarning(route('a', matching('"/.*"')), route('b', matching('«"/[a-z]+"')));
    assertNone(route('a', matching('"/[a-z]+"')), route('b', matching('"/.*"')));
    assertNone(route('a', matching('"/.*"')), route('b', matching('"/[a-z]+"', ', method: GET')));
  });

  test('only where the conditions of what comes first hold whenever its own do', () => {
    const strict = ', method: GET, headers: [{name: A, value: b}, {name: C, value: d}]';
    for (const weaker of ['', ', method: GET', ', headers: [{name: c, value: d}, {name: a, value: b}]', strict]) {
      assertWarning(route('a', matching('«/a.*', strict)), route('b', `matches: [{path: {value: /}${weaker}}]`));
    }
    for (const other of [
      ', method: POST',
      ', headers: [{name: A, value: x}]',
      ', queryParams: [{name: q, value: x}]',
    ]) {
      assertNone(route('a', matching('/a.*', strict)), route('b', `matches: [{path: {value: /}${other}}]`));
      assertNone(route('a', matching('/a.*')), route('b', `matches: [{path: {value: /}${other}}]`));
    }
  });

  test('only on the same host, and only if that is so on all of its hosts', () => {
    const hosts = (names: string, fields: string): string => `hostnames: [${names}], ${fields}`;
    const all = 'matches: [{path: {value: /}}]';
    assertWarning(route('a', hosts('a.b, c.d', matching('«/a.*'))), route('b', hosts('c.d, A.B', all)));
    assertNone(route('a', hosts('a.b, c.d', matching('/a.*'))), route('b', hosts('a.b', all)));
    assertNone(route('a', hosts('a.b', matching('/a.*'))), route('b', all));
    assertNone(route('a', matching('/a.*')), route('b', hosts('a.b', all)));
    assertNone(route('a', hosts('"*.b"', matching('/a.*'))), route('b', hosts('a.b', all)));
  });
});

test('a method that is refused before there is a route takes nothing', () => {
  for (const method of ['CONNECT', 'TRACE', 'PRI']) {
    assertWarning(route('a', `matches: [{path: {value: /}, method: «${method}}]`));
  }
  assertNone(route('a', 'matches: [{path: {value: /}, method: PATCH}, {path: {value: /}, method: OPTIONS}]'));
});

test('what is reported is what the router never finds', () => {
  const paths = ['/', '/a', '/a/b', '/api', '/api/', '/api/v1', '/api/v1/x', '/apis/x', '/b/api/v1'];
  const patterns = ['"/api/.*"', '"/api.*"', '/api', '"/.*"', '"/[ab]/?.*"', '"^/a/b$"', '"/api/v1/x?"'];
  const others = ['value: /api', 'value: /', 'value: /a/b', 'value: /api/v1', 'type: Exact, value: /api'];
  let reported = 0;
  for (const pattern of patterns) {
    for (const other of others) {
      const text = documentOf(route('a', matching(pattern)), route('b', `matches: [{path: {${other}}}]`));
      const isReported = warningsOf(text).some(({ code }) => code === 'SLU1915');
      const routes = configOf(text).routes.map(({ name, matches }) => ({ name, matches, versions: [] }));
      const { table } = bench({ routes });
      const isFound = paths.some((path) => {
        const head = readHead(table, get(path));
        return table.router.match(head, head.path, head.method)?.route.name === 'a';
      });
      if (isReported) reported++;
      assert.ok(!(isReported && isFound), `${pattern} beside ${other} is found`);
    }
  }
  assert.ok(reported >= 10, `${reported} reported`);
});
