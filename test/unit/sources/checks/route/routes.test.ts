import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRoutes } from '#src/sources/checks/route/routes.ts';
import { assertProblem, configOf, problemsOf, SOUND } from '../../../../support/config.ts';

test('a route to one version of weight 0 sends nothing anywhere', () => {
  const one = SOUND.replace(/ {6}- \{name: shop, version: v2.*\n/, '').replace('95', '0');
  assertProblem(one.replace('backendRefs', '«backendRefs'), 'SLU1052', '');
});

test('a service without versions has none to choose', () => {
  const text = `services: {a: {versions: {}}}\nroutes: [{name: r, backendRefs: [«{name: a}]}]\n`;
  assertProblem(text, 'SLU1055', '');
});

test('names that every object inherits are unknown services', () => {
  for (const name of ['constructor', 'toString']) {
    assertProblem(SOUND.replace('{name: shop, version: v1', `{name: «${name}, version: v1`), 'SLU1053', '');
    assertProblem(SOUND.replace('version: v1', `version: «${name}`), 'SLU1054', '');
  }
});

test('references are not judged while the services are unknown', () => {
  const report = { add: () => assert.fail(), addAt: () => assert.fail(), count: 0, nameOf: String, problems: () => [] };
  const route = { name: 'r', backendRefs: [{ name: 'nowhere' }, { name: 'a', version: 'v' }] };
  const draft = {
    services: null,
    routes: [null, route],
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
  checkRoutes(draft, report);
});

const REDIRECT = 'filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]';

test('a route sends somewhere or redirects, and never both', () => {
  const routes = SOUND.slice(0, SOUND.indexOf('routes:'));
  const { routes: built } = configOf(`${SOUND}  - {name: b, matches: [{path: {value: /b}}], ${REDIRECT}}\n`);
  assert.deepEqual(built[1]?.backendRefs, []);
  assertProblem(`${routes}routes: [«{name: a}]\n`, 'SLU1021', /RequestRedirect/);
  assertProblem(`${routes}routes: [«{name: a, filters: []}]\n`, 'SLU1021', /RequestRedirect/);
  assertProblem(`${SOUND.replace('backendRefs', '«backendRefs')}    ${REDIRECT}\n`, 'SLU1079', /nothing is sent on/);
});

test('a rollout on a route that redirects has no versions to name', () => {
  const rollout = 'slo: {availability: 0.9}, rollout: {stable: v1, canary: v1}';
  const text = `${SOUND}  - {name: b, matches: [{path: {value: /b}}], ${REDIRECT}, ${rollout}}\n`;
  const codes = problemsOf(text).map(({ code }) => code);
  assert.deepEqual(codes, ['SLU1060', 'SLU1060', 'SLU1061']);
});

test('codes and protocols are listed once', () => {
  assertProblem(`${SOUND}    retry: {codes: [503, 502, «503]}\n`, 'SLU1072', '');
  assertProblem(`${SOUND}    upgrade: {protocols: [websocket, «WebSocket]}\n`, 'SLU1072', '');
});

test('limits of a route have names of their own, whole seconds, and users only where users are known', () => {
  const limited = (limits: string): string => `${SOUND}    rateLimits: [${limits}]\n`;
  const { routes } = configOf(
    limited('{requests: 5, per: 1m}, {name: all, requests: 9, per: 1s, burst: 2, by: route}'),
  );
  assert.deepEqual(routes[0]?.rateLimits, [
    { name: 'default', requests: 5, perMs: 60_000, burst: 5, by: 'address', scope: 'gateway' },
    { name: 'all', requests: 9, perMs: 1000, burst: 2, by: 'route', scope: 'gateway' },
  ]);
  assertProblem(limited('{requests: 5, per: 1m}, «{name: default, requests: 9, per: 1s}'), 'SLU1072', '');
  assertProblem(limited('{requests: 5, per: «1s500ms}'), 'SLU1030', '');
  assertProblem(limited('{requests: 5, per: «500ms}'), 'SLU1030', '');
  assertProblem(limited('{requests: «0, per: 1s}'), 'SLU1024', '');
  assertProblem(limited('{requests: 1, per: 1s, by: «ip}'), 'SLU1023', '');
  const one = '{requests: 1, per: 1s}, ';
  const five = SOUND.concat(
    `    rateLimits: «[${[1, 2, 3, 4, 5].map((n) => one.replace('{', `{name: n${n}, `)).join('')}]\n`,
  );
  assertProblem(five, 'SLU1096', '');
});

test('a limit of the fleet asks for one', () => {
  const limit = '    rateLimits: [{requests: 1, per: 1s, scope: «fleet}]\n';
  assertProblem(`${SOUND}${limit}`, 'SLU1021', 'fleet says over which Redis the gateways do');
  const fleet = 'fleet: {name: edge, redis: {address: "redis://127.0.0.1:6379"}}\n';
  const { routes } = configOf(`${SOUND}${limit.replace('«', '')}${fleet}`);
  assert.equal(routes[0]?.rateLimits[0]?.scope, 'fleet');
  assertProblem(`${SOUND}${limit.replace('«fleet', '«world')}`, 'SLU1023', '');
});

test('a limit by user asks for what tells users apart', () => {
  const text = SOUND.replace(/ {4}sticky:.*\n/, '');
  const codes = problemsOf(`${text}    rateLimits: [{requests: 1, per: 1s, by: user}]\n`).map(({ code }) => code);
  assert.deepEqual(codes, ['SLU1021']);
});

test('a user key of tokens asks for what says whose tokens count', () => {
  const keys = 'keys: [{kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo, kid: a}]';
  const color = `color: {jwt: {issuer: i, audience: [a], jwks: {${keys}}}}\n`;
  const sticky = `${SOUND}    sticky: {jwt: «true}\n`;
  assertProblem(sticky, 'SLU1021', '');
  assert.equal(configOf(sticky.replace('«', '') + color).routes[0]?.sticky?.header, ':token-user');
  assertProblem(sticky.replace('jwt:', 'header: x-user, jwt:') + color, 'SLU1162', '');
  assertProblem(sticky.replace('jwt:', 'clientIdentity: true, jwt:') + color, 'SLU1162', '');
  const groups = 'groups: [{name: a}, {name: b}]';
  const experiment = `${SOUND}    experiments: [{id: e, ${groups}, key: {jwt: «true}}]\n`;
  assertProblem(experiment, 'SLU1021', '');
  configOf(experiment.replace('«', '') + color);
});
