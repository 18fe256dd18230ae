/**
 * The rules by which a message of HTTP/2 becomes one of HTTP/1.1, and back. Pure.
 *
 * What is malformed is refused, never repaired: its text would be read differently by the next one. A request's fields in
 * the form of HTTP/1.1 go through the same strict parser as any other request, so that what gets past here is read again.
 * An extended CONNECT (RFC 8441) becomes the request of HTTP/1.1 for the same: a GET that asks for an upgrade.
 * Source: RFC 9113 sections 8.1 to 8.3, 8.5 and 10.3; RFC 8441 sections 4, 5; RFC 9110 sections 5.5, 5.6.2, 6.5.1.
 */

import type { TrailerLimits } from '../../model/threads/requests/trailers.ts';
import { fieldFault, isOfConnection, isValue, nameOf, valueOf } from '../header/http2.ts';

/** The text, or what is wrong with what it was to be made of. */
export type Translated = { readonly text: string; readonly fault: '' } | { readonly text: ''; readonly fault: string };

/** A response's head as HTTP/2 has it. */
export interface ResponseFields {
  readonly status: number;
  /** Names and values in turn, `:status` first; names in lower case. */
  readonly fields: string[];
  /** Whether it is framed in chunks, which end where no length says it. */
  readonly isChunked: boolean;
  /** As `Content-Length` says, or -1 without one. */
  readonly length: number;
}

const COLON = 58;
/** Of the empty line behind trailers, which counts as on HTTP/1.1. */
const LINE_END = '\r\n';
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PATH = /^[!-~]+$/;
const DIGITS = /^\d{1,16}$/;

/** Fields of requests that have no meaning in a response; an upstream's are dropped before. */
const NOT_IN_RESPONSES: ReadonlySet<string> = new Set(['te', 'http2-settings']);

/** What is between the first line of a request and its fields. */
interface Pseudo {
  method: string | null;
  scheme: string | null;
  authority: string | null;
  path: string | null;
  /** What an extended CONNECT is to become. */
  protocol: string | null;
}

/** What is gathered of a request's fields while they are read. */
interface Gathered {
  readonly pseudo: Pseudo;
  host: string | null;
  length: string | null;
  cookies: string;
  lines: string;
}

/**
 * The head of a request in the form of HTTP/1.1, with `Host` first.
 * @param fields names and values in turn, as they came.
 * @param hasBody whether the stream goes on after them.
 */
export function requestText(fields: readonly string[], hasBody: boolean): Translated {
  const pseudo: Pseudo = { method: null, scheme: null, authority: null, path: null, protocol: null };
  const gathered: Gathered = { pseudo, host: null, length: null, cookies: '', lines: '' };
  let isPast = false;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    const isPseudo = name.charCodeAt(0) === COLON;
    if (isPseudo && isPast) return malformed('a pseudo-header behind a field');
    isPast = !isPseudo;
    const fault = isPseudo ? takePseudo(pseudo, name, value) : takeField(gathered, name, value);
    if (fault !== '') return malformed(fault);
  }
  const fault = faultOf(gathered, hasBody);
  return fault === '' ? { text: textOf(gathered, hasBody), fault } : malformed(fault);
}

function malformed(fault: string): Translated {
  return { text: '', fault };
}

function takePseudo(pseudo: Pseudo, name: string, value: string): string {
  if (!isValue(value)) return `${name} has characters that it may not have`;
  let before: string | null;
  switch (name) {
    case ':method':
      before = pseudo.method;
      pseudo.method = value;
      break;
    case ':scheme':
      before = pseudo.scheme;
      pseudo.scheme = value;
      break;
    case ':authority':
      before = pseudo.authority;
      pseudo.authority = value;
      break;
    case ':path':
      before = pseudo.path;
      pseudo.path = value;
      break;
    case ':protocol':
      before = pseudo.protocol;
      pseudo.protocol = value;
      break;
    default:
      return 'an unknown pseudo-header';
  }
  return before === null ? '' : `${name} is there twice`;
}

function takeField(gathered: Gathered, name: string, value: string): string {
  const fault = fieldFault(name, value);
  if (fault !== '') return fault;
  switch (name) {
    case 'host':
      if (gathered.host !== null) return 'more than one host';
      gathered.host = value;
      return '';
    case 'content-length':
      if (gathered.length !== null || !DIGITS.test(value)) return 'an invalid content-length';
      gathered.length = value;
      return '';
    case 'cookie':
      // Crumbs for the sake of compression; everybody else knows one field (RFC 9113 section 8.2.3).
      gathered.cookies += gathered.cookies === '' ? value : `; ${value}`;
      return '';
    case 'te':
      if (value.toLowerCase() !== 'trailers') return 'te may say nothing but trailers';
      break;
    case 'sec-websocket-key':
      // Whoever opens a connection of HTTP/1.1 for the tunnel makes one of its own (RFC 8441 section 5).
      if (gathered.pseudo.protocol !== null) return '';
      break;
    default:
  }
  gathered.lines += `${name}: ${value}\r\n`;
  return '';
}

/** What is wrong with all of it together. */
function faultOf({ pseudo, host, length }: Gathered, hasBody: boolean): string {
  const { method, scheme, authority, path, protocol } = pseudo;
  if (method === null || !METHOD.test(method)) return ':method is missing or invalid';
  const isTunnel = protocol !== null;
  if (isTunnel && (method !== 'CONNECT' || !METHOD.test(protocol))) return ':protocol is invalid, or not of CONNECT';
  if (method === 'CONNECT' && !isTunnel) {
    // What it is answered with is the parser's to say.
    const isWhole = scheme === null && path === null && authority !== null;
    return isWhole ? '' : 'CONNECT names its authority, no scheme and no path';
  }
  if (isTunnel && length !== null) return 'content-length of a tunnel';
  if (scheme !== 'http' && scheme !== 'https') return ':scheme is missing or none of http and https';
  if (path === null || !PATH.test(path)) return ':path is missing or invalid';
  if (!path.startsWith('/') && path !== '*') return ':path is no path';
  if ((authority ?? host ?? '') === '') return 'neither :authority nor host';
  if (authority !== null && host !== null && authority.toLowerCase() !== host.toLowerCase()) {
    return ':authority and host differ';
  }
  return !hasBody && length !== null && Number(length) !== 0 ? 'content-length without a body' : '';
}

function textOf({ pseudo, host, length, cookies, lines }: Gathered, hasBody: boolean): string {
  const { path, authority, protocol } = pseudo;
  const method = protocol === null ? pseudo.method : 'GET';
  let text = `${method} ${path ?? '/'} HTTP/1.1\r\nhost: ${authority ?? host}\r\n${lines}`;
  if (cookies !== '') text += `cookie: ${cookies}\r\n`;
  if (protocol !== null) return `${text}connection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`;
  if (length !== null) text += `content-length: ${length}\r\n`;
  else if (hasBody) text += 'transfer-encoding: chunked\r\n';
  return `${text}\r\n`;
}

/** Trailer fields of a request, each with its CRLF. Which of them may go on: `http1/trailers.ts`. */
export function trailerText(
  fields: readonly string[],
  { trailerBytesMax, trailerCountMax }: TrailerLimits,
): Translated {
  let text = '';
  if (fields.length > 2 * trailerCountMax) return malformed('too many trailers');
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    const fault = name.startsWith(':') ? 'a pseudo-header behind the body' : fieldFault(name, value);
    if (fault !== '') return malformed(fault);
    text += `${name}: ${value}\r\n`;
    if (text.length + LINE_END.length > trailerBytesMax) return malformed('trailers too long');
  }
  return { text, fault: '' };
}

/** @param head of a response or an interim one, as the gateway writes it: with its empty line. */
export function responseFields(head: string): ResponseFields {
  const firstEnd = head.indexOf('\r\n');
  const status = head.slice(9, 12);
  const fields = [':status', status];
  let isChunked = false;
  let length = -1;
  for (let at = firstEnd + 2, end = head.indexOf('\r\n', at); end > at; end = head.indexOf('\r\n', at)) {
    const colon = head.indexOf(':', at);
    const name = nameOf(head, at, colon);
    const value = valueOf(head, colon + 1, end);
    at = end + 2;
    if (name === 'transfer-encoding') isChunked = true;
    else if (name === 'content-length') length = Number(value);
    if (!isOfConnection(name) && !NOT_IN_RESPONSES.has(name)) fields.push(name, value);
  }
  return { status: Number(status), fields, isChunked, length };
}

/** Trailer lines, each with its CRLF, as names and values in turn. */
export function trailerFields(lines: string): string[] {
  const fields: string[] = [];
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.push(nameOf(line, 0, colon), valueOf(line, colon + 1, line.length));
  }
  return fields;
}
