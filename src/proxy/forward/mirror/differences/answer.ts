/**
 * An answer as it is compared: its status, its headers by name, its body by shape or as a whole. No value outlives the reading.
 *
 * Headers that may always differ are left out (`IGNORED`): what names a request or tells the time, what belongs to a connection or
 * to how a message is framed. Of `Set-Cookie` the names count, not the values. A body with a content coding that is known (gzip,
 * deflate, br, zstd) is decoded, up to `DECODED_BYTES_MAX`; one with several, another, or a broken one is compared as it came.
 * JSON (RFC 8259: UTF-8) of `application/json`, `text/json` and `…+json` is taken apart; what says so and is not, or has too much
 * in it, is compared as a whole like any other body: by length and hash.
 */

import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { hash32, hashLatin1 } from '../../../../lib/hash.ts';
import type { TakenAnswer } from '../../../../model/threads/requests/compared.ts';
import { ANY_NAME, nameOf } from './names.ts';
import { hasTooMuch } from './scan.ts';
import { type Shape, shapeOf } from './shape.ts';

/** Longest body after its content coding is undone. */
export const DECODED_BYTES_MAX = 1024 * 1024;

/** Headers that may differ, in lower case. */
export const IGNORED: ReadonlySet<string> = new Set([
  // When, and how long it took.
  ...['age', 'date', 'expires', 'last-modified', 'retry-after', 'server-timing'],
  ...['x-envoy-upstream-service-time', 'x-response-time', 'x-runtime'],
  // How much a client has asked for so far.
  ...['ratelimit', 'ratelimit-limit', 'ratelimit-policy', 'ratelimit-remaining', 'ratelimit-reset'],
  ...['x-ratelimit-limit', 'x-ratelimit-policy', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'x-ratelimit-used'],
  // Which instance.
  'x-served-by',
  // Which request.
  ...['cf-ray', 'request-id', 'traceparent', 'traceresponse', 'tracestate', 'x-amz-request-id', 'x-amzn-requestid'],
  ...['x-amzn-trace-id', 'x-b3-traceid', 'x-correlation-id', 'x-request-id', 'x-trace-id'],
  // The connection, and how the body is framed.
  ...[
    'connection',
    'content-length',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ],
]);

const JSON_TYPE = /^[ \t]*(?:(?:application|text)\/json|[\w.-]+\/[\w.-]+\+json)[ \t]*(?:;|$)/i;
const UTF8 = new TextDecoder('utf-8', { fatal: true });
const LIMITED = { maxOutputLength: DECODED_BYTES_MAX } as const;

/** By content coding. Source: RFC 9110 section 8.4.1; RFC 8878 section 7.2. */
const DECODERS: ReadonlyMap<string, (bytes: Uint8Array) => Uint8Array> = new Map([
  ['gzip', (bytes) => gunzipSync(bytes, LIMITED)],
  ['x-gzip', (bytes) => gunzipSync(bytes, LIMITED)],
  ['deflate', (bytes) => inflateSync(bytes, LIMITED)],
  ['br', (bytes) => brotliDecompressSync(bytes, LIMITED)],
  ['zstd', (bytes) => zstdDecompressSync(bytes, LIMITED)],
]);

/** A body as it is compared. */
export type Body =
  | { readonly form: 'empty' }
  | { readonly form: 'json'; readonly shape: Shape }
  | { readonly form: 'bytes'; readonly length: number; readonly hash: number };

/** An answer without its values. */
export interface ReadAnswer {
  readonly status: number;
  /** Hashes of the values, of all fields of a name together. */
  readonly headers: ReadonlyMap<string, number>;
  readonly body: Body;
}

/** Reads an answer. Never throws. Cost: O(head, body decoded). @param ignored headers besides `IGNORED`, in lower case */
export function readAnswer({ status, head, body }: TakenAnswer, ignored: ReadonlySet<string>): ReadAnswer {
  const fields = fieldsOf(head);
  const headers = new Map<string, number>();
  for (const [name, values] of fields) {
    if (IGNORED.has(name) || ignored.has(name)) continue;
    const told = name === 'set-cookie' ? values.map(cookieName).toSorted() : values;
    // Those whose names are data are one header.
    const shown = nameOf(name);
    const known = shown === ANY_NAME ? (headers.get(shown) ?? 0) : 0;
    headers.set(shown, (known ^ hash32(`${name}:${told.join('\n')}`)) >>> 0);
  }
  return { status, headers, body: readBody(body, fields) };
}

/** Values of each field by its name in lower case, in their order. The head has been found sound before. */
function fieldsOf(head: string): Map<string, string[]> {
  const fields = new Map<string, string[]>();
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const values = fields.get(name);
    const value = line.slice(colon + 1).trim();
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return fields;
}

function cookieName(value: string): string {
  return value.slice(0, value.search(/[=;]|$/)).trim();
}

function readBody(bytes: Uint8Array, fields: ReadonlyMap<string, readonly string[]>): Body {
  if (bytes.length === 0) return { form: 'empty' };
  const decoded = decode(bytes, fields.get('content-encoding')?.join(',') ?? '');
  const shape = JSON_TYPE.test(fields.get('content-type')?.[0] ?? '') ? jsonShape(decoded) : null;
  if (shape !== null) return { form: 'json', shape };
  return { form: 'bytes', length: decoded.length, hash: hashLatin1(decoded, 0, decoded.length) };
}

/** The bytes without their content coding; as they are where it cannot be undone. */
function decode(bytes: Uint8Array, coding: string): Uint8Array {
  const decoder = DECODERS.get(coding.trim().toLowerCase());
  if (decoder === undefined) return bytes;
  try {
    return decoder(bytes);
  } catch {
    return bytes;
  }
}

function jsonShape(bytes: Uint8Array): Shape | null {
  if (hasTooMuch(bytes)) return null;
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(bytes));
  } catch {
    return null;
  }
  return shapeOf(value);
}
