/**
 * The rate limits of a route: whom they count, and what a refused client is told. Hot path.
 *
 * A request has to be within every limit of its route; one that is refused counts for none.
 * Source: RFC 6585 section 4 (429); draft-ietf-httpapi-ratelimit-headers-10.
 */

import { hash32 } from '../../../lib/hash.ts';
import type { RateLimitConfig } from '../../../model/overload.ts';
import type { Exchange } from '../../exchange.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import type { Peer } from '../decide.ts';
import type { LinkedRoute } from '../table.ts';
import { clientAddress } from '../user-key.ts';
import { type Rate, rateOf } from './rates.ts';

/** A limit, linked. */
export interface LinkedRate extends Rate {
  readonly name: string;
  readonly by: RateLimitConfig['by'];
  /** `"per-user";q=100;w=60` */
  readonly policy: string;
  /** For people: what more there was of than allowed. */
  readonly allowed: string;
  /** What was told last: the next one that is refused is mostly told the same. */
  told: Told;
}

/** What a client is told that may come again in so many seconds. */
interface Told {
  readonly seconds: number;
  readonly detail: string;
  /** Header lines, each with its CRLF. */
  readonly lines: string;
}

const NOTHING_TOLD: Told = { seconds: 0, detail: '', lines: '' };

/** The limits of a route; null without any. A limit keeps its counts across snapshots while nothing of it changes. */
export function linkRates(route: string, limits: readonly RateLimitConfig[]): readonly LinkedRate[] | null {
  if (limits.length === 0) return null;
  return limits.map((limit) => {
    const { name, requests, perMs, by } = limit;
    const seconds = perMs / 1000;
    return {
      ...rateOf(rateSeed(route, limit), limit),
      name,
      by,
      policy: `"${name}";q=${requests};w=${seconds}`,
      allowed: `${requests} requests in ${seconds} s (${name})`,
      told: NOTHING_TOLD,
    };
  });
}

/** Hash of a limit, the same in every gateway that is configured so: the same key under two limits is two entries. */
export function rateSeed(route: string, { name, requests, perMs, burst, by, scope }: RateLimitConfig): number {
  return hash32(`${route}/${name}/${requests}/${perMs}/${burst}/${by}/${scope}`) | 0;
}

/**
 * Whether a limit of the route refuses the request; then the exchange has what the client is told.
 * @param user hash of the user key; null: the request has none, and its address stands for it
 */
export function isTooMany(x: Exchange, user: number | null, head: RequestHead, peer: Peer): boolean {
  const limits = (x.route as LinkedRoute).rates as readonly LinkedRate[];
  const { rates } = x.client.lane;
  const nowMs = x.startedAtMs;
  for (let n = 0; n < limits.length; n++) {
    const limit = limits[n] as LinkedRate;
    const earlyMs = rates.take(limit, keyOf(limit, user, head, peer), nowMs);
    if (earlyMs === 0) continue;
    for (let m = 0; m < n; m++) {
      const counted = limits[m] as LinkedRate;
      rates.giveBack(counted, keyOf(counted, user, head, peer), nowMs);
    }
    tell(x, limit, Math.max(1, Math.ceil(earlyMs / 1000)));
    return true;
  }
  return false;
}

/** Takes back what `isTooMany` counted of a request that it let through; with the same arguments. */
export function uncount(x: Exchange, user: number | null, head: RequestHead, peer: Peer): void {
  for (const limit of (x.route as LinkedRoute).rates as readonly LinkedRate[]) {
    x.client.lane.rates.giveBack(limit, keyOf(limit, user, head, peer), x.startedAtMs);
  }
}

function keyOf({ by }: LinkedRate, user: number | null, head: RequestHead, peer: Peer): number {
  if (by === 'route') return 0;
  return by === 'user' && user !== null ? user : networkKey(clientAddress(head, peer));
}

function tell(x: Exchange, limit: LinkedRate, seconds: number): void {
  if (limit.told.seconds !== seconds) limit.told = toldOf(limit, seconds);
  x.detail = limit.told.detail;
  x.answerLines += limit.told.lines;
}

function toldOf({ allowed, policy, name }: LinkedRate, seconds: number): Told {
  return {
    seconds,
    detail: `more than ${allowed}: try again in ${seconds} s`,
    lines: `Retry-After: ${seconds}\r\nRateLimit-Policy: ${policy}\r\nRateLimit: "${name}";r=0;t=${seconds}\r\n`,
  };
}

/**
 * Hash of the network that an address is counted as: of IPv4 the address, of IPv6 the /64, which is what one
 * subscriber has. Source: RFC 6177, RFC 4291 section 2.5.4.
 */
export function networkKey(address: string): number {
  if (!address.includes(':')) return hash32(address) | 0;
  const dotted = address.lastIndexOf(':') + 1;
  if (address.includes('.', dotted)) return hash32(address.slice(dotted)) | 0;
  const [before = '', after] = address.split('::', 2);
  const groups = before.split(':');
  if (after !== undefined) {
    const last = after.split(':');
    while (groups.length + last.length < 8) groups.push('');
    groups.push(...last);
  }
  const own = groups.slice(0, 4).map((group) => group.replace(/^0+/, '').toLowerCase());
  return hash32(own.join(':')) | 0;
}
