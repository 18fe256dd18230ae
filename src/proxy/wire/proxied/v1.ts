/**
 * Version 1 of the PROXY protocol: one line of text.
 *
 * `PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n`, `TCP6` with IPv6 addresses, or `PROXY UNKNOWN …\r\n`. Exactly that:
 * single spaces, decimal numbers without leading zeros, CR LF, at most 107 bytes.
 * Source: haproxy's proxy-protocol.txt, section 2.1.
 */

import { isIPv4, isIPv6 } from 'node:net';
import { canonicalAddress } from '../../../lib/text/address.ts';
import type { End, Progress } from './proxied.ts';

/** With both addresses of IPv6 and the longest text for `UNKNOWN`. */
const LINE_BYTES_MAX = 107;
/** `PROXY UNKNOWN` and CR LF: none is shorter. */
export const LINE_BYTES_MIN = 15;

const UNKNOWN = 'PROXY UNKNOWN';
/** Shortest source, destination and ports. */
const STARTS = [
  { start: 'PROXY TCP4 ', widths: [7, 7, 1, 1], isAddress: isIPv4 },
  { start: 'PROXY TCP6 ', widths: [2, 2, 1, 1], isAddress: isIPv6 },
] as const;
const FIELD = /^[0-9A-Fa-f:.]*$/;
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;
const PORT_MAX = 65_535;
const MALFORMED = 'an address or a port is malformed';

/** @param text all that was read; never more than `LINE_BYTES_MIN` and what it was said to lack since */
export function readV1(text: string): Progress {
  const progress = lineOf(text);
  const isTooLong = text.length + (typeof progress === 'number' ? progress : 0) > LINE_BYTES_MAX;
  return isTooLong ? 'the line is longer than 107 bytes' : progress;
}

function lineOf(text: string): Progress {
  if (text.length < LINE_BYTES_MIN) {
    const isBegun = STARTS.some(({ start }) => start.startsWith(text) || text.startsWith(start));
    return isBegun || UNKNOWN.startsWith(text) || text.startsWith(UNKNOWN)
      ? LINE_BYTES_MIN - text.length
      : 'the line does not begin as one of the PROXY protocol';
  }
  const kind = STARTS.find(({ start }) => text.startsWith(start));
  if (kind === undefined) return unknownOf(text);
  const end = endOf(text);
  if (typeof end === 'string') return end;
  const line = end === 0 ? text.slice(0, -2) : text.endsWith('\r') ? text.slice(0, -1) : text;
  const fields = line.slice(kind.start.length).split(' ');
  if (fields.length > kind.widths.length) return 'the line has more than two addresses and two ports';
  const isOpen = end === 2;
  const odd = fields.some((field, n) => !FIELD.test(field) || (field === '' && !(isOpen && n === fields.length - 1)));
  if (odd) return MALFORMED;
  if (isOpen) return lackOf(fields, kind.widths);
  const whole = wholeOf(fields, kind.isAddress);
  return whole !== null && end > 0 ? end : (whole ?? MALFORMED);
}

/** How many bytes the end of the line lacks, `2`, `1` or `0`; or what is wrong with it. */
function endOf(text: string): number | string {
  const at = text.search(/[\r\n]/);
  if (at < 0) return 2;
  if (text.endsWith('\r\n') && at === text.length - 2) return 0;
  return text.endsWith('\r') && at === text.length - 1 ? 1 : 'the line does not end in CR LF';
}

/** What stands behind `UNKNOWN` is of no account. */
function unknownOf(text: string): Progress {
  const isUnknown = text.startsWith(UNKNOWN) && (text[UNKNOWN.length] === ' ' || text[UNKNOWN.length] === '\r');
  if (!isUnknown) return 'the line is neither of TCP4, TCP6 nor UNKNOWN';
  const end = endOf(text);
  return end === 0 ? { version: 1, ends: null } : end;
}

/** Fewest bytes to the end of the line. */
function lackOf(fields: readonly string[], widths: readonly number[]): number {
  const last = fields.length - 1;
  const own = Math.max(0, (widths[last] as number) - (fields[last] as string).length);
  return widths.slice(fields.length).reduce((sum, width) => sum + 1 + width, own) + 2;
}

/** Null: some field is not what it should be. */
function wholeOf(fields: readonly string[], isAddress: (text: string) => boolean): Progress | null {
  const [from = '', to = '', fromPort = '', toPort = ''] = fields;
  if (!isAddress(from) || !isAddress(to)) return null;
  const source = endpointOf(from, fromPort);
  const destination = endpointOf(to, toPort);
  return source === null || destination === null ? null : { version: 1, ends: { source, destination } };
}

function endpointOf(text: string, portText: string): End | null {
  const address = canonicalAddress(text);
  const port = Number(portText);
  return address === null || !PORT.test(portText) || port > PORT_MAX ? null : { address, port };
}
