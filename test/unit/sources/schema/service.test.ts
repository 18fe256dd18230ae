import assert from 'node:assert/strict';
import { test } from 'node:test';
import { service } from '#src/sources/schema/service.ts';
import { assertProblem, SOUND } from '../../../support/config.ts';

/** A sound document with `field` in its service. */
function inService(field: string): string {
  return SOUND.replace('  shop:\n', `  shop:\n    ${field}\n`);
}

/** A sound document whose first endpoint is `endpoint`. */
function withEndpoint(endpoint: string): string {
  return SOUND.replace('"127.0.0.1:7001"', endpoint);
}

test('a service needs nothing but its versions', () => {
  assert.equal(service.safeParse({ versions: {} }).success, true);
  assert.equal(service.safeParse({ versions: {}, healthCheck: {}, outlierDetection: {} }).success, true);
});

test('an endpoint is an address, or a mapping of address and weight', () => {
  for (const [endpoint, code, hint] of [
    ['{address: «"127.0.0.1"}', 'SLU1032', 'add the port: "127.0.0.1:8080"'],
    ['{address: "a:1", weight: «0}', 'SLU1045', /leave the endpoint out/],
    ['{address: "a:1", weight: «1001}', 'SLU1045', ''],
    ['{address: "a:1", weight: «"3"}', 'SLU1022', 'did you mean 3, without quotes?'],
    ['{address: "a:1", «wieght: 3}', 'SLU1020', 'did you mean weight?'],
    ['«{weight: 3}', 'SLU1021', ''],
    ['«[]', 'SLU1022', ''],
    ['«a', 'SLU1032', 'add the port: "a:8080"'],
  ] as const) {
    assertProblem(withEndpoint(endpoint), code, hint);
  }
});

test('how endpoints are chosen and watched is checked value by value', () => {
  for (const [field, code, hint] of [
    ['balancer: «ewma', 'SLU1023', 'did you mean peakEwma?'],
    ['balancer: «random', 'SLU1023', ''],
    ['slowStart: «30', 'SLU1030', 'did you mean 30s?'],
    ['healthCheck: «true', 'SLU1022', ''],
    ['healthCheck: {path: «healthz}', 'SLU1047', 'did you mean /healthz?'],
    ['healthCheck: {host: «"a b"}', 'SLU1034', ''],
    ['healthCheck: {interval: «10ms}', 'SLU1030', ''],
    ['healthCheck: {healthyCount: «0}', 'SLU1024', ''],
    ['healthCheck: {«threshold: 3}', 'SLU1020', ''],
    ['outlierDetection: «true', 'SLU1023', 'it is on when left out'],
    ['outlierDetection: «"off"', 'SLU1022', ''],
    ['outlierDetection: {successRatioMin: «80}', 'SLU1044', 'did you mean 0.8?'],
    ['outlierDetection: {latencyFactor: «0.5}', 'SLU1024', ''],
    ['outlierDetection: {consecutiveErrors: «0}', 'SLU1024', ''],
    ['outlierDetection: {probes: «0}', 'SLU1024', ''],
    ['outlierDetection: {«consecutiveError: 5}', 'SLU1020', 'did you mean consecutiveErrors?'],
  ] as const) {
    assertProblem(inService(field), code, hint);
  }
});
