import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

const AT = 'endpoint: "http://127.0.0.1:4318"';

test('values of tracing are checked', () => {
  for (const [document, code, hint] of [
    ['tracing: «{sample: 0.1}', 'SLU1021', ''],
    ['tracing: {endpoint: «"127.0.0.1:4318"}', 'SLU1091', 'did you mean http://127.0.0.1:4318?'],
    ['tracing: {endpoint: «"http://me:word@a"}', 'SLU1091', 'use the fields made for secrets'],
    ['tracing: {endpoint: «"http://a/?key=word"}', 'SLU1222', 'what the collector must be told goes into headers'],
    ['tracing: {AT, sample: «1.5}', 'SLU1044', 'did you mean 0.015?'],
    ['tracing: {AT, parent: «trusted}', 'SLU1023', 'did you mean trustedProxies?'],
    ['tracing: {AT, propagators: [«jaeger]}', 'SLU1023', ''],
    ['tracing: {AT, propagators: «[]}', 'SLU1025', ''],
    ['tracing: {AT, propagators: [b3, «b3]}', 'SLU1072', ''],
    ['tracing: {AT, query: «hide}', 'SLU1023', ''],
    ['tracing: {AT, queueMax: «1}', 'SLU1024', ''],
    ['tracing: {AT, timeout: «1ms}', 'SLU1030', ''],
    ['tracing: {AT, «sampling: 1}', 'SLU1020', ''],
    ['tracing: {AT, headers: [«{name: X-Key}]}', 'SLU1220', ''],
    ['tracing: {AT, headers: [«{name: X-Key, file: a, variable: B}]}', 'SLU1220', ''],
    ['tracing: {AT, headers: [{name: X-Key, file: a, «value: secret}]}', 'SLU1020', ''],
    [
      'tracing: {AT, headers: [{name: «Content-Type, file: a}]}',
      'SLU1220',
      'leave it out: it is written with each message',
    ],
    ['tracing: {AT, headers: [{name: «"a b", file: a}]}', 'SLU1036', 'did you mean a-b?'],
    ['tracing: {AT, headers: [{name: a, variable: «"$${A}"}]}', 'SLU1093', 'the name alone, without ${}'],
    ['tracing: {AT, headers: [{name: a, file: b}, «{name: A, file: c}]}', 'SLU1072', ''],
    ['tracing: {AT, resource: {«"a b": c}}', 'SLU1221', ''],
    ['tracing: {AT, resource: {«service.version: "1"}}', 'SLU1221', 'the gateway sets it itself'],
    ['tracing: {AT, resource: {«telemetry.sdk.name: x}}', 'SLU1221', 'the gateway sets it itself'],
    ['tracing: {AT, resource: {team: «5}}', 'SLU1022', 'put it in quotes'],
  ] as const) {
    assertProblem(`${document.replace('AT', AT)}\n${SOUND}`, code, hint);
  }
});

test('there are at most 32 attributes', () => {
  const attributes = Array.from({ length: 33 }, (_, n) => `a${n}: b`).join(', ');
  assertProblem(`tracing: {${AT}, resource: «{${attributes}}}\n${SOUND}`, 'SLU1221', '');
});

test('without it there are no traces', () => {
  assert.equal(configOf(SOUND).tracing, undefined);
  assert.equal(configOf(`tracing: {${AT}}\n${SOUND}`).tracing?.sampleRatio, 0.01);
});
