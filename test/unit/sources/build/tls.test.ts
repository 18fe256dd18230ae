import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem } from '#src/model/problem.ts';
import { buildListenerTls, buildUpstreamTls } from '#src/sources/build/tls.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { configOf, SOUND } from '../../../support/config.ts';

const FILES = { cert: 'c', key: 'k' };

test('what is not said is as documented', () => {
  assert.deepEqual(buildListenerTls({ certificates: [FILES] }), {
    certificates: [{ ...FILES, ocsp: null }],
    unknownHost: 'default',
    minVersion: 'TLSv1.2',
    clientAuth: null,
    handshakeMs: 10_000,
    handshakesMax: 512,
  });
  assert.deepEqual(buildUpstreamTls({}), {
    ca: null,
    serverName: null,
    cert: null,
    key: null,
    minVersion: 'TLSv1.2',
    isInsecure: false,
  });
});

test('issuers without a mode mean that a certificate is required', () => {
  const built = (clientAuth: object) => buildListenerTls({ certificates: [FILES], clientAuth }).clientAuth;
  assert.deepEqual(built({ ca: 'ca' }), { mode: 'required', ca: 'ca' });
  assert.deepEqual(built({ mode: 'optional', ca: 'ca' }), { mode: 'optional', ca: 'ca' });
  assert.equal(built({ mode: 'off', ca: 'ca' }), null);
});

test('a configuration without TLS has no field of it', () => {
  const { listen, listeners, services } = configOf(SOUND);
  assert.deepEqual(Object.keys(listen), ['host', 'port']);
  assert.equal(listeners, undefined);
  assert.ok(services.every(({ versions }) => versions.every((version) => !('tls' in version))));
});

test('a listener says whether it speaks HTTP/2, or nothing about it', () => {
  const { listen } = configOf(`listen: {host: 127.0.0.1, port: 1, http2: true}\n${SOUND}`);
  assert.deepEqual(listen, { host: '127.0.0.1', port: 1, http2: true });
});

test('a version’s settings take the place of its service’s', () => {
  const text = `
services:
  shop:
    tls: {serverName: Shop.internal}
    versions: {v1: {endpoints: ["a:1"]}, v2: {endpoints: ["a:1"], tls: {insecure: true}}}
routes: [{name: r, backendRefs: [{name: shop, version: v1}, {name: shop, version: v2}]}]`;
  const [shop] = configOf(text).services;
  assert.deepEqual(
    shop?.versions.map(({ tls }) => [tls?.serverName, tls?.isInsecure]),
    [
      ['shop.internal', false],
      [null, true],
    ],
  );
  const parsed = parseConfig(text, 'gateway.yaml');
  assert.ok(parsed.ok);
  assert.match(parsed.warnings.map(formatProblem).join(), /SLU1923 services\.shop\.versions\.v2\.tls\.insecure/);
});

test('identity and scheme are conditions that no header can meet', () => {
  const text = SOUND.replace(/routes:[^]*/, '');
  const config = configOf(`${text}
routes:
  - name: r
    matches: [{clientIdentity: {value: web}, scheme: https}]
    sticky: {clientIdentity: true}
    backendRefs: [{name: shop, version: v1}]`);
  const [route] = config.routes;
  assert.deepEqual(route?.matches[0]?.headers, [
    { name: ':client-identity', type: 'Exact', value: 'web' },
    { name: ':scheme', type: 'Exact', value: 'https' },
  ]);
  assert.equal(route.sticky?.header, ':client-identity');
});

test('a version speaks the PROXY protocol as it says itself, else as its service does; without it nothing is kept of it', () => {
  const { services, listen } = configOf(`
listen: {host: 127.0.0.1, port: 80, proxyProtocol: off}
services:
  shop:
    proxyProtocol: v2
    versions: {a: {endpoints: ["a:1"]}, b: {endpoints: ["b:1"], proxyProtocol: v1}, c: {endpoints: ["c:1"], proxyProtocol: off}}
routes: [{name: shop, backendRefs: [{name: shop, version: a}]}]
`);
  assert.deepEqual(
    services[0]?.versions.map(({ proxyProtocol }) => proxyProtocol),
    [2, 1, undefined],
  );
  assert.ok(!('proxyProtocol' in listen) && !('proxyProtocol' in (services[0]?.versions[2] ?? {})));
});
