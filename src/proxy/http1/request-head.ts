/**
 * Strict parser of HTTP/1.1 request heads. Hot path.
 *
 * One pass over the bytes checks and cuts; a second, over the few fields that matter, decides framing and persistence.
 * Anything two parsers could read differently is refused with the most precise reason. One instance per worker: what
 * outlives the parse is copied into the exchange.
 * Source: RFC 9112 sections 2, 3, 6, 9.3; RFC 9110 sections 7.2, 7.6.1, 9, 10.1.1.
 */

import { latin1Of } from '../../lib/latin1.ts';
import type { HttpConfig, Limits } from '../../model/config.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import { CR, LF, SP, TARGET, TOKEN_FOLD } from './chars.ts';
import { type FieldPolicy, FieldTable } from './fields/field-table.ts';
import { type KnownLine, KnownLines } from './fields/known-lines.ts';
import { FIELD, type NameTable } from './fields/names.ts';
import { INCOMPLETE, TOO_MANY_FIELDS } from './fields/scanner.ts';
import { bodyLength, CHUNKED, CODING_UNSUPPORTED, connectionOptions, UNFRAMED } from './framing.ts';
import { hostOf, isAmbiguous, isStrict, normalizePath, splitAbsolute } from './target.ts';

const METHOD_BYTES_MAX = 32;
const VERSION = [72, 84, 84, 80, 47, 49, 46];
const PERCENT = 37;
const DOT = 46;
const SLASH = 47;
const QUERY = 63;
const BACKSLASH = 92;
const SEMICOLON = 59;

/** Hosts seen lately, so that the usual request makes no text of its authority, nor validates it again. Bounded. */
const HOSTS_MAX = 256;

/** An authority and the host that was made from it. */
interface KnownHost {
  readonly authority: string;
  readonly host: string;
}

/** How a parser reads and marks what it reads. */
export interface ParserOptions {
  /** Where the RFCs leave a choice; the careful one without it. */
  readonly choices?: HttpConfig;
  /** What becomes of a known field; it goes on without it. */
  readonly policyOf?: (id: number) => FieldPolicy;
}

/** Where nothing was chosen: the careful reading. */
const CAREFUL: HttpConfig = { absoluteForm: 'refuse', pathNormalization: 'normalize', serverTiming: false };

/** Outcome of `parse`: `consumed` > 0 = complete, 0 = more bytes needed, -1 = refused because of `reason`. */
export class RequestHead {
  readonly fields: FieldTable;
  reason: Reason = REASON.none;
  /** Why it was refused, for the error's detail. */
  detail = '';
  method = '';
  minor = 1;
  /** Path and query to forward; `*` for OPTIONS. */
  target = '';
  /** The request line can go on as it was read. */
  isVerbatim = false;
  /** Normalized path to match. */
  path = '';
  /** What is known of the request line, if it came lately. */
  line: KnownLine | null = null;
  /** Others may fold the path further than normalizing does: all readings must take one route (decide/readings.ts). */
  isAmbiguous = false;
  /** Lower-case host without port; empty when a 1.0 request names none. */
  host = '';
  /** Takes the place of the `Host` field upstream; empty = the field stands. */
  authority = '';
  /** Body bytes, or `CHUNKED`; 0 without a body. */
  bodyLength = 0;
  keepAlive = true;
  /** OPTIONS whose way ends here: `*`, or no forwards left. Source: RFC 9110 section 7.6.2. */
  isForUs = false;
  expectsContinue = false;
  /** `TE: trailers`: fields after the body are understood. */
  wantsTrailers = false;
  /** `Connection` names `upgrade`. Whether there is an `Upgrade`, and whether it counts: `upgrade/offer.ts`. */
  wantsUpgrade = false;
  readonly #lines = new KnownLines();
  readonly #limits: Limits;
  readonly #protectedNames: ReadonlySet<string>;
  readonly #choices: HttpConfig;
  /** By the authority's hash; of two with the same hash the later one is known. */
  readonly #hosts = new Map<number, KnownHost>();
  /** The `Host` that `host` was made from. */
  #lastAuthority: string | null = null;

  /** The authority that was asked for, as it came; null when a 1.0 request names none. */
  get asked(): string | null {
    return this.authority === '' ? this.#lastAuthority : this.authority;
  }

  /** @param protectedNames configured names that a `Connection` header may not nominate. */
  constructor(names: NameTable, limits: Limits, protectedNames: ReadonlySet<string>, options: ParserOptions = {}) {
    this.fields = new FieldTable('request', names, limits.headerCountMax, options.policyOf);
    this.#limits = limits;
    this.#protectedNames = protectedNames;
    this.#choices = options.choices ?? CAREFUL;
  }

  /**
   * Parses one head from `bytes[from..end)`.
   * @returns the offset after the head; 0 when incomplete; -1 when refused (`reason`, `detail`).
   * Cost: O(head), one string for the target and its path, unless its line came lately; the usual request allocates nothing else.
   */
  parse(bytes: Buffer, from: number, end: number): number {
    this.reason = REASON.none;
    let start = from;
    if (bytes[start] === CR) {
      if (start + 1 >= end) return 0;
      if (bytes[start + 1] !== LF) return this.#refuse(REASON.badRequest, 'bare CR before the request line');
      start += 2;
    }
    const known = this.#lines.find(bytes, start, end);
    const lineEnd = known === null ? this.#scanLine(bytes, start, end) : start + known.length + 2;
    if (lineEnd <= 0) return lineEnd < 0 ? -1 : this.#incomplete(end - start, false);
    const headEnd = this.fields.scan(bytes, start, lineEnd, end);
    if (headEnd <= 0) return this.#headFault(headEnd, end - start);
    if (headEnd - start > this.#limits.headBytesMax) return this.#refuse(REASON.headTooLarge, 'head too long');
    this.fields.hold(bytes, start, headEnd);
    if (known === null) this.method = methodOf(bytes, start, start + this.#methodEnd);
    if (!this.#understand(known)) return -1;
    if (known === null) this.#lines.keep(this, bytes[start + this.#methodEnd + 1] as number, lineEnd - start - 2);
    return headEnd;
  }

  /** Lets go of the rules that lines which came lately led to: they are of routes that may be gone. */
  forgetRules(): void {
    this.#lines.forgetRules();
  }

  #refuse(reason: Reason, detail: string): -1 {
    this.reason = reason;
    this.detail = detail;
    return -1;
  }

  #incomplete(length: number, hasLine: boolean): 0 | -1 {
    if (!hasLine && length > this.#limits.requestLineBytesMax) {
      return this.#refuse(REASON.targetTooLong, 'request line too long');
    }
    return length > this.#limits.headBytesMax ? this.#refuse(REASON.headTooLarge, 'head too long') : 0;
  }

  #headFault(fault: number, length: number): 0 | -1 {
    if (fault === INCOMPLETE) return this.#incomplete(length, true);
    if (fault === TOO_MANY_FIELDS) return this.#refuse(REASON.headTooLarge, 'too many header fields');
    return this.#refuse(REASON.badRequest, 'malformed header field');
  }

  // Offsets found by #scanLine, relative to the head's first byte.
  #methodEnd = 0;
  #targetEnd = 0;
  #queryStart = 0;
  #needsNormalizing = false;

  /** Scans `method SP target SP HTTP/1.x CRLF`; returns the offset after it, 0 or -1. */
  #scanLine(bytes: Buffer, start: number, end: number): number {
    let p = start;
    while (p < end && TOKEN_FOLD[bytes[p] as number] !== 0) p++;
    if (p >= end) return p - start > METHOD_BYTES_MAX ? this.#refuse(REASON.badRequest, 'method too long') : 0;
    if (bytes[p] !== SP || p === start || p - start > METHOD_BYTES_MAX) {
      return this.#refuse(REASON.badRequest, 'malformed method');
    }
    this.#methodEnd = p - start;
    p = this.#scanTarget(bytes, start, p + 1, end);
    if (p <= 0) return p;
    if (p - start > this.#limits.requestLineBytesMax)
      return this.#refuse(REASON.targetTooLong, 'request line too long');
    return this.#scanVersion(bytes, p + 1, end);
  }

  #scanTarget(bytes: Buffer, start: number, from: number, end: number): number {
    let p = from;
    let query = 0;
    let suspicious = false;
    for (; p < end; p++) {
      const kind = TARGET[bytes[p] as number];
      if (kind === 1) continue;
      if (kind === 0) break;
      if (query !== 0) continue;
      const byte = bytes[p];
      if (byte === QUERY) query = p - start;
      else if (byte === PERCENT || byte === BACKSLASH || byte === SEMICOLON) suspicious = true;
      else if (p > from && bytes[p - 1] === SLASH && (byte === DOT || byte === SLASH)) suspicious = true;
    }
    if (p >= end) return 0;
    if (bytes[p] !== SP || p === from) return this.#refuse(REASON.badRequest, 'malformed request target');
    this.#targetEnd = p - start;
    this.#queryStart = query === 0 ? p - start : query;
    this.#needsNormalizing = suspicious;
    return p;
  }

  #scanVersion(bytes: Buffer, from: number, end: number): number {
    for (let i = 0; i < VERSION.length; i++) {
      if (from + i >= end) return 0;
      if (bytes[from + i] !== VERSION[i]) return this.#badVersion(bytes, from, end);
    }
    const p = from + VERSION.length;
    if (p + 2 >= end) return p < end && bytes[p] !== 48 && bytes[p] !== 49 ? this.#badVersion(bytes, from, end) : 0;
    const minor = (bytes[p] as number) - 48;
    if (minor !== 0 && minor !== 1) return this.#badVersion(bytes, from, end);
    if (bytes[p + 1] !== CR || bytes[p + 2] !== LF) return this.#refuse(REASON.badRequest, 'malformed request line');
    this.minor = minor;
    return p + 3;
  }

  /** 505 for a well-formed version that is not ours, 400 for anything else. */
  #badVersion(bytes: Buffer, from: number, end: number): 0 | -1 {
    const text = bytes.toString('latin1', from, Math.min(end, from + 9));
    if (/^HTTP\/\d?\.?$/.test(text)) return 0;
    if (/^HTTP\/\d\.\d/.test(text)) return this.#refuse(REASON.versionUnsupported, 'unsupported HTTP version');
    return this.#refuse(REASON.badRequest, 'malformed HTTP version');
  }

  #understand(known: KnownLine | null): boolean {
    this.line = known;
    if (known !== null) this.#take(known);
    if (!this.#checkConnection() || !this.#checkHost()) return false;
    return (known !== null || this.#checkTarget()) && this.#checkBody();
  }

  #take(known: KnownLine): void {
    this.method = known.method;
    this.minor = known.minor;
    this.isForUs = false;
    this.target = known.target;
    this.path = known.path;
    this.isVerbatim = known.isVerbatim;
    this.isAmbiguous = known.isAmbiguous;
  }

  #fail(reason: Reason, detail: string): false {
    this.#refuse(reason, detail);
    return false;
  }

  #checkConnection(): boolean {
    const options = connectionOptions(this.fields);
    this.wantsUpgrade = options.upgrade;
    this.keepAlive = this.minor === 1 ? !options.close : options.keepAlive && !options.close;
    if (options.isExcessive) return this.#fail(REASON.badRequest, 'Connection is too long');
    // Read before what Connection names is forgotten, `TE` included.
    this.wantsTrailers = this.minor === 1 && this.fields.seen(FIELD.te) !== 0 && namesTrailers(this.fields);
    if (options.nominated.length === 0) return true;
    if (this.fields.dropNominated(options.nominated, this.#protectedNames)) return true;
    return this.#fail(REASON.badRequest, 'Connection nominates a field that must not be removed');
  }

  #checkHost(): boolean {
    this.authority = '';
    const seen = this.fields.seen(FIELD.host);
    if (seen > 1) return this.#fail(REASON.badRequest, 'more than one Host');
    if (seen === 0) {
      this.host = '';
      this.#lastAuthority = null;
      return this.minor === 0 || this.#fail(REASON.badRequest, 'Host is missing');
    }
    if (this.#lastAuthority !== null && this.fields.says(FIELD.host, this.#lastAuthority)) return true;
    const known = this.#knownHost();
    if (known === null) return this.#fail(REASON.badRequest, 'invalid Host');
    this.host = known.host;
    this.#lastAuthority = known.authority;
    return true;
  }

  /** What is known of the one `Host` that there is; null when it is invalid. Cost: O(length), allocates nothing if it was seen lately. */
  #knownHost(): KnownHost | null {
    const hash = this.fields.valueHash(FIELD.host);
    const known = this.#hosts.get(hash);
    if (known !== undefined && this.fields.says(FIELD.host, known.authority)) return known;
    const authority = this.fields.value(FIELD.host) as string;
    const host = hostOf(authority);
    if (host === null) return null;
    if (this.#hosts.size >= HOSTS_MAX) this.#hosts.clear();
    const seen = { authority, host };
    this.#hosts.set(hash, seen);
    return seen;
  }

  #checkTarget(): boolean {
    // PRI begins an HTTP/2 connection and is never a request (RFC 9113 section 11.6).
    if (this.method === 'CONNECT' || this.method === 'TRACE' || this.method === 'PRI') {
      return this.#fail(REASON.methodRefused, `${this.method} is refused`);
    }
    const start = this.#methodEnd + 1;
    this.isForUs = this.method === 'OPTIONS' && /^0+$/.test(this.fields.value(FIELD.maxForwards) ?? '');
    this.target = this.fields.slice(start, this.#targetEnd);
    this.isAmbiguous = false;
    this.isVerbatim = this.minor === 1;
    if (this.target.charCodeAt(0) === SLASH) {
      this.path = this.target.slice(0, this.#queryStart - start);
      return !this.#needsNormalizing || this.#normalize();
    }
    if (this.target === '*') {
      this.path = '*';
      this.isForUs = true;
      return this.method === 'OPTIONS' || this.#fail(REASON.badRequest, 'asterisk-form is for OPTIONS only');
    }
    return this.#absoluteForm();
  }

  #normalize(): boolean {
    const path = normalizePath(this.path);
    if (path === null) return this.#fail(REASON.badRequest, 'ambiguous path');
    if (this.#choices.pathNormalization === 'strict' && !isStrict(this.path, path)) {
      return this.#fail(REASON.badRequest, 'the path is not in its normal form');
    }
    this.isAmbiguous = isAmbiguous(path);
    if (path !== this.path) this.isVerbatim = false;
    this.target = path + this.target.slice(this.path.length);
    this.path = path;
    return true;
  }

  #absoluteForm(): boolean {
    const parts = splitAbsolute(this.target);
    if (parts === null) return this.#fail(REASON.badRequest, 'malformed request target');
    const authority = parts.authority.toLowerCase();
    const host = hostOf(authority);
    if (host === null) return this.#fail(REASON.badRequest, 'invalid authority in the target');
    if (authority !== this.fields.value(FIELD.host)?.toLowerCase()) {
      if (this.#choices.absoluteForm === 'refuse') {
        return this.#fail(REASON.badRequest, 'the target names another authority than Host');
      }
      // RFC 9112 section 3.2.2: the target's authority counts, and Host is made to agree with it.
      this.authority = authority;
      this.#lastAuthority = null;
      this.host = host;
    }
    this.isVerbatim = false;
    const query = parts.rest.indexOf('?');
    this.target = parts.rest;
    this.path = query < 0 ? parts.rest : parts.rest.slice(0, query);
    return this.#normalize();
  }

  #checkBody(): boolean {
    const length = bodyLength(this.fields, this.minor);
    if (length === CODING_UNSUPPORTED) return this.#fail(REASON.codingUnsupported, 'unsupported transfer coding');
    if (length < UNFRAMED) return this.#fail(REASON.badRequest, 'ambiguous or invalid body framing');
    this.bodyLength = length === UNFRAMED ? 0 : length;
    if (length !== CHUNKED && length > this.#limits.bodyBytesMax) {
      return this.#fail(REASON.bodyTooLarge, 'Content-Length exceeds the limit');
    }
    if (this.fields.seen(FIELD.expect) === 0) {
      this.expectsContinue = false;
      return true;
    }
    this.expectsContinue = this.fields.value(FIELD.expect)?.toLowerCase() === '100-continue';
    return this.expectsContinue || this.#fail(REASON.expectationFailed, 'unknown expectation');
  }
}

/** The method `bytes[from..end)`; the usual ones cost no string. */
function methodOf(bytes: Buffer, from: number, end: number): string {
  if (spells(bytes, from, end, 'GET')) return 'GET';
  return spells(bytes, from, end, 'POST') ? 'POST' : latin1Of(bytes, from, end);
}

function spells(bytes: Buffer, from: number, end: number, text: string): boolean {
  if (end - from !== text.length) return false;
  for (let at = 0; at < text.length; at++) if (bytes[from + at] !== text.charCodeAt(at)) return false;
  return true;
}

/** Source: RFC 9110 section 10.1.4. */
function namesTrailers(fields: FieldTable): boolean {
  return fields.values(FIELD.te).some((value) => /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(value));
}
