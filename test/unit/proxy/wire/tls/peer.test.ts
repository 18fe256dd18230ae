/** What a connection over TLS is known for. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CertificateNames, NO_CERTIFICATE } from '#src/proxy/wire/tls/names.ts';
import { SecurePeer, UNTOLD } from '#src/proxy/wire/tls/peer.ts';

const NAMES = [['a.example', '*.shared.example'], ['b.example']];

describe('a connection over TLS', () => {
  it('serves the hosts of the certificate that was shown, and requests for none', () => {
    const peer = new SecurePeer(new CertificateNames(NAMES, 0), 0, null, false);
    for (const host of ['a.example', 'x.shared.example', 'a.example', '', 'unknown.example'])
      assert.ok(peer.serves(host), host);
    assert.ok(!peer.serves('b.example'));
    assert.ok(peer.serves('a.example'));
    assert.ok(new SecurePeer(new CertificateNames(NAMES, 0), 1, null, false).serves(''), 'of any certificate');
    const known = new SecurePeer(new CertificateNames(NAMES, 0), 1, null, false);
    assert.ok(known.serves('b.example'));
    assert.ok(known.serves(''), 'behind a request for a host as well');
  });

  it('serves the first host that has a certificate, and those of the same, where nobody knows what was shown', () => {
    const peer = new SecurePeer(new CertificateNames(NAMES, NO_CERTIFICATE), UNTOLD, null, false);
    assert.deepEqual(
      ['', 'unknown.example', 'b.example', 'a.example', 'b.example'].map((host) => peer.serves(host)),
      [true, false, true, false, true],
    );
  });

  it('serves no unknown host where none has a certificate', () => {
    const peer = new SecurePeer(new CertificateNames(NAMES, NO_CERTIFICATE), 0, null, false);
    assert.ok(!peer.serves('unknown.example'));
  });

  it('has a line for the upstream only with a client’s certificate', () => {
    const names = new CertificateNames(NAMES, 0);
    assert.equal(new SecurePeer(names, 0, null, true).line, '');
    const known = new SecurePeer(names, 0, { name: 'web', field: 'Hash=00' }, true);
    assert.equal(known.line, 'X-Forwarded-Client-Cert: Hash=00\r\n');
    assert.equal(known.identity, 'web');
  });
});
