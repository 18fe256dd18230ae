/** What a certificate says of itself. */

import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { expiryOf, isFor, type Leaf, leafOf } from '#src/sources/follow/certificates/leaf.ts';
import { authorityOf, type Wanted } from '../../../../support/http/certificates.ts';

const DAY_MS = 86_400_000;

function leaf(t: TestContext, wanted: Wanted): Leaf {
  return leafOf(new X509Certificate(authorityOf(t).issue('leaf', wanted).pem.cert));
}

describe('a certificate', () => {
  it('is for its DNS names and addresses, in lower case', (t) => {
    const { names, digest, weakness } = leaf(t, { names: 'DNS:A.example,DNS:*.b.example,IP:127.0.0.1,URI:spiffe://x' });
    assert.deepEqual(names, ['a.example', '*.b.example', '127.0.0.1']);
    assert.match(digest, /^[0-9a-f]{64}$/);
    assert.equal(weakness, '');
  });

  it('is weak with a short key, or for no host', (t) => {
    assert.equal(leaf(t, { names: 'DNS:a.example', rsaBits: 1024 }).weakness, 'a key of 1024 bits');
    assert.equal(leaf(t, { names: 'DNS:a.example', rsaBits: 2048 }).weakness, '');
    assert.equal(leaf(t, { names: '' }).weakness, 'no name of a host');
  });

  it('is warned of three weeks before its end, after it, and before its beginning', () => {
    const times = { notBeforeMs: 0, notAfterMs: 100 * DAY_MS };
    assert.equal(expiryOf(times, 79 * DAY_MS), '');
    assert.equal(expiryOf(times, 79 * DAY_MS + 1), 'one that expires in 20 days');
    assert.equal(expiryOf(times, 100 * DAY_MS), 'one that expired on 1970-04-11');
    assert.equal(expiryOf(times, -1), 'one that is not valid before 1970-01-01');
  });

  it('with a wildcard is for one label, and for the same wildcard', () => {
    const names = ['*.b.example', 'a.example'];
    for (const host of ['a.example', 'x.b.example', '*.b.example']) assert.ok(isFor(names, host), host);
    for (const host of ['b.example', 'x.y.b.example', 'x.a.example', '*.example', 'example'])
      assert.ok(!isFor(names, host), host);
  });
});
