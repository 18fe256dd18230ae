/** CRC-32C against the values of its specification. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '#src/proxy/wire/proxied/crc32c.ts';

test('the checksums of RFC 3720 appendix B.4 come out', () => {
  const rising = Uint8Array.from({ length: 32 }, (_, n) => n);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
  assert.equal(crc32c(rising), 0x46dd794e);
  assert.equal(crc32c(rising.toReversed()), 0x113fdb5c);
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
});
