/** Headers of version 2: how much more of one is asked for. What is taken and refused is in parser.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADER_BYTES_MAX, readV2 } from '#src/proxy/wire/proxied/v2.ts';
import { headerOf } from '../../../../support/http/proxied.ts';

test('what a header lacks is its first 16 bytes, and then all that it says it has', () => {
  const header = headerOf({ fields: [[0x04, [1, 2, 3]]] });
  for (let length = 1; length < header.length; length++) {
    assert.equal(readV2(header.subarray(0, length)), (length < 16 ? 16 : header.length) - length);
  }
  assert.equal(typeof readV2(header), 'object');
});

test('one that would be too long, or of which nothing can come, is refused by its first 16 bytes', () => {
  for (const header of [
    headerOf({ length: HEADER_BYTES_MAX - 15 }),
    headerOf({ length: 65_535 }),
    headerOf({ command: 0x2f }),
  ]) {
    assert.equal(typeof readV2(header.subarray(0, 16)), 'string');
  }
});

test('LOCAL says nothing but how long it is', () => {
  const header = headerOf({ command: 0x20, family: 0x99, addresses: [1, 2, 3, 4, 5] });
  assert.equal(readV2(header.subarray(0, 20)), 1);
  assert.deepEqual(readV2(header), { version: 2, ends: null });
});
