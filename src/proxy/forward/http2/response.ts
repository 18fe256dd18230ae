/**
 * A response that came as HTTP/2, in the form of an HTTP/1.1 head: so that it is checked as strictly as any, by the same parser,
 * and whatever edits, keeps or logs answers knows one form only. Pure.
 *
 * Refused is what could mean something else in the other form: names that are no lower-case tokens, values with control
 * characters, fields of HTTP/1.1 connections, pseudo-headers but `:status`.
 * Source: RFC 9113 sections 8.1, 8.2, 8.3.2.
 */

import { STATUS_CODES } from 'node:http';
import type { TrailerLimits } from '../../../model/threads/requests/trailers.ts';
import { fieldFault } from '../../header/http2.ts';

const COLON = 58;
/** Of the empty line behind them, which counts as on HTTP/1.1. */
const LINE_END = '\r\n';
const STATUS = /^[1-5][0-9]{2}$/;

/** Text, or why there is none. */
export type Translated = { readonly text: string } | { readonly text: null; readonly fault: string };

/** What of a response the fields do not say. */
export interface About {
  /** The stream ended with them. */
  readonly isEnd: boolean;
  /** The request's method was HEAD. */
  readonly isHead: boolean;
}

/**
 * The head as HTTP/1.1 has it. A body without a length is chunked there; one that is not to come has length 0, if one could.
 * @param raw names and values by turns, as they were received
 */
export function headText(raw: readonly string[], { isEnd, isHead }: About): Translated {
  let status = '';
  let lines = '';
  let hasLength = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    if (name.charCodeAt(0) === COLON) {
      if (name !== ':status' || status !== '' || lines !== '') return refused('an unexpected pseudo-header');
      status = value;
      continue;
    }
    const fault = fieldFault(name, value);
    if (fault !== '') return refused(fault);
    hasLength ||= name === 'content-length';
    lines += `${name}: ${value}\r\n`;
  }
  if (!STATUS.test(status)) return refused('no status, or a malformed one');
  const framing = hasLength || !mayHaveBody(Number(status), isHead) ? '' : framingLine(isEnd);
  return { text: `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}${framing}\r\n` };
}

/** Trailer lines, each with its CRLF. */
export function trailerText(raw: readonly string[], { trailerBytesMax, trailerCountMax }: TrailerLimits): Translated {
  let lines = '';
  if (raw.length > 2 * trailerCountMax) return refused('too many trailers');
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    const fault = name.startsWith(':') ? 'a pseudo-header in the trailers' : fieldFault(name, value);
    if (fault !== '') return refused(fault);
    lines += `${name}: ${value}\r\n`;
    if (lines.length + LINE_END.length > trailerBytesMax) return refused('trailers too long');
  }
  return { text: lines };
}

function mayHaveBody(status: number, isHead: boolean): boolean {
  return !isHead && status >= 200 && status !== 204 && status !== 304;
}

function framingLine(isEnd: boolean): string {
  return isEnd ? 'content-length: 0\r\n' : 'transfer-encoding: chunked\r\n';
}

function refused(fault: string): Translated {
  return { text: null, fault };
}
