import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatSignature,
  isRevision,
  readSignature,
  SIGNATURE_CHARS_MAX,
  sign,
  verify,
} from '#src/sources/document/signature/signature.ts';

const KEY = { id: 'k1', secret: Buffer.from('0b'.repeat(32), 'hex') };
const OTHER = { id: 'k2', secret: Buffer.from('0c'.repeat(32), 'hex') };
const SIGNED = { subject: 'routes/shop', revision: 7, text: 'backendRefs: [{name: shop}] # ä\n' };

test('a signature is that which openssl makes of the documented message', () => {
  // printf 'sluice-config-v1\nroutes/shop\n7\nbackendRefs: [{name: shop}] # ä\n' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b0b…
  const signature = '7beae51649d41756b56a0f5132ebb42c7ff8ab28f75190932ad4648f3f45284c';
  assert.deepEqual(sign(KEY, SIGNED), { keyId: 'k1', revision: 7, signature });
});

test('it is good for its own text, name, revision and key, and for no other', () => {
  const signature = sign(KEY, SIGNED);
  const { subject, text } = SIGNED;
  assert.equal(verify([OTHER, KEY], signature, { subject, text }), 'good');
  assert.equal(
    verify([KEY], { ...signature, signature: signature.signature.toUpperCase() }, { subject, text }),
    'good',
  );
  assert.equal(verify([OTHER], signature, { subject, text }), 'unknown');
  assert.equal(verify([{ ...OTHER, id: 'k1' }], signature, { subject, text }), 'wrong');
  assert.equal(verify([KEY], { ...signature, revision: 8 }, { subject, text }), 'wrong');
  assert.equal(verify([KEY], signature, { subject, text: `${text} ` }), 'wrong');
  assert.equal(verify([KEY], signature, { subject: 'routes/shop2', text }), 'wrong');
  assert.equal(verify([KEY], { ...signature, signature: '0'.repeat(64) }, { subject, text }), 'wrong');
});

test('it is read as it was written', () => {
  const signature = sign(KEY, SIGNED);
  assert.deepEqual(readSignature(formatSignature(signature)), signature);
  assert.deepEqual(readSignature(JSON.stringify(signature, null, 2)), signature);
});

test('anything else is no signature', () => {
  const { keyId, revision, signature } = sign(KEY, SIGNED);
  for (const value of [
    null,
    [],
    { keyId, revision },
    { keyId: 1, revision, signature },
    { keyId, revision: 0, signature },
    { keyId, revision: 1.5, signature },
    { keyId, revision: '7', signature },
    { keyId, revision: 2 ** 53, signature },
    { keyId, revision, signature: signature.slice(2) },
    { keyId, revision, signature: `${signature.slice(1)}g` },
    { keyId, revision, signature, more: 1 },
  ]) {
    assert.equal(readSignature(JSON.stringify(value)), null, JSON.stringify(value));
  }
  assert.equal(readSignature('{'), null);
  assert.equal(readSignature(' '.repeat(SIGNATURE_CHARS_MAX) + formatSignature({ keyId, revision, signature })), null);
  assert.deepEqual([isRevision(1), isRevision(2 ** 53 - 1), isRevision(-1)], [true, true, false]);
});
