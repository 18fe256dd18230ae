/**
 * Recognizes the header field names the gateway acts on, by hash and then byte by byte. Hot path.
 *
 * The table holds the fields that framing, forwarding and routing depend on plus those the configuration names (color,
 * sticky keys, match conditions). The scan itself finds the former; the latter, and names that may be either because `_` may
 * stand for `-`, are looked up here. A hash match is always verified, so a crafted collision is just an unknown name.
 */

import { TOKEN_FOLD, UNDERSCORE } from '../chars.ts';
import { FILTER_BYTES, HASH_SHIFT, hashOf, knowEverywhere } from './scanner.ts';

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
  tracestate: 30,
  b3: 31,
  xB3Traceid: 32,
  xB3Spanid: 33,
  xB3Parentspanid: 34,
  xB3Sampled: 35,
  xB3Flags: 36,
  origin: 37,
  accessControlRequestMethod: 38,
  accessControlRequestHeaders: 39,
  accessControlAllowOrigin: 40,
  accessControlAllowCredentials: 41,
  accessControlAllowMethods: 42,
  accessControlAllowHeaders: 43,
  accessControlExposeHeaders: 44,
  accessControlMaxAge: 45,
  date: 46,
  xEnvoyExpectedRqTimeoutMs: 47,
  xForwardedClientCert: 48,
  grpcTimeout: 49,
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
  'tracestate',
  'b3',
  'x-b3-traceid',
  'x-b3-spanid',
  'x-b3-parentspanid',
  'x-b3-sampled',
  'x-b3-flags',
  'origin',
  'access-control-request-method',
  'access-control-request-headers',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
  'date',
  'x-envoy-expected-rq-timeout-ms',
  'x-forwarded-client-cert',
  'grpc-timeout',
];

knowEverywhere(NAMES);

/** Field names by the hash that the scan makes of them. Ids are dense from 1; `size` is one more than the highest id. */
export class NameTable {
  readonly names: readonly string[];
  readonly size: number;
  /** For the scan: a bit for each value of sixteen bits of a hash, set where a name has them. */
  readonly filter = new Uint8Array(FILTER_BYTES);
  readonly #foldedNames: ReadonlySet<string>;
  readonly #mask: number;
  readonly #ids: Int32Array;
  readonly #hashes: Int32Array;
  /** Per id: the bytes of the name. */
  readonly #exact: Uint8Array[] = [new Uint8Array(0)];
  readonly #idsByName: ReadonlyMap<string, number>;

  /** @param configured lower-case names that routing looks at; duplicates and built-in names are fine. */
  constructor(configured: readonly string[]) {
    const builtIn = new Set(NAMES);
    const extra = [...new Set(configured)].filter((name) => !builtIn.has(name));
    this.names = [...NAMES, ...extra];
    this.#idsByName = new Map(this.names.map((name, id) => [name, id]));
    this.size = this.names.length;
    this.#foldedNames = new Set(this.names.slice(1).map((name) => name.replaceAll('_', '-')));
    // At most a quarter full, so that a lookup rarely probes twice.
    const slots = 2 ** Math.ceil(Math.log2(4 * this.size));
    this.#mask = slots - 1;
    this.#ids = new Int32Array(slots);
    this.#hashes = new Int32Array(slots);
    for (let id = 1; id < this.size; id++) this.#insert(id);
  }

  /** Id of a lower-case name, 0 when it is not in the table. Cost: O(1): tables of 10,000 routes ask for as many. */
  idOf(name: string): number {
    return this.#idsByName.get(name) ?? FIELD.unknown;
  }

  /** Is this, with `_` taken for `-` and in lower case, the name of a field that the gateway acts on? */
  knows(folded: string): boolean {
    return this.#foldedNames.has(folded);
  }

  /**
   * Looks up the name at `bytes[start..end)` whose hash is `hash` (`scanner.ts`).
   * @returns its id; `-id` when it equals that name only if `_` and `-` are taken for the same; 0 when unknown.
   */
  find(hash: number, bytes: Uint8Array, start: number, end: number): number {
    let slot = (hash >>> HASH_SHIFT) & this.#mask;
    let alias = 0;
    for (let id = this.#ids[slot] as number; id !== 0; id = this.#ids[slot] as number) {
      if (this.#hashes[slot] === hash) {
        const verdict = this.#compare(id, bytes, start, end);
        if (verdict > 0) return id;
        if (verdict < 0) alias = -id;
      }
      slot = (slot + 1) & this.#mask;
    }
    return alias;
  }

  /** 1 when the bytes are the name in any case, -1 when only `_` and `-` differ, 0 else. */
  #compare(id: number, bytes: Uint8Array, start: number, end: number): -1 | 0 | 1 {
    const exact = this.#exact[id] as Uint8Array;
    const length = exact.length;
    if (length !== end - start) return 0;
    let verdict: -1 | 1 = 1;
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i] as number;
      const wanted = exact[i] as number;
      if (byte === wanted) continue;
      if (TOKEN_FOLD[byte] !== TOKEN_FOLD[wanted]) return 0;
      if (byte === UNDERSCORE || wanted === UNDERSCORE) verdict = -1;
    }
    return verdict;
  }

  #insert(id: number): void {
    const raw = Buffer.from(this.names[id] as string, 'latin1');
    this.#exact[id] = raw;
    const hash = hashOf(raw);
    const bits = (hash >>> HASH_SHIFT) & 0xffff;
    this.filter[bits >>> 3] = (this.filter[bits >>> 3] as number) | (1 << (bits & 7));
    let slot = (hash >>> HASH_SHIFT) & this.#mask;
    while (this.#ids[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#ids[slot] = id;
    this.#hashes[slot] = hash;
  }
}
