/**
 * Fields as HTTP/2 has them, for both sides of the gateway: which may be, and the gateway's own lines cut apart into them.
 *
 * A few names come again and again, as texts of their own each time. What was found out about one is kept (`NAMES_MAX`), so that
 * most are neither tested nor put in lower case twice. Around a value only spaces and tabs are white space: what `trim` takes
 * besides, the byte 0xa0, may be the last one of a letter in UTF-8.
 * Source: RFC 9110 sections 5.5, 5.6.3; RFC 9113 sections 8.2.1, 8.2.2.
 */

const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** No controls but a tab within, no white space at either end. */
const VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;

/** Fields that are about one connection of HTTP/1.1. */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Names of which something is kept, of each kind, and how long they may be: together less than 128 KiB. */
const NAMES_MAX = 512;
const NAME_BYTES_MAX = 64;
const TAB = 9;
const SPACE = 32;

const sound = new Set<string>();
const lower = new Map<string, string>();

/** Is this a field of a connection of HTTP/1.1, which HTTP/2 does not have? @param name in lower case */
export function isOfConnection(name: string): boolean {
  return CONNECTION_FIELDS.has(name);
}

/** What is wrong with a field of a head or a trailer, pseudo-headers apart; empty when nothing is. */
export function fieldFault(name: string, value: string): string {
  if (!sound.has(name)) {
    const fault = nameFault(name);
    if (fault !== '') return fault;
    if (isKept(name, sound.size)) sound.add(ownText(name));
  }
  return isValue(value) ? '' : 'a field value with characters that it may not have';
}

/** May a field have this value? */
export function isValue(value: string): boolean {
  return VALUE.test(value);
}

/** The name of the line `text[from..)` in lower case. @param colon what ends it */
export function nameOf(text: string, from: number, colon: number): string {
  const name = text.slice(from, colon);
  const known = lower.get(name);
  if (known !== undefined) return known;
  const lowered = ownText(name.toLowerCase());
  if (isKept(name, lower.size)) lower.set(ownText(name), lowered);
  return lowered;
}

/** The value in `text[from..end)`, without the white space around it. */
export function valueOf(text: string, from: number, end: number): string {
  let at = from;
  let last = end;
  while (at < last && isBlank(text.charCodeAt(at))) at++;
  while (last > at && isBlank(text.charCodeAt(last - 1))) last--;
  return text.slice(at, last);
}

function nameFault(name: string): string {
  if (!NAME.test(name)) return 'a field name with characters that it may not have';
  return CONNECTION_FIELDS.has(name) ? `${name} is no field of HTTP/2` : '';
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function isKept(name: string, have: number): boolean {
  return have < NAMES_MAX && name.length <= NAME_BYTES_MAX;
}

/** The same text on its own: a part of another one would keep all of that. */
export function ownText(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}
