/** Which certificate is for a host. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CertificateNames, NO_CERTIFICATE } from '#src/proxy/wire/tls/names.ts';

const NAMES = [['first.example'], ['*.shop.example', 'shop.example'], ['api.shop.example'], ['*.shop.example']];
const names = new CertificateNames(NAMES, 0);

describe('the certificate of a host', () => {
  it('is the one that names it, in any case and with a final dot too', () => {
    assert.equal(names.find('shop.example'), 1);
    assert.equal(names.find('SHOP.example.'), 1);
  });

  it('is an exact one before a wildcard, and the first of equal ones', () => {
    assert.equal(names.find('api.shop.example'), 2);
    assert.equal(names.find('www.shop.example'), 1);
  });

  it('is no wildcard’s for two labels, for none, and for its own name', () => {
    for (const host of ['a.b.shop.example', '.shop.example', '']) assert.equal(names.find(host), 0, host);
    assert.equal(new CertificateNames([['*.shop.example']], NO_CERTIFICATE).find('shop.example'), NO_CERTIFICATE);
  });

  it('is none for an unknown host where none is to be shown', () => {
    const strict = new CertificateNames(NAMES, NO_CERTIFICATE);
    for (const host of ['other.example', '__proto__', 'constructor'])
      assert.equal(strict.find(host), NO_CERTIFICATE, host);
  });
});
