/**
 * CRC-32C, which a header of the PROXY protocol may carry over itself.
 *
 * Source: RFC 9260 appendix A (the polynomial of Castagnoli, reflected: 0x82f63b78).
 */

const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
  return crc | 0;
});

/** Of all bytes, 0..2^32-1. Cost: O(bytes). */
export function crc32c(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 255] as number);
  return ~crc >>> 0;
}
