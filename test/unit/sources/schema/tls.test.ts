import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenerTls, upstreamTls } from '#src/sources/schema/tls.ts';
import { assertProblem, SOUND } from '../../../support/config.ts';

const FILES = '{cert: c.pem, key: k.pem}';

test('a listener needs a certificate', () => {
  assert.equal(listenerTls.safeParse({ certificates: [{ cert: 'c', key: 'k' }] }).success, true);
  assert.equal(listenerTls.safeParse({}).success, false);
  assert.equal(upstreamTls.safeParse({}).success, true);
});

test('values of TLS are checked', () => {
  for (const [document, code, hint] of [
    ['listen: {host: a, port: 1, tls: {certificates: «[]}}', 'SLU1025', ''],
    [
      'listen: {host: a, port: 1, tls: {certificates: [{cert: «"", key: k}]}}',
      'SLU1087',
      'name the file, or leave the field out',
    ],
    [
      'listen: {host: a, port: 1, tls: {certificates: [{cert: c, key: «"-----BEGIN PRIVATE KEY-----"}]}}',
      'SLU1087',
      'the name of the file, not what stands in it',
    ],
    ['listen: {host: a, port: 1, tls: {certificates: [FILES], minVersion: «1.3}}', 'SLU1023', 'put it in quotes'],
    [
      'listen: {host: a, port: 1, tls: {certificates: [FILES], minVersion: «"1.1"}}',
      'SLU1023',
      'older protocols are not spoken',
    ],
    [
      'listen: {host: a, port: 1, tls: {certificates: [FILES], unknownHost: «refused}}',
      'SLU1023',
      'did you mean refuse?',
    ],
    ['listen: {host: a, port: 1, tls: {certificates: [FILES], clientAuth: «{mode: optional}}}', 'SLU1160', /nobody/],
    ['listen: {host: a, port: 1, tls: {certificates: [FILES], handshakeTimeout: «5m}}', 'SLU1030', ''],
    ['listen: {host: a, port: 1, tls: {certificates: [FILES], «ciphers: ALL}}', 'SLU1020', ''],
    ['listeners: ["a:1", «"a:1"]', 'SLU1064', ''],
    ['listeners: ["a:8081", «"0.0.0.0:8081"]', 'SLU1064', ''],
  ] as const) {
    assertProblem(`${document.replace('FILES', FILES)}\n${SOUND}`, code, hint);
  }
});

test('a certificate towards endpoints needs its key, and what is not verified has no issuer', () => {
  const pathsOf = (value: unknown) => upstreamTls.safeParse(value).error?.issues.map(({ path }) => path.join('.'));
  assert.deepEqual(pathsOf({ cert: 'c' }), ['key']);
  assert.deepEqual(pathsOf({ key: 'k' }), ['cert']);
  assert.deepEqual(pathsOf({ insecure: true, ca: 'ca' }), ['ca']);
});
