import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkServices } from '#src/sources/checks/services.ts';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

test('two spellings of one endpoint are the same endpoint', () => {
  assertProblem(SOUND.replace('"127.0.0.1:7001"', '"[::1]:80", «"[0:0::1]:80"'), 'SLU1057', '');
});

test('a version may list its own name as a color, and a color may be used again in another service', () => {
  const colors = SOUND.replace('7001"]', '7001"], colors: [v1, blue]');
  configOf(colors.replace('routes:', '  other: {versions: {v3: {endpoints: [], colors: [blue]}}}\nroutes:'));
});

test('a color that an earlier or later version has is refused at the second claim', () => {
  const both = SOUND.replace('7001"]', '7001"], colors: [a]').replace('7002"]', '7002"], colors: [b, «a]');
  assertProblem(both, 'SLU1058', '');
  assertProblem(SOUND.replace('7001"]', '7001"], colors: [«v2]'), 'SLU1058', '');
});

test('services that are not known are not checked', () => {
  const report = { add: () => assert.fail(), addAt: () => assert.fail(), count: 0, nameOf: String, problems: () => [] };
  const draft = {
    routes: [],
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
  checkServices({ ...draft, services: null }, report);
  checkServices({ ...draft, services: new Map([['a', null]]) }, report);
});

test('an endpoint with a weight is the same as one without', () => {
  assertProblem(SOUND.replace('"127.0.0.1:7001"', '"a:1", «{address: "A:1", weight: 2}'), 'SLU1057', '');
});

/** A sound document with `field` in its service. */
function inService(field: string): string {
  return SOUND.replace('  shop:\n', `  shop:\n    ${field}\n`);
}

test('a health check ends before the next one begins, defaults included', () => {
  configOf(inService('healthCheck: {interval: 1s, timeout: 1s}'));
  assertProblem(inService('healthCheck: {interval: 1s, timeout: «1001ms}'), 'SLU1073', '');
  assertProblem(inService('healthCheck: {timeout: «6s}'), 'SLU1073', '');
  assertProblem(inService('healthCheck: {interval: «1s}'), 'SLU1073', '');
});

test('a protocol goes with what is said of TLS, of the version or of its service', () => {
  configOf(inService('protocol: h2c'));
  configOf(inService('protocol: grpc'));
  configOf(inService('tls: {insecure: true}\n    protocol: h2'));
  configOf(SOUND.replace('7001"]', '7001"], protocol: h2, tls: {insecure: true}'));
  assertProblem(inService('protocol: «h2'), 'SLU1185', 'HTTP/2 without TLS is h2c');
  assertProblem(inService('tls: {insecure: true}\n    protocol: «h2c'), 'SLU1185', 'HTTP/2 over TLS is h2');
  assertProblem(SOUND.replace('7001"]', '7001"], protocol: «h2'), 'SLU1185', /h2c/);
  assertProblem(SOUND.replace('7001"]', '7001"], protocol: «http2'), 'SLU1023', /./);
});

test('what is said about gRPC needs endpoints that speak it', () => {
  configOf(inService('protocol: h2c\n    grpcErrors: [UNAVAILABLE]'));
  configOf(inService('protocol: grpc\n    healthCheck: {grpcService: shop.Orders}'));
  assertProblem(inService('«grpcErrors: [UNAVAILABLE]'), 'SLU1187', '');
  assertProblem(inService('protocol: h2c\n    healthCheck: {«grpcService: a}'), 'SLU1187', '');
  assertProblem(inService('protocol: grpc\n    healthCheck: {grpcService: «a b}'), 'SLU1186', '');
  assertProblem(inService('protocol: grpc\n    grpcErrors: [«TEAPOT]'), 'SLU1023', '');
});

test('the first ejection is no longer than the longest, defaults included', () => {
  configOf(inService('outlierDetection: {ejection: 5m}'));
  configOf(inService('outlierDetection: false'));
  assertProblem(inService('outlierDetection: {ejection: «5m1s}'), 'SLU1073', '');
  assertProblem(inService('outlierDetection: {ejectionMax: «9s}'), 'SLU1073', '');
  assertProblem(inService('outlierDetection: {ejection: «2s, ejectionMax: 1s}'), 'SLU1073', '');
});

test('who asks for endpoints needs somebody to ask; names need nobody', () => {
  const asking = (endpoints: string): string => SOUND.replace('["127.0.0.1:7002"]', endpoints);
  assertProblem(asking('{«consul: {}}'), 'SLU1132', '');
  assertProblem(asking('{«etcd: {}}'), 'SLU1132', '');
  configOf(asking('{dns: {name: a.test, port: 1}}'));
  configOf(asking('{srv: {name: a.test}}'));
  configOf(`discovery: {consul: {address: "http://a"}}\n${asking('{consul: {}}')}`);
  // What is wrong with the one to ask is told there.
  assertProblem(`discovery: {consul: {address: «5}}\n${asking('{consul: {}}')}`, 'SLU1022', '');
});
