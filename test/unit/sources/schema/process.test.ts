import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessLog, adminListen, http, limits, listener, state, timeouts } from '#src/sources/schema/process.ts';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

test('an address to listen on is text or a mapping', () => {
  for (const schema of [listener('127.0.0.1:1', 'here'), adminListen('127.0.0.1:1', 'here')]) {
    for (const value of ['127.0.0.1:0', '[::1]:80', { host: '::1', port: 0 }]) {
      assert.equal(schema.safeParse(value).success, true);
    }
    for (const value of [80, 'a', { host: 'a' }, { host: 'a', port: 65_536 }, null]) {
      assert.equal(schema.safeParse(value).success, false);
    }
  }
});

test('names that the admin server answers to are names, and no more than a service has', () => {
  for (const [hosts, code, hint] of [
    ['[sluice, «"sluice:9900"]', 'SLU1032', ''],
    ['[«"*.internal"]', 'SLU1032', ''],
    ['[«7]', 'SLU1022', ''],
    ['«sluice', 'SLU1022', 'did you mean ["sluice"]?'],
  ] as const) {
    assertProblem(`admin: {host: 127.0.0.1, port: 1, hosts: ${hosts}}\n${SOUND}`, code, hint);
  }
  const hosts = (count: number) => Array.from({ length: count }, (_, n) => `h${n}`);
  const schema = adminListen('127.0.0.1:1', 'here');
  assert.equal(schema.safeParse({ host: '::1', port: 1, hosts: hosts(64) }).success, true);
  assert.equal(schema.safeParse({ host: '::1', port: 1, hosts: hosts(65) }).success, false);
});

test('every section may be empty', () => {
  for (const section of [http, accessLog, limits, timeouts, state]) assert.equal(section.safeParse({}).success, true);
});

test('values of http, the access log and the new limits are checked', () => {
  for (const [document, code, hint] of [
    ['http: {absoluteForm: «reject}', 'SLU1023', ''],
    ['http: {absoluteForm: «Rewrite}', 'SLU1023', 'did you mean rewrite?'],
    ['http: {pathNormalization: «Normal}', 'SLU1023', 'did you mean normalize?'],
    ['http: {serverTiming: «on}', 'SLU1022', 'did you mean true?'],
    ['http: {«absolutForm: refuse}', 'SLU1020', 'did you mean absoluteForm?'],
    ['accessLog: {sample: «1%}', 'SLU1044', 'did you mean 0.01?'],
    ['accessLog: {sample: «5}', 'SLU1044', 'did you mean 0.05?'],
    ['accessLog: «0.01', 'SLU1022', ''],
    ['limits: {replayBodyBytesMax: «1GiB}', 'SLU1031', ''],
    ['timeouts: {dns: «0s}', 'SLU1030', ''],
    ['timeouts: {upgradeIdle: «2d}', 'SLU1030', ''],
    ['timeouts: {streamIdle: «0s}', 'SLU1030', ''],
    ['state: {directory: «""}', 'SLU1087', 'leave the field out to keep the state in memory'],
    ['state: {«directry: /var}', 'SLU1020', 'did you mean directory?'],
  ] as const) {
    assertProblem(`${document}\n${SOUND}`, code, hint);
  }
});

test('both ends of a share are taken', () => {
  assert.equal(configOf(`accessLog: {sample: 0}\n${SOUND}`).accessLog.sampleRatio, 0);
  assert.equal(configOf(`accessLog: {sample: 1}\n${SOUND}`).accessLog.sampleRatio, 1);
});
