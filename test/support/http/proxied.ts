/**
 * Headers of the PROXY protocol as others write them, and a reader that is given them in packets.
 */

import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { PROXY_HEADER_RESULTS } from '#src/model/threads/proxied.ts';
import { crc32c } from '#src/proxy/wire/proxied/crc32c.ts';
import { HeaderParser } from '#src/proxy/wire/proxied/parser.ts';
import type { Proxied } from '#src/proxy/wire/proxied/proxied.ts';
import type { TestPlane } from '../plane.ts';

/** `PROXY TCP4 …` with its end. */
export const LINE = 'PROXY TCP4 203.0.113.9 198.51.100.7 40000 443\r\n';

export interface Header {
  /** Version and command; default 0x21, PROXY. */
  readonly command?: number;
  /** Family and transport; default 0x11, TCP over IPv4. */
  readonly family?: number;
  /** Addresses and ports; default those of `LINE`. */
  readonly addresses?: readonly number[];
  /** Type and value of each. */
  readonly fields?: readonly (readonly [type: number, value: readonly number[]])[];
  /** What the header says that its length is; default the truth. */
  readonly length?: number;
}

export const ADDRESSES_V4: readonly number[] = [203, 0, 113, 9, 198, 51, 100, 7, 0x9c, 0x40, 0x01, 0xbb];

/** A header of version 2. */
export function headerOf(header: Header = {}): Buffer {
  const { command = 0x21, family = 0x11, addresses = ADDRESSES_V4, fields = [] } = header;
  const values = fields.flatMap(([type, value]) => [type, value.length >>> 8, value.length & 255, ...value]);
  const length = header.length ?? addresses.length + values.length;
  const head = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, command, family];
  return Buffer.from([...head, length >>> 8, length & 255, ...addresses, ...values]);
}

/** The same with a checksum over itself as its last field. */
export function checkedHeaderOf(header: Header = {}): Buffer {
  const bytes = headerOf({ ...header, fields: [...(header.fields ?? []), [0x03, [0, 0, 0, 0]]] });
  bytes.writeUInt32BE(crc32c(bytes), bytes.length - 4);
  return bytes;
}

export interface Reading {
  readonly proxied: Proxied | null;
  readonly fault: string;
  /** It lacks more than there was. */
  readonly isOpen: boolean;
  /** What nobody has taken. */
  readonly rest: Buffer;
}

/** Reads as much of `bytes` as the parser asks for, cut into packets at `cuts`. */
export function readHeader(bytes: Buffer, cuts: readonly number[] = []): Reading {
  const parser = new HeaderParser();
  const ends = [...new Set([...cuts, bytes.length])].filter((cut) => cut > 0).toSorted((a, b) => a - b);
  let at = 0;
  for (const end of ends) {
    while (at < end && parser.lacks > 0) {
      const next = Math.min(end, at + parser.lacks);
      parser.take(bytes.subarray(at, next));
      at = next;
    }
  }
  const { proxied, fault } = parser;
  return { proxied, fault, isOpen: parser.lacks > 0, rest: bytes.subarray(at) };
}

/** What came of connections to a plane that reads headers, without what did not. */
export function headersOf({ count }: Pick<TestPlane, 'count'>): Record<string, number> {
  const counts = PROXY_HEADER_RESULTS.map((name, n) => [name, count(GATEWAY_CELL, CELL.proxyHeaders + n)] as const);
  return Object.fromEntries(counts.filter(([, number]) => number > 0));
}
