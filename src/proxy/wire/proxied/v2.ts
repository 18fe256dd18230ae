/**
 * Version 2 of the PROXY protocol: a signature, a command, addresses and fields of type, length and value.
 *
 * ```
 * 12 signature │ 1 version, command │ 1 family, transport │ 2 length │ addresses │ fields (TLV) …
 * ```
 * Fields are checked for their lengths and passed over; a checksum among them has to be right. Of LOCAL, which speaks for
 * nobody, only the length counts.
 * Source: haproxy's proxy-protocol.txt, section 2.2.
 */

import { canonicalAddress } from '../../../lib/text/address.ts';
import { PROXY_SIGNATURE } from '../../../model/threads/proxied.ts';
import { crc32c } from './crc32c.ts';
import type { End, Progress } from './proxied.ts';

export const SIGNATURE = Buffer.from(PROXY_SIGNATURE, 'latin1');
export const FIXED_BYTES = 16;
/** A header with a client's certificate in it has about 2 KiB. */
export const HEADER_BYTES_MAX = 4096;

const VERSION = 0x20;
const LOCAL = 0;
const PROXY = 1;
/** Of fields: a checksum over the whole header. */
const CRC32C = 0x03;
const FIELD_HEAD_BYTES = 3;

/** By family and transport: how long the addresses are; for 0 nobody is named. Datagrams never come in a stream. */
const FAMILIES: ReadonlyMap<number, { readonly bytes: number; readonly hostBytes: number }> = new Map([
  [0x00, { bytes: 0, hostBytes: 0 }],
  [0x11, { bytes: 12, hostBytes: 4 }],
  [0x21, { bytes: 36, hostBytes: 16 }],
  [0x31, { bytes: 216, hostBytes: 0 }],
]);

/** @param bytes all that was read; never more than was said to be lacking */
export function readV2(bytes: Buffer): Progress {
  const known = Math.min(bytes.length, SIGNATURE.length);
  if (SIGNATURE.some((byte, n) => n < known && bytes[n] !== byte)) return 'the signature is another one';
  if (bytes.length < FIXED_BYTES) return FIXED_BYTES - bytes.length;
  const command = (bytes[12] as number) - VERSION;
  if (command !== LOCAL && command !== PROXY) return 'the version or the command is unknown';
  const total = FIXED_BYTES + bytes.readUInt16BE(14);
  if (total > HEADER_BYTES_MAX) return `the header is longer than ${HEADER_BYTES_MAX} bytes`;
  if (bytes.length < total) return total - bytes.length;
  return command === LOCAL ? { version: 2, ends: null } : proxiedOf(bytes);
}

function proxiedOf(bytes: Buffer): Progress {
  const family = FAMILIES.get(bytes[13] as number);
  if (family === undefined) return 'the family of addresses, or the transport, is unknown';
  const fields = FIXED_BYTES + family.bytes;
  if (fields > bytes.length) return 'the header is shorter than its addresses';
  const fault = fieldsFault(bytes, fields);
  if (fault !== '') return fault;
  const { hostBytes } = family;
  if (hostBytes === 0) return { version: 2, ends: null };
  const ports = FIXED_BYTES + 2 * hostBytes;
  const source = endOf(bytes.subarray(FIXED_BYTES, FIXED_BYTES + hostBytes), bytes.readUInt16BE(ports));
  const destination = endOf(bytes.subarray(FIXED_BYTES + hostBytes, ports), bytes.readUInt16BE(ports + 2));
  return { version: 2, ends: { source, destination } };
}

/** What is wrong with the fields; empty when nothing is. */
function fieldsFault(bytes: Buffer, from: number): string {
  let at = from;
  while (at < bytes.length) {
    if (at + FIELD_HEAD_BYTES > bytes.length) return 'a field is cut off';
    const value = at + FIELD_HEAD_BYTES;
    const next = value + bytes.readUInt16BE(at + 1);
    if (next > bytes.length) return 'a field is longer than the header';
    if (bytes[at] === CRC32C && !isIntact(bytes, value, next)) return 'the checksum is wrong';
    at = next;
  }
  return '';
}

function isIntact(bytes: Buffer, from: number, end: number): boolean {
  if (end - from !== 4) return false;
  const zeroed = Buffer.from(bytes);
  zeroed.fill(0, from, end);
  return crc32c(zeroed) === bytes.readUInt32BE(from);
}

function endOf(host: Buffer, port: number): End {
  if (host.length === 4) return { address: host.join('.'), port };
  const groups = Array.from({ length: 8 }, (_, n) => host.readUInt16BE(2 * n).toString(16));
  return { address: canonicalAddress(groups.join(':')) as string, port };
}
