import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkFilters } from '#src/sources/checks/filters.ts';
import { assertProblem, configOf, problemsOf, SOUND, warningsOf } from '../../../support/config.ts';

/** A sound document with filters on its route. */
function withFilters(...filters: readonly string[]): string {
  return `${SOUND}    filters:\n${filters.map((filter) => `      - ${filter}\n`).join('')}`;
}

/** A sound document with a second route, on /old, that redirects. */
function withRedirect(redirect: string, ...others: readonly string[]): string {
  const filters = [`{type: RequestRedirect, requestRedirect: ${redirect}}`, ...others].join(', ');
  return `${SOUND}  - {name: b, matches: [{path: {value: /old}}], filters: [${filters}]}\n`;
}

const REQUEST = (modifier: string): string => `{type: RequestHeaderModifier, requestHeaderModifier: ${modifier}}`;
const RESPONSE = (modifier: string): string => `{type: ResponseHeaderModifier, responseHeaderModifier: ${modifier}}`;
const REWRITE = (rewrite: string): string => `{type: URLRewrite, urlRewrite: ${rewrite}}`;
const CORS = (cors: string): string => `{type: CORS, cors: ${cors}}`;
const MIRROR = (mirror: string): string => `{type: RequestMirror, requestMirror: ${mirror}}`;
const PREFIX = '{path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}';

test('a type of filter stands once on a route', () => {
  const one = REQUEST('{remove: [a]}');
  configOf(withFilters(one, RESPONSE('{remove: [a]}')));
  assertProblem(withFilters(one, one.replace('type: ', 'type: «')), 'SLU1074', '');
});

test('a filter that changes nothing is refused', () => {
  for (const filter of [REQUEST('«{}'), REQUEST('«{set: [], add: [], remove: []}'), RESPONSE('«{}'), REWRITE('«{}')]) {
    assertProblem(withFilters(filter), 'SLU1076', '');
  }
  assertProblem(withRedirect('«{statusCode: 301}'), 'SLU1076', 'it would lead back to itself for ever');
});

describe('header filters', () => {
  test('may set and add the same header', () => {
    configOf(withFilters(REQUEST('{set: [{name: a, value: b}], add: [{name: A, value: c}], remove: [d]}')));
  });

  test('have a header once in a list, in any case', () => {
    assertProblem(withFilters(REQUEST('{set: [{name: a, value: b}, {name: «A, value: c}]}')), 'SLU1077', '');
    assertProblem(withFilters(RESPONSE('{add: [{name: a, value: b}, {name: «A, value: c}]}')), 'SLU1077', '');
    assertProblem(withFilters(RESPONSE('{remove: [a, b, «A]}')), 'SLU1072', '');
  });

  test('do not write what they remove', () => {
    assertProblem(withFilters(REQUEST('{remove: [A], set: [{name: «a, value: b}]}')), 'SLU1077', /set replaces/);
    assertProblem(withFilters(REQUEST('{remove: [A], add: [{name: «a, value: b}]}')), 'SLU1077', /set replaces/);
  });
});

describe('a prefix', () => {
  test('can be replaced where prefixes match, and without matches', () => {
    configOf(withFilters(REWRITE(PREFIX)));
    configOf(`${withFilters(REWRITE(PREFIX))}    matches: [{path: {value: /a}}, {path: {value: /b}}]\n`);
    assert.deepEqual(warningsOf(withRedirect(PREFIX)), []);
  });

  test('cannot be replaced where anything else matches', () => {
    const marked = PREFIX.replace('type: ', 'type: «');
    for (const path of ['{type: Exact, value: /b}', '{type: RegularExpression, value: "/b.*"}']) {
      const matches = `    matches: [{path: {value: /a}}, {path: ${path}}]\n`;
      assertProblem(withFilters(REWRITE(marked)) + matches, 'SLU1078', '');
    }
    const exact = withRedirect(marked).replace('{value: /old}', '{type: Exact, value: /old}');
    assertProblem(exact, 'SLU1078', '');
  });
});

test('a redirect stands alone but for the headers of its answer', () => {
  configOf(withRedirect('{scheme: https}', RESPONSE('{set: [{name: a, value: b}]}')));
  for (const other of [
    REQUEST('{remove: [a]}'),
    REWRITE('{hostname: a.b}'),
    CORS('{allowOrigins: ["*"]}'),
    MIRROR('{backendRef: {name: shop, version: v1}}'),
  ]) {
    assertProblem(withRedirect('{scheme: https}', other.replace('type: ', 'type: «')), 'SLU1080', /answered first/);
  }
});

describe('CORS', () => {
  test('allows everybody, or names, or headers besides *', () => {
    configOf(withFilters(CORS('{allowOrigins: ["*"], allowMethods: ["*"], exposeHeaders: ["*"]}')));
    configOf(withFilters(CORS('{allowOrigins: ["*"], allowHeaders: ["*", authorization]}')));
    configOf(withFilters(CORS('{allowOrigins: ["https://a.b"], allowCredentials: true, allowMethods: [PUT]}')));
  });

  test('has no * with credentials, in any list', () => {
    for (const lists of [
      'allowOrigins: [«"*"]',
      'allowOrigins: ["https://a.b"], allowMethods: [«"*"]',
      'allowOrigins: ["https://a.b"], allowHeaders: [a, «"*"]',
      'allowOrigins: ["https://a.b"], exposeHeaders: [«"*"]',
    ]) {
      assertProblem(withFilters(CORS(`{allowCredentials: true, ${lists}}`)), 'SLU1081', /browsers refuse it/);
    }
    configOf(withFilters(CORS('{allowCredentials: false, allowOrigins: ["*"]}')));
  });

  test('has no origin or method beside *', () => {
    assertProblem(withFilters(CORS('{allowOrigins: ["https://a.b", «"*"]}')), 'SLU1082', '');
    assertProblem(withFilters(CORS('{allowOrigins: ["*"], allowMethods: [«"*", PUT]}')), 'SLU1082', '');
  });

  test('lists nothing twice, in whatever spelling', () => {
    assertProblem(withFilters(CORS('{allowOrigins: ["https://a.b", «"HTTPS://A.b:443"]}')), 'SLU1072', '');
    assertProblem(withFilters(CORS('{allowOrigins: ["*"], allowMethods: [PUT, «PUT]}')), 'SLU1072', '');
    assertProblem(withFilters(CORS('{allowOrigins: ["*"], allowHeaders: [x-a, «X-A]}')), 'SLU1072', '');
    assertProblem(withFilters(CORS('{allowOrigins: ["*"], exposeHeaders: [x-a, «X-A]}')), 'SLU1072', '');
    configOf(withFilters(CORS('{allowOrigins: ["*"], allowMethods: [purge, PURGE]}')));
  });
});

describe('a mirror', () => {
  const spare = '  spare: {versions: {v1: {endpoints: ["h:1"]}}}\nroutes:';
  const toSpare = (share: string): string =>
    withFilters(MIRROR(`{backendRef: {name: spare}${share}}`)).replace('routes:', spare);

  test('copies a percentage or a fraction, to the only version of a service', () => {
    for (const share of ['', ', percent: 0', ', percent: 100', ', fraction: {numerator: 1, denominator: 1000}']) {
      configOf(toSpare(share));
    }
  });

  test('does not have both, nor more than all', () => {
    assertProblem(toSpare(', percent: 5, «fraction: {numerator: 1}'), 'SLU1083', '');
    assertProblem(toSpare(', fraction: {numerator: «101}'), 'SLU1083', '');
    assertProblem(toSpare(', fraction: {numerator: «3, denominator: 2}'), 'SLU1083', '');
  });

  test('ignores each header once, in any case', () => {
    configOf(toSpare(', compare: {bodyBytesMax: 1MiB, ignoreHeaders: [x-build, X-Node]}'));
    assertProblem(toSpare(', compare: {ignoreHeaders: [x-build, «X-Build]}'), 'SLU1072', '');
  });

  test('goes to a version that there is', () => {
    assertProblem(withFilters(MIRROR('{backendRef: {name: «shopp, version: v1}}')), 'SLU1053', 'did you mean shop?');
    assertProblem(withFilters(MIRROR('{backendRef: {name: shop, version: «v3}}')), 'SLU1054', /did you mean/);
    assertProblem(withFilters(MIRROR('{backendRef: «{name: shop}}')), 'SLU1055', '');
  });
});

test('everything wrong with the filters of a route is said at once', () => {
  const text = withFilters(REQUEST('{}'), REQUEST('{}'), CORS('{allowOrigins: ["*", "*"], allowCredentials: true}'));
  const codes = problemsOf(text).map(({ code }) => code);
  assert.deepEqual(codes, ['SLU1076', 'SLU1074', 'SLU1076', 'SLU1081', 'SLU1072']);
});

test('filters of a malformed route are not judged', () => {
  const report = { add: () => assert.fail(), addAt: () => assert.fail(), count: 0, nameOf: String, problems: () => [] };
  const draft = {
    services: null,
    routes: [null],
    listen: null,
    listeners: undefined,
    admin: null,
    trustedProxies: undefined,
    limits: null,
    discovery: undefined,
    fleet: undefined,
    color: undefined,
    overload: undefined,
    soundRoutes: [],
    soundServices: new Set<string>(),
    whole: null,
  };
  checkFilters(draft, report);
});
