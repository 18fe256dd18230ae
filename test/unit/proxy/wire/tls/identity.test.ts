/** Who a client is by its certificate. */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { type ClientIdentity, identityOf } from '#src/proxy/wire/tls/identity.ts';
import { authorityOf, type Wanted } from '../../../../support/http/certificates.ts';

function identity(t: TestContext, wanted: Wanted): ClientIdentity {
  return identityOf(new X509Certificate(authorityOf(t).issue('client', wanted).pem.cert));
}

describe('the identity in a client’s certificate', () => {
  it('is its first URI, then its first DNS name, then its common name', (t) => {
    const names = 'DNS:web.example,URI:spiffe://example/web,URI:spiffe://example/other';
    assert.equal(identity(t, { names }).name, 'spiffe://example/web');
    assert.equal(identity(t, { names: 'DNS:web.example,DNS:other.example' }).name, 'web.example');
    assert.equal(identity(t, { names: '', subject: 'web server' }).name, 'web server');
  });

  it('is none where the names cannot stand in a field', (t) => {
    assert.equal(identity(t, { names: '', subject: 'wéb' }).name, '');
  });

  it('is no URI that stands anywhere but among the URIs', (t) => {
    const subject = 'spiffe://example/admin';
    assert.equal(identity(t, { names: '', subject }).name, '');
    assert.equal(identity(t, { names: 'DNS:spiffe://example/admin,DNS:web.example', subject }).name, 'web.example');
  });

  it('is told with hash, subject and names, quoted where needed', (t) => {
    const { field } = identity(t, { names: 'DNS:web.example,URI:spiffe://example/web', subject: 'a"b' });
    assert.match(field, /^Hash=[0-9a-f]{64};Subject="CN=a\\"b";URI=spiffe:\/\/example\/web;DNS=web\.example$/);
  });

  it('leaves out names that would end the field or add to it', (t) => {
    const { field } = identity(t, { names: 'URI:spiffe://x;By=evil,DNS:ok.example' });
    assert.match(field, /^Hash=[0-9a-f]{64};Subject="CN=test";DNS=ok\.example$/);
  });
});
