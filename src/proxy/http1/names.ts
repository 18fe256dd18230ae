/**
 * Recognizes the header field names the gateway acts on, by hash and then byte by byte. Hot path.
 *
 * The table holds the fields that framing, forwarding and routing depend on plus those the configuration names (color,
 * sticky keys, match conditions). A hash match is always verified, so a crafted collision is just an unknown name.
 */

import { HYPHEN, TOKEN_FOLD, UNDERSCORE } from './chars.ts';

/** Ids of the fields every connection acts on; configured names follow. */
export const FIELD = {
  unknown: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  keepAlive: 5,
  proxyConnection: 6,
  te: 7,
  upgrade: 8,
  proxyAuthenticate: 9,
  proxyAuthorization: 10,
  expect: 11,
  forwarded: 12,
  xForwardedFor: 13,
  xForwardedProto: 14,
  xForwardedHost: 15,
  xForwardedPort: 16,
  xRealIp: 17,
  xRequestId: 18,
  traceparent: 19,
  via: 20,
  cookie: 21,
  authorization: 22,
  accept: 23,
  trailer: 24,
  http2Settings: 25,
  maxForwards: 26,
  trueClientIp: 27,
  xOriginalUrl: 28,
  xRewriteUrl: 29,
} as const;

const NAMES: readonly string[] = [
  '',
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-real-ip',
  'x-request-id',
  'traceparent',
  'via',
  'cookie',
  'authorization',
  'accept',
  'trailer',
  'http2-settings',
  'max-forwards',
  'true-client-ip',
  'x-original-url',
  'x-rewrite-url',
];

/** One step of the rolling hash over folded name bytes (`TOKEN_FOLD`); start from 0. */
export function hashStep(hash: number, foldedByte: number): number {
  return (Math.imul(hash, 31) + foldedByte) | 0;
}

/** Field names by rolling hash. Ids are dense from 1; `size` is one more than the highest id. */
export class NameTable {
  readonly names: readonly string[];
  readonly size: number;
  readonly #mask: number;
  readonly #ids: Int32Array;
  readonly #hashes: Int32Array;
  /** Per id: the folded name, and where `-` or `_` stand in it. */
  readonly #folded: Uint8Array[] = [new Uint8Array(0)];
  readonly #marks: Int32Array[] = [new Int32Array(0)];

  /** @param configured lower-case names that routing looks at; duplicates and built-in names are fine. */
  constructor(configured: readonly string[]) {
    const extra = [...new Set(configured)].filter((name) => !NAMES.includes(name));
    this.names = [...NAMES, ...extra];
    this.size = this.names.length;
    // At most a quarter full, so that a lookup rarely probes twice.
    const slots = 2 ** Math.ceil(Math.log2(4 * this.size));
    this.#mask = slots - 1;
    this.#ids = new Int32Array(slots);
    this.#hashes = new Int32Array(slots);
    for (let id = 1; id < this.size; id++) this.#insert(id);
  }

  /** Id of a lower-case name, 0 when it is not in the table. */
  idOf(name: string): number {
    return Math.max(0, this.names.indexOf(name, 1));
  }

  /**
   * Looks up the name at `bytes[start..end)` whose rolling hash is `hash`.
   * @returns its id; `-id` when it equals that name only if `_` and `-` are taken for the same; 0 when unknown.
   */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    let alias = 0;
    let slot = hash & this.#mask;
    for (let id = this.#ids[slot] as number; id !== 0; id = this.#ids[slot] as number) {
      if (this.#hashes[slot] === hash) {
        if (this.#equals(id, bytes, start, end)) {
          if (this.#marksEqual(id, bytes, start)) return id;
          alias = -id;
        }
      }
      slot = (slot + 1) & this.#mask;
    }
    return alias;
  }

  #equals(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const folded = this.#folded[id] as Uint8Array;
    const length = folded.length;
    if (length !== end - start) return false;
    for (let i = 0; i < length; i++) {
      if (TOKEN_FOLD[bytes[start + i] as number] !== folded[i]) return false;
    }
    return true;
  }

  /** Are hyphens hyphens and underscores underscores? */
  #marksEqual(id: number, bytes: Uint8Array, start: number): boolean {
    const name = this.names[id] as string;
    const marks = this.#marks[id] as Int32Array;
    for (let i = 0; i < marks.length; i++) {
      const at = marks[i] as number;
      if (bytes[start + at] !== name.charCodeAt(at)) return false;
    }
    return true;
  }

  #insert(id: number): void {
    const raw = Buffer.from(this.names[id] as string, 'latin1');
    const folded = raw.map((byte) => TOKEN_FOLD[byte] as number);
    this.#folded[id] = folded;
    this.#marks[id] = Int32Array.from(raw.keys()).filter((at) => raw[at] === HYPHEN || raw[at] === UNDERSCORE);
    let hash = 0;
    for (const byte of folded) hash = hashStep(hash, byte);
    let slot = hash & this.#mask;
    while (this.#ids[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#ids[slot] = id;
    this.#hashes[slot] = hash;
  }
}
