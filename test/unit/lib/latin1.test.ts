import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bufferOf, latin1Of, putLatin1 } from '#src/lib/latin1.ts';

test('every byte is one character and comes back as the same byte', () => {
  const bytes = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i));
  const text = latin1Of(bytes, 0, 256);
  assert.equal(text, bytes.toString('latin1'));
  const copy = Buffer.alloc(258);
  assert.equal(putLatin1(copy, text, 1), 256);
  assert.deepEqual(copy.subarray(1, 257), bytes);
});

test('only the part that is asked for is read and written', () => {
  const bytes = Buffer.from('abcdef');
  assert.equal(latin1Of(bytes, 2, 4), 'cd');
  assert.equal(putLatin1(bytes, 'XY', 1), 2);
  assert.equal(bytes.toString(), 'aXYdef');
});

test('any bytes are a buffer without a copy', () => {
  const bytes = Uint8Array.from([1, 2, 3, 4]);
  const buffer = bufferOf(bytes.subarray(1, 3));
  assert.deepEqual(buffer, Buffer.from([2, 3]));
  buffer[0] = 9;
  assert.equal(bytes[1], 9);
  assert.equal(bufferOf(buffer), buffer);
});
