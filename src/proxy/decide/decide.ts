/**
 * Decides where a request goes: route, filters that answer, user key, rate limits, groups, color, split. Hot path.
 *
 * Synchronous from first to last, so no configuration change can slip between two of its steps. Each step fills its own
 * field of the exchange; a step that cannot go on says why in `x.detail` and returns the reason.
 */

import type { Random } from '../../lib/random.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import { isPreflight } from '../filter/cors.ts';
import { tellGroups } from '../filter/experiments.ts';
import { answerByFilter } from '../filter/filters.ts';
import { readKey } from '../forward/retry/idempotency/keyed.ts';
import { isHttps } from '../header/forwarded.ts';
import { isLooping } from '../header/via.ts';
import { FIELD } from '../http1/fields/names.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { SecurePeer } from '../wire/tls/peer.ts';
import { rankOfWord } from './admission/priority.ts';
import { pinByToken, tellUser } from './color/bearer.ts';
import { pinnedBy, siftColor } from './color/color.ts';
import { countDownstream } from './color/downstream.ts';
import { isTooMany, uncount } from './rate/limits.ts';
import { readingsOf } from './readings.ts';
import type { Rule } from './rules.ts';
import { chooseSplit, noteWeight } from './splitter.ts';
import { userKeyOf } from './user-key.ts';

/**
 * In place of a reason: the request's token is being verified. Nothing was decided or counted; the request is to be
 * decided anew, from its bytes, when `Tokens.whenKnown` says so (docs/adr/0022-jose.md).
 */
export const AWAITS_TOKEN = -1;
export type Course = Reason | typeof AWAITS_TOKEN;

/** Who sent the request, as far as decisions need it. */
export interface Peer {
  readonly address: string;
  /** Its own port. */
  readonly sourcePort: number;
  /** The port that it came to: the gateway's own, or the balancer's that says so in a PROXY header. */
  readonly port: number;
  /** The address that it came to, where somebody is told of it (`Listener.asksLocal`); else empty. */
  readonly local: string;
  /** One of `trustedProxies`. */
  readonly isTrusted: boolean;
  /** Whether an address is one of `trustedProxies`. */
  readonly trusts: (address: string) => boolean;
  /** Hash of address and port: the user key where none is configured. */
  readonly key: number;
  /** Null: the connection is plain. */
  readonly secure: SecurePeer | null;
}

/**
 * Fills `route`, `prefixLength`, `userKey`, `priority`, `split` and `isPinned`; where a filter answers by itself, `answer` instead of
 * the last four. Cost: O(path segments + versions), at most the strings it looks at.
 */
export function decide(x: Exchange, head: RequestHead, peer: Peer, random: Random): Course {
  if (!peer.isTrusted) for (const id of x.table.hiddenFields) head.fields.forget(id);
  const { secure } = peer;
  if (secure !== null) {
    if (!secure.serves(head.host)) return because(x, REASON.misdirected, 'the host has another certificate');
    tellIdentity(x, secure, head);
  }
  if (x.table.schemeField !== FIELD.unknown) tellScheme(x, head, peer);
  siftColor(x, head, peer.isTrusted);
  if (isLooping(head.fields)) return because(x, REASON.loopDetected, 'the request passed this gateway too often');
  const rule = ruleOf(x, head, head.path);
  if (rule === null) return because(x, REASON.noRoute, 'no route matches this host, path and method');
  if (head.isAmbiguous && !isAgreed(x, head, rule)) {
    return because(x, REASON.badRequest, 'the path can be read as that of another route');
  }
  const { route, prefixLength } = rule;
  x.route = route;
  if (route.filters !== null) {
    x.prefixLength = prefixLength;
    const reason = answerByFilter(x, route.filters, head, peer);
    if (reason !== REASON.none || x.answer !== null) return reason;
  }
  const course = choose(x, head, peer, random);
  return course === REASON.none && route.idempotency !== null ? readKey(x, head, peer) : course;
}

/**
 * User key, priority, rate limits, groups, color, split. Limits come before the token: they cost far less than its signature. They count
 * what is decided, so a request that awaits its token is taken back. Who is shed for the gateway's own sake is before all
 * that costs something, but for the token that tells users apart: it is looked at first, so that a request is asked about once.
 */
function choose(x: Exchange, head: RequestHead, peer: Peer, random: Random): Course {
  const route = x.route as NonNullable<Exchange['route']>;
  if (route.isKeyedByToken && !tellUser(x, head)) return AWAITS_TOKEN;
  const sticky = userKeyOf(route, head, peer);
  x.userKey = sticky === null ? peer.key : sticky;
  x.priority = route.priority;
  if (x.table.priorityField !== FIELD.unknown && peer.isTrusted) {
    x.priority = rankOfWord(head.fields.value(x.table.priorityField), route.priority);
  }
  const { shedder, recorder, dials } = x.client.lane;
  if (shedder.isOn && shedder.refuses(x.priority, x.userKey, x.startedAtMs)) {
    recorder.turnedAway(x.priority);
    return because(x, REASON.shed, 'the gateway is at its limits');
  }
  if (route.rates !== null && isTooMany(x, sticky, head, peer)) return REASON.rateLimited;
  if (route.filters !== null && route.filters.experiments !== null) {
    tellGroups(route.filters.experiments, head, peer, sticky);
  }
  x.split = pinnedBy(x, head, route);
  if (x.split === null && x.table.color.jwt !== null && !pinByToken(x, head, route)) {
    if (route.rates !== null) uncount(x, sticky, head, peer);
    return AWAITS_TOKEN;
  }
  x.isPinned = x.split !== null;
  if (x.client.lane.downstream.isOn(x.startedAtMs)) countDownstream(x, head);
  if (x.isPinned) {
    if (route.streams !== null || head.wantsUpgrade) noteWeight(x);
    return REASON.none;
  }
  x.split = chooseSplit(route.splits, dials, sticky === null ? random.nextUint32() : sticky);
  return x.split === null ? because(x, REASON.noEndpoint, 'every version has weight 0') : REASON.none;
}

/** What routing reads of the client's certificate stands where no header can. */
function tellIdentity(x: Exchange, secure: SecurePeer, { fields }: RequestHead): void {
  if (x.table.identityField !== FIELD.unknown && secure.identity !== '') {
    fields.replace(x.table.identityField, secure.identity);
  }
}

function tellScheme({ table }: Exchange, { fields }: RequestHead, peer: Peer): void {
  fields.replace(table.schemeField, isHttps(fields, peer) ? 'https' : 'http');
}

function because(x: Exchange, reason: Reason, detail: string): Reason {
  x.detail = detail;
  return reason;
}

/** Does every reading of an ambiguous path take the route of this one? */
function isAgreed(x: Exchange, head: RequestHead, rule: Rule): boolean {
  const readings = readingsOf(head.path);
  if (readings === null) return false;
  for (const path of readings) {
    if (ruleOf(x, head, path)?.route !== rule.route) return false;
  }
  return true;
}

/**
 * A preflight asks on behalf of another method: where the route for that method has a CORS filter and the one for OPTIONS
 * has none, or there is none, the former answers. A route that matches POST alone would never see its preflights otherwise.
 */
function ruleOf({ table }: Exchange, head: RequestHead, path: string): Rule | null {
  const rule = table.router.match(head, path, head.method);
  if (!table.hasCors || head.method !== 'OPTIONS' || !isPreflight(head.fields) || rule?.route.filters?.cors)
    return rule;
  const asked = table.router.match(head, path, head.fields.value(FIELD.accessControlRequestMethod) as string);
  return asked !== null && asked.route.filters?.cors ? asked : rule;
}
