/**
 * One attempt at an endpoint: its choice, its accounts, its end. Hot path.
 *
 * Every `begin` is balanced by one `endAttempt`. An attempt that is given up is detached first: nothing that still happens
 * to its connection reaches the exchange.
 */

import { turnMs } from '../../lib/clock.ts';
import { type Effect, REASON, type Reason } from '../../model/reason.ts';
import type { LinkedSplit } from '../decide/table.ts';
import type { Exchange } from '../exchange.ts';
import type { Endpoint } from './endpoint.ts';

const NO_ENDPOINT = { reason: REASON.noEndpoint, detail: 'the version has no endpoints' };
const CIRCUIT_OPEN = {
  reason: REASON.circuitOpen,
  detail: 'the version has failed too often and is left alone for a while',
};

/** The endpoint of the next attempt, or null (`whyNone`). @param avoid taken only when there is no other. */
export function pick(x: Exchange, avoid: Endpoint | null, nowMs: number): Endpoint | null {
  const { breaker, targets } = x.split as LinkedSplit;
  if (breaker !== null && !breaker.admit(nowMs)) return null;
  return targets.pick(avoid, x.userKey, nowMs);
}

/** Why `pick` found no endpoint for an exchange. */
export function whyNone(x: Exchange): { readonly reason: Reason; readonly detail: string } {
  return x.split?.breaker?.state === 'closed' || x.split?.breaker === null ? NO_ENDPOINT : CIRCUIT_OPEN;
}

/** Begins an attempt. False when the endpoint's queue is full: then it is over already. */
export function begin(x: Exchange, endpoint: Endpoint): boolean {
  x.endpoint = endpoint;
  x.attempts++;
  x.attemptAtMs = turnMs();
  endpoint.inFlight++;
  x.client.lane.recorder.attemptBegin(endpoint.id);
  if (endpoint.pool.acquire(x)) return true;
  endAttempt(x, 'ignore');
  return false;
}

/** Nothing that happens to the attempt's connection reaches the exchange any more. */
export function detach(x: Exchange): void {
  const { upstream, opening } = x;
  x.upstream = null;
  x.opening = null;
  if (upstream !== null) upstream.destroy();
  else if (opening !== null) opening.turnTo(null);
  else x.endpoint?.pool.cancel(x);
}

/** A failure must not look like speed to the balancer; an idle connection that the upstream closed is not one. */
export function punish(x: Exchange, reason: Reason): void {
  if (!x.isAttempting || (reason === REASON.upstreamReset && x.isOnReused)) return;
  const now = turnMs();
  x.endpoint?.observeFailure(now - x.attemptAtMs, now);
}

/** What an attempt that is over, or was answered, says about its version. */
export function tellBreaker(x: Exchange, effect: Effect, nowMs: number): void {
  const breaker = x.split === null ? null : x.split.breaker;
  if (breaker !== null && effect !== 'ignore') breaker.observe(effect === 'bad', x.attemptAtMs, nowMs);
}

/** Balances `begin`. @param effect what the attempt says about its endpoint. */
export function endAttempt(x: Exchange, effect: Effect): void {
  x.upstream = null;
  x.opening = null;
  if (!x.isAttempting || x.endpoint === null) return;
  x.client.lane.recorder.attemptTook(x);
  tellBreaker(x, effect, turnMs());
  x.endAttempt();
  x.endpoint.inFlight--;
  x.client.lane.recorder.attemptEnd(x.endpoint.id, effect);
}
