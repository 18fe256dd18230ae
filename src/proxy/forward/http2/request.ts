/**
 * The head of a request that goes upstream as HTTP/2: of the HTTP/1.1 text that every attempt starts from. Pure.
 *
 * Names in lower case; the first line and `Host` become pseudo-headers; what belongs to one HTTP/1.1 connection stays behind,
 * `TE: trailers` apart. All other fields go on as they are, in their order, duplicates included.
 * Source: RFC 9113 sections 8.2.1, 8.2.2, 8.3.1.
 */

import { timeoutText } from '../../header/grpc.ts';
import { nameOf, valueOf } from '../../header/http2.ts';

/** What HTTP/2 has no place for. `host` is `:authority`. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

const TAKES_TRAILERS = '\r\nTE: trailers\r\n';

/** Names and values by turns, pseudo-headers first. */
export type FieldList = string[];

/**
 * Translates a head.
 * @param head made by the gateway (`header/request.ts`): checked, each line with its CRLF, then an empty one
 * @param scheme as the endpoint is spoken to
 * Cost: O(head).
 */
export function fieldsOf(head: string, scheme: 'http' | 'https'): FieldList {
  const lineEnd = head.indexOf('\r\n');
  const methodEnd = head.indexOf(' ');
  const method = head.slice(0, methodEnd);
  const path = head.slice(methodEnd + 1, head.lastIndexOf(' ', lineEnd));
  const fields: FieldList = [':method', method, ':scheme', scheme, ':path', path];
  let host = '';
  for (let from = lineEnd + 2, end = head.indexOf('\r\n', from); end > from; end = head.indexOf('\r\n', from)) {
    const colon = head.indexOf(':', from);
    const name = nameOf(head, from, colon);
    if (name === 'host') host = valueOf(head, colon + 1, end);
    else if (!LEFT_OUT.has(name)) fields.push(name, valueOf(head, colon + 1, end));
    from = end + 2;
  }
  // HTTP/1.0 may ask for no host at all.
  if (host !== '') fields.splice(6, 0, ':authority', host);
  if (head.includes(TAKES_TRAILERS)) fields.push('te', 'trailers');
  return fields;
}

/** The first value of a field, or an empty text. @param fields names in lower case and values by turns */
export function valueIn(fields: readonly string[], name: string): string {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1] as string;
  return '';
}

/** Has `grpc-timeout`, where there is one, say what is left of the client's time. */
export function shortenTimeout(fields: FieldList, leftMs: number): void {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === 'grpc-timeout') fields[i + 1] = timeoutText(leftMs);
}

/** Trailer lines, each with its CRLF, as fields. */
export function trailersOf(lines: string): Record<string, string[]> {
  const fields: Record<string, string[]> = { __proto__: null } as unknown as Record<string, string[]>;
  for (const line of lines.split('\r\n')) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    const name = nameOf(line, 0, colon);
    const value = valueOf(line, colon + 1, line.length);
    if (fields[name] === undefined) fields[name] = [value];
    else fields[name].push(value);
  }
  return fields;
}
