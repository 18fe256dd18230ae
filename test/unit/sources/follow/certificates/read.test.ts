/** The files that TLS is spoken with, as a whole or not at all. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ListenerTls, UpstreamTls } from '#src/model/threads/tls.ts';
import { readListener, readUpstream } from '#src/sources/follow/certificates/read.ts';
import { authorityOf } from '../../../../support/http/certificates.ts';
import { filesOf, LISTENER_TLS } from '../../../../support/http/secured.ts';

const UPSTREAM: UpstreamTls = {
  ca: null,
  serverName: null,
  cert: null,
  key: null,
  minVersion: 'TLSv1.2',
  isInsecure: false,
};

function faultsOf(tls: Partial<ListenerTls>): string[] {
  const { door, faults } = readListener({ ...LISTENER_TLS, ...tls });
  assert.equal(door === null, faults.length > 0);
  return faults.map(({ path, expected, got }) => `${path.join('.')}: ${expected}: ${got}`);
}

describe('the files of a listener', () => {
  it('are read with their names, in the order of the configuration', (t) => {
    const authority = authorityOf(t);
    const files = filesOf(
      authority.issue('a', { names: 'DNS:a.example' }),
      authority.issue('b', { names: 'DNS:b.example' }),
    );
    const { door, leaves } = readListener({ ...LISTENER_TLS, certificates: files });
    assert.deepEqual(
      door?.certificates.map(({ names }) => names.join()),
      ['a.example', 'b.example'],
    );
    assert.deepEqual(
      leaves.map((leaf) => leaf?.names.join()),
      ['a.example', 'b.example'],
    );
    assert.equal(door.clientAuth, null);
  });

  it('are refused as a whole when a key is another certificate’s', (t) => {
    const authority = authorityOf(t);
    const [a, b] = [authority.issue('a', { names: 'DNS:a.example' }), authority.issue('b', { names: 'DNS:b.example' })];
    const [fault = '', ...others] = faultsOf({
      certificates: [...filesOf(a), { cert: b.cert, key: a.key, ocsp: null }],
    });
    assert.equal(others.length, 0);
    assert.match(fault, /^certificates\.1\.key: the key of the certificate in .*b\.pem: .*a\.key: another key$/);
  });

  it('are refused for what they are when a key is the right one and too short for TLS', (t) => {
    const [weak] = filesOf(authorityOf(t).issue('weak', { names: 'DNS:a.example', rsaBits: 1024 }));
    const faults = faultsOf({ certificates: weak === undefined ? [] : [weak] });
    assert.match(
      faults.join(),
      /^certificates\.0\.cert: a certificate that OpenSSL lets TLS be spoken with: .*weak\.pem: RSA with 1024 bits, not usable \(ERR_SSL_EE_KEY_TOO_SMALL\)$/,
    );
  });

  it('are refused when one is missing, garbage or locked, and what stands in it is not repeated', (t) => {
    const authority = authorityOf(t);
    const { cert, key } = authority.issue('a', { names: 'DNS:a.example' });
    const secret = authority.write('secret', 'hunter2');
    const all = [
      { cert: `${cert}x`, key, ocsp: null },
      { cert: secret, key, ocsp: null },
      { cert, key: secret, ocsp: null },
      { cert, key, ocsp: secret },
    ].flatMap((files) => faultsOf({ certificates: [files] }));
    assert.equal(all.length, 4);
    assert.match(all[0] ?? '', /ENOENT/);
    assert.match(all[3] ?? '', /ocsp.*no OCSP response in DER/);
    assert.doesNotMatch(all.join(), /hunter2/);
  });
});

describe('an OCSP response', () => {
  it('is read with its times when it is for the certificate and says good', (t) => {
    const authority = authorityOf(t);
    const issued = authority.issue('a', { names: 'DNS:a.example' });
    const times = { thisUpdateMs: 1_700_000_000_000, nextUpdateMs: 1_700_000_001_000 };
    const response = authority.respond(issued, times);
    const files = { ...issued, ocsp: authority.write('a.ocsp', response) };
    const { door, staples } = readListener({ ...LISTENER_TLS, certificates: [files] });
    assert.deepEqual(staples, [times]);
    assert.deepEqual(Buffer.from(door?.certificates[0]?.ocsp ?? []), response);
  });

  it('is refused by file and reason when it is junk, another certificate’s or of a revoked one', (t) => {
    const authority = authorityOf(t);
    const [a, b] = [authority.issue('a', { names: 'DNS:a.example' }), authority.issue('b', { names: 'DNS:b.example' })];
    const faults = [
      Buffer.from('300a0a010000000000000000', 'hex'),
      authority.respond(b),
      authority.respond(a, { revokedAtMs: Date.parse('2026-03-01T00:00:00Z') }),
    ].flatMap((response) => faultsOf({ certificates: [{ ...a, ocsp: authority.write('a.ocsp', response) }] }));
    const place = /^certificates\.0\.ocsp: a good OCSP response \(DER\) for .*a\.pem: .*a\.ocsp: /;
    for (const fault of faults) assert.match(fault, place);
    const reasons = faults.map((fault) => fault.replace(place, '').replace(/[0-9A-F]{32}/, 'SERIAL'));
    assert.deepEqual(reasons, [
      'no OCSP response in DER',
      'a response that is not for the certificate, whose serial number is SERIAL',
      'a response that says the certificate was revoked at 2026-03-01T00:00:00.000Z',
    ]);
  });
});

describe('the files towards endpoints', () => {
  it('are what is believed and what is shown', (t) => {
    const authority = authorityOf(t);
    const own = authority.issue('own', { names: 'DNS:gateway.example' });
    const { material, faults } = readUpstream({ ...UPSTREAM, ca: authority.ca, cert: own.cert, key: own.key });
    assert.deepEqual(faults, []);
    assert.equal(material?.cert, own.pem.cert);
    assert.match(material.ca ?? '', /BEGIN CERTIFICATE/);
  });

  it('are none with an issuer’s file that is missing: the system’s are not taken instead', () => {
    const { material, faults } = readUpstream({ ...UPSTREAM, ca: '/none.pem' });
    assert.equal(material, null);
    assert.equal(faults[0]?.path.join(), 'ca');
  });
});
