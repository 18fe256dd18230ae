/**
 * Non-cryptographic 32-bit hashing of short keys. Hot path.
 *
 * FNV-1a over UTF-16 code units, finished with murmur3's fmix32: FNV alone is visibly uneven modulo small numbers
 * (docs/adr/0006-tallies-in-shared-memory.md). Not for untrusted keys of an unbounded map.
 * Source: Fowler, Noll, Vo (1991); Appleby, MurmurHash3 (2011).
 */

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Bijective mixing of 32 bits: every input bit reaches every output bit. Returns 0..2^32-1. */
export function mix32(value: number): number {
  let h = value | 0;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

/** Hash of the Latin-1 text `bytes[from..end)`, the same as of the string. Cost: O(length), allocates nothing. */
export function hashLatin1(bytes: Uint8Array, from: number, end: number): number {
  let h = FNV_OFFSET;
  for (let i = from; i < end; i++) h = Math.imul(h ^ (bytes[i] as number), FNV_PRIME);
  return mix32(h);
}

/** Hash of a string, 0..2^32-1. Cost: O(length), allocates nothing. */
export function hash32(text: string): number {
  let h = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), FNV_PRIME);
  return mix32(h);
}
