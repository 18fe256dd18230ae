import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fingerprintOf } from '#src/export/alerts/fingerprint.ts';

test('the same key has the same fingerprint, another one another', () => {
  assert.equal(fingerprintOf('abc'), 'ba7816bf8f01cfea');
  assert.notEqual(fingerprintOf('abd'), fingerprintOf('abc'));
});
