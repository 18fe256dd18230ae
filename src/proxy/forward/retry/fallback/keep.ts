/**
 * Which answers may be kept for later, and to which requests they may be given.
 *
 * Kept: complete answers to GET with a status that says something lasting, of at most so many bytes, unless their
 * `Cache-Control` has `no-store`, `private` or `no-cache`, they have a `Set-Cookie` or `Vary: *`, or end with their
 * connection (nobody can tell whether they are whole). Not kept, and not given: to requests with `Authorization`, a body or
 * `no-store`. An answer to a request with a cookie, a client certificate, a user whom a trusted proxy names, or the route's
 * user key is kept only if it says that it is for everybody (`public`, `s-maxage`): applications that forget `private` are many.
 *
 * How long: the route's `maxAge`, less where the upstream says less. `stale-if-error` counts from the end of freshness;
 * `must-revalidate`, `proxy-revalidate` and `s-maxage` allow nothing beyond freshness.
 *
 * To whom: what was asked, as the upstream saw it and as the client sent it (target, host, scheme, port), of the same version on
 * the same route with the same filters, with the same values of what `Vary` names. So no color gets another's answer.
 * Bodies are held whole here, against principle 13: within `staleBytesMax` and `entryBytesMax`, beside the stream.
 * Source: RFC 9111 sections 3, 4.1, 4.2, 5.2; RFC 5861 section 4; RFC 9110 section 12.5.5.
 */

import { createHash } from 'node:crypto';
import { turnMs } from '../../../../lib/clock.ts';
import type { RouteSpec } from '../../../../model/snapshot.ts';
import type { StaleFallback } from '../../../../model/threads/answers/fallback.ts';
import type { LinkedSplit } from '../../../decide/table.ts';
import type { Exchange } from '../../../exchange.ts';
import { CORS_FIELDS } from '../../../filter/cors.ts';
import { applyHeaderFilter } from '../../../filter/header-filter.ts';
import { GATEWAY_NAME } from '../../../header/via.ts';
import { CHUNKED } from '../../../http1/framing.ts';
import type { ResponseHead } from '../../../http1/response-head.ts';
import { directivesOf, linesWithout, searchFor, secondsIn, valuesOf } from './fields.ts';
import type { KeptAnswer, Place, StaleCache } from './stale.ts';

/** Those of RFC 9110 section 15.1 that an answer in an emergency may have; no redirect that is said to be temporary. */
const KEPT_STATUSES: ReadonlySet<number> = new Set([200, 203, 300, 301, 308, 404, 410]);
/** Lines that are made anew when the answer is given. */
const MADE_ANEW: ReadonlySet<string> = new Set(['age', 'content-length', 'x-request-id']);
/** Fields that an answer varies by, at most. */
const VARY_MAX = 16;
/** What the `X-Forwarded-` fields of these names say is part of what was asked; the others but for a few say who asks. */
const PLACES = ['host', 'proto', 'port', 'prefix', 'scheme', 'ssl', 'path', 'uri'];
/** Fields that decide whether there is a key, and which. */
const ASKED = searchFor([
  'authorization',
  'cache-control',
  'host',
  'forwarded',
  ...PLACES.map((place) => `x-forwarded-${place}`),
]);
const NOBODY = [...PLACES, 'for', 'by', 'server', 'method'].join('|');
/** Fields that tell an upstream who asks: cookies, certificates, and users whom a trusted proxy names. */
const WHO = new RegExp(`\\r\\n(?:cookie|x-client-[^:]*|x-forwarded-(?!(?:${NOBODY}):)[^:]*):`, 'i');
const NOTHING = Buffer.alloc(0);
/** What a chunked body begins with. */
const FIRST_BYTES = 4096;

/** What of a route's answers is kept. */
export interface LinkedStale {
  /** Of the route and its filters. */
  readonly scope: string;
  /** Lower-case header of the user key, empty without one. */
  readonly userHeader: string;
  readonly maxAgeMs: number;
  readonly entryBytesMax: number;
}

/** Links a step. */
export function linkStale(
  { name, filters, sticky }: RouteSpec,
  { maxAgeMs, entryBytesMax }: StaleFallback,
): LinkedStale {
  const hash = createHash('sha256').update(JSON.stringify(filters)).digest('base64url').slice(0, 22);
  return { scope: `${name} ${hash}`, userHeader: sticky?.header ?? '', maxAgeMs, entryBytesMax };
}

/** The fields that an answer varies by. */
export class Vary {
  readonly #fields: RegExp | null;

  /** @param names in lower case, sorted. */
  constructor(names: readonly string[]) {
    this.#fields = names.length === 0 ? null : searchFor(names);
  }

  /** The key of an answer to a request: what was asked, and the fields of the request that it varies by, in their order. */
  keyWith(key: string, requestText: string): string {
    const search = this.#fields;
    if (search === null) return key;
    let whole = key;
    search.lastIndex = 0;
    for (let found = search.exec(requestText); found !== null; found = search.exec(requestText)) {
      // No value has a CR.
      whole += `\r${(found[1] as string).toLowerCase()}:${(found[2] as string).trim()}`;
    }
    return whole;
  }
}

/** An answer that is kept of the same request, or null. @param from the version whose answer it must be */
export function keptFor(
  x: Exchange,
  { stale, from }: { readonly stale: LinkedStale; readonly from: LinkedSplit },
  nowMs: number,
): KeptAnswer | null {
  const key = keyOf(x, stale, from);
  return key === '' ? null : x.client.lane.stale.find(key, x.requestText, nowMs, stale.maxAgeMs);
}

/** What was asked; empty for what nothing is kept for. Cost: one search through the head. */
function keyOf(x: Exchange, { scope }: LinkedStale, { service, version }: LinkedSplit): string {
  const head = x.requestText;
  if (head === '' || (x.method !== 'GET' && !x.isHead) || x.bodyLength !== 0) return '';
  const seen = head.slice(head.indexOf(' ') + 1, head.indexOf('\r'));
  let key = `${scope}\n${service}/${version}\n${x.target}\n${seen}`;
  ASKED.lastIndex = 0;
  for (let found = ASKED.exec(head); found !== null; found = ASKED.exec(head)) {
    const name = (found[1] as string).toLowerCase();
    const value = found[2] as string;
    if (name === 'authorization') return '';
    if (name !== 'cache-control') key += `\n${name}:${name === 'forwarded' ? aboutIn(value) : value.trim()}`;
    else if (directivesOf([value]).has('no-store')) return '';
  }
  return key;
}

/** Of `Forwarded` only what an answer may be about: whom it is for would be everybody's own. */
function aboutIn(forwarded: string): string {
  return forwarded.match(/\b(?:host|proto)=[^;,]*/gi)?.join(';') ?? '';
}

/**
 * Begins to keep an answer whose head is there; null if it may not be, need not be, or there is no room.
 * Cost: about 5 us where it need not be, 600-byte heads; else about 40 us and a copy of the body.
 */
export function keep(x: Exchange, head: ResponseHead): Keeping | null {
  const stale = x.route === null || x.route.fallback === null ? null : x.route.fallback.stale;
  if (stale === null || x.split === null || x.method !== 'GET' || !KEPT_STATUSES.has(head.status)) return null;
  // Another version's answer is not what the route is asked for.
  if (x.retrying !== null && x.retrying.fallen !== null) return null;
  const isChunked = head.bodyLength === CHUNKED;
  if (!isChunked && !(head.bodyLength <= stale.entryBytesMax)) return null;
  const key = keyOf(x, stale, x.split);
  const { lane } = x.client;
  const nowMs = turnMs();
  if (key === '' || lane.stale.isYoung(key, x.requestText, nowMs)) return null;
  const { text } = head.fields;
  const vary = varyOf(text);
  const usableMs = vary === null ? 0 : usableMsOf(text, stale.maxAgeMs, isPersonal(x, stale));
  if (vary === null || usableMs <= 0) return null;
  const ageMs = 1000 * secondsIn(valuesOf(text, 'age')[0], 0);
  const lines = linesOf(x, head);
  const answer = { status: head.status, lines, usableMs, cameAtMs: nowMs - ageMs };
  const keeping = new Keeping(lane.stale, { key, whole: vary.keyWith(key, x.requestText), vary }, answer);
  return keeping.begin(head.bodyLength, stale.entryBytesMax) ? keeping : null;
}

/** Null: by everything, or too much. */
function varyOf(text: string): Vary | null {
  const names = valuesOf(text, 'vary').join(',').toLowerCase().split(',');
  const named = [...new Set(names.map((name) => name.trim()))].filter((name) => name !== '').toSorted();
  return named.includes('*') || named.length > VARY_MAX ? null : new Vary(named);
}

function isPersonal({ requestText }: Exchange, { userHeader }: LinkedStale): boolean {
  if (WHO.test(requestText)) return true;
  return userHeader !== '' && valuesOf(requestText, userHeader).length > 0;
}

/** How old the answer may become, in ms; 0: it may not be kept. @param isPersonal it was asked for by somebody known */
export function usableMsOf(text: string, maxAgeMs: number, isPersonal: boolean): number {
  if (valuesOf(text, 'set-cookie').length > 0) return 0;
  const said = directivesOf(valuesOf(text, 'cache-control'));
  if (said.has('no-store') || said.has('private') || said.has('no-cache')) return 0;
  if (isPersonal && !said.has('public') && !said.has('s-maxage')) return 0;
  const freshMs = 1000 * freshnessS(text, said);
  if (said.has('must-revalidate') || said.has('proxy-revalidate') || said.has('s-maxage')) {
    return Math.min(maxAgeMs, freshMs);
  }
  const allowed = said.get('stale-if-error');
  return allowed === undefined ? maxAgeMs : Math.min(maxAgeMs, freshMs + 1000 * secondsIn(allowed, 0));
}

/** Source: RFC 9111 section 4.2.1, without heuristics. */
function freshnessS(text: string, said: ReadonlyMap<string, string>): number {
  const age = said.get('s-maxage') ?? said.get('max-age');
  if (age !== undefined) return secondsIn(age, 0);
  const seconds = (Date.parse(valuesOf(text, 'expires')[0] ?? '') - Date.parse(valuesOf(text, 'date')[0] ?? '')) / 1000;
  return seconds > 0 ? seconds : 0;
}

/** The first line and the fields that the client gets, what the route's filters make of them included. */
export function linesOf(x: Exchange, head: ResponseHead): string {
  const { fields } = head;
  const filters = x.route === null ? null : x.route.filters;
  if (filters !== null && filters.cors !== null) for (const id of CORS_FIELDS) fields.drop(id);
  const dated = valuesOf(fields.text, 'date').length > 0 ? '' : x.client.lane.date.at(turnMs());
  const own =
    filters === null || filters.responseHeaders === null
      ? dated
      : applyHeaderFilter(filters.responseHeaders, fields, dated);
  const kept = linesWithout(fields.kept() + own, MADE_ANEW);
  const reason = head.statusText.length === 3 ? `${head.statusText} ` : head.statusText;
  return `HTTP/1.1 ${reason}\r\n${kept}Via: ${head.version} ${GATEWAY_NAME}\r\n`;
}

/**
 * An answer that is being taken while it goes to its client. In one piece of memory of its own: pieces as small as they come, or
 * memory shared with others, would hold many times what is counted.
 */
export class Keeping {
  readonly #cache: StaleCache;
  readonly #place: Place;
  readonly #answer: Omit<KeptAnswer, 'body'>;
  /** Null: it is kept, or will not be. */
  #body: Buffer | null = NOTHING;
  #taken = 0;
  #claimed = 0;
  #left = 0;

  constructor(cache: StaleCache, place: Place, answer: Omit<KeptAnswer, 'body'>) {
    this.#cache = cache;
    this.#place = place;
    this.#answer = answer;
  }

  /** @param length of the body, or `CHUNKED`. False: there is no room, or somebody else takes the same. */
  begin(length: number, entryBytesMax: number): boolean {
    const { whole } = this.#place;
    this.#left = entryBytesMax - this.#answer.lines.length;
    const isTooLong = this.#left < Math.max(0, length);
    if (isTooLong || !this.#cache.begin(whole)) return false;
    // How long a chunked body will be is not known.
    const claim = this.#answer.lines.length + (length === CHUNKED ? this.#left : length);
    if (!this.#cache.claim(claim)) this.drop();
    else {
      this.#claimed = claim;
      if (length > 0) this.#body = Buffer.allocUnsafeSlow(length);
    }
    return this.#body !== null;
  }

  /** Copies body bytes. */
  take(bytes: Buffer, from: number, end: number): void {
    const count = end - from;
    if (this.#body === null || count === 0) return;
    this.#left -= count;
    if (this.#left < 0) {
      this.drop();
      return;
    }
    const length = this.#taken + count;
    if (length > this.#body.length) this.#body = resized(this.#body, Math.max(FIRST_BYTES, 2 * length));
    this.#taken += bytes.copy(this.#body, this.#taken, from, end);
  }

  /** The answer is complete. */
  put(): void {
    if (this.#body === null) return;
    const body = this.#taken === this.#body.length ? this.#body : resized(this.#body, this.#taken);
    const lines = `${this.#answer.lines}Content-Length: ${body.length}\r\n`;
    this.#cache.put(this.#place, { ...this.#answer, lines, body }, this.#claimed, turnMs());
    this.#body = null;
  }

  /** It does not come as a whole, or is too long. */
  drop(): void {
    if (this.#body === null) return;
    this.#body = null;
    this.#cache.drop(this.#place.whole, this.#claimed);
  }
}

/** A copy in memory of its own. */
function resized(body: Buffer, byteCount: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(byteCount);
  body.copy(bytes);
  return bytes;
}
