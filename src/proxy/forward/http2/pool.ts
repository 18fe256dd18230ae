/**
 * The HTTP/2 connections to one endpoint from one worker: few, with many streams each.
 *
 * An exchange goes to the connection with the fewest streams that has a place for one more, else waits for one that is being
 * opened, else has one opened, else waits in a bounded queue in order of arrival, as on HTTP/1.1. How many streams a connection
 * has is the smaller of the endpoint's word and of ours. A connection that was asked whether it is alive gets no exchange until
 * it answered.
 */

import { turnMs } from '../../../lib/clock.ts';
import type { Limits } from '../../../model/config.ts';
import { CELL } from '../../../model/tallies.ts';
import type { Exchange } from '../../exchange.ts';
import type { Lane } from '../../lane.ts';
import { microsSince } from '../../record/recorder.ts';
import type { Endpoint } from '../endpoint.ts';
import { retryingOf } from '../retry/retry.ts';
import type { UpstreamEvents, UpstreamPool } from '../sides.ts';
import { type SessionEvents, UpstreamSession } from './session.ts';

export class Http2Pool implements UpstreamPool, SessionEvents {
  readonly #endpoint: Endpoint;
  readonly #lane: Lane;
  readonly #events: UpstreamEvents;
  readonly #sessions = new Set<UpstreamSession>();
  readonly #waiting: Exchange[] = [];
  #isRetired = false;
  #isFilling = false;

  constructor(endpoint: Endpoint, lane: Lane, events: UpstreamEvents) {
    this.#endpoint = endpoint;
    this.#lane = lane;
    this.#events = events;
  }

  get open(): number {
    return this.#sessions.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  acquire(x: Exchange): boolean {
    const { limits, timeouts } = x.table;
    if (this.#place(x)) return true;
    // A second arm that would have to wait cannot be faster.
    if (x.isShadow || this.#waiting.length >= limits.endpointPendingMax) return false;
    this.#waiting.push(x);
    x.client.waitAtMost(x, timeouts.pendingMs);
    return true;
  }

  cancel(one: unknown): boolean {
    const at = this.#waiting.indexOf(one as Exchange);
    const x = this.#waiting[at];
    if (x === undefined) return false;
    this.#waiting.splice(at, 1);
    this.#lane.recorder.took(x, CELL.queueMs, microsSince(x.attemptAtMs));
    return true;
  }

  /** Nothing is upgraded towards an endpoint that speaks HTTP/2. */
  admit(): boolean {
    return false;
  }

  leave(): void {}

  isCongested(limits: Limits): boolean {
    return this.#waiting.length > 0 && !this.#hasRoom(limits);
  }

  freed(session: UpstreamSession): void {
    this.#fill();
    if (this.#isRetired && session.size === 0) session.leave();
  }

  gone(session: UpstreamSession): void {
    this.#sessions.delete(session);
    this.#fill();
  }

  retire(): void {
    this.#isRetired = true;
    for (const session of [...this.#sessions]) session.leave();
  }

  revive(): void {
    this.#isRetired = false;
  }

  /** Finds a place for the exchange, in a connection that there is or in a new one; false when there is none. */
  #place(x: Exchange): boolean {
    const { limits, timeouts } = x.table;
    const session = this.#leastBusy(limits);
    if (session !== null && !session.isConnecting) {
      session.take(x);
      return true;
    }
    if (session === null && !this.#hasRoom(limits)) return false;
    // The connection has a time limit of its own.
    if (!x.isShadow) x.client.waitAtMost(x, x.route?.retry.attemptTimeoutMs ?? Number.POSITIVE_INFINITY);
    if (session === null) this.#connect(timeouts).take(x);
    else session.take(x);
    return true;
  }

  /** One that is open comes before one that is being opened. Cost: O(connections), which are few. */
  #leastBusy(limits: Limits): UpstreamSession | null {
    let best: UpstreamSession | null = null;
    for (const session of this.#sessions) {
      if (!session.hasPlace(limits)) continue;
      if (best === null || best.isConnecting || (!session.isConnecting && session.size < best.size)) best = session;
    }
    return best;
  }

  #hasRoom({ endpointSessionsMax, endpointConnectionsMax }: Limits): boolean {
    return this.#sessions.size < Math.min(endpointSessionsMax, endpointConnectionsMax);
  }

  #connect(timeouts: Exchange['table']['timeouts']): UpstreamSession {
    const session = new UpstreamSession(this.#endpoint, this.#lane, this.#events, this);
    this.#sessions.add(session);
    session.open(timeouts);
    return session;
  }

  /** Places are free: for whoever waits longest. Not re-entrant: what it starts may fail at once and free others. */
  #fill(): void {
    if (this.#isFilling) return;
    this.#isFilling = true;
    for (let x = this.#waiting.shift(); x !== undefined; x = this.#waiting.shift()) {
      const { attemptAtMs } = x;
      retryingOf(x).sentAtMs = turnMs();
      if (!this.#place(x)) {
        this.#waiting.unshift(x);
        break;
      }
      this.#lane.recorder.took(x, CELL.queueMs, microsSince(attemptAtMs));
    }
    this.#isFilling = false;
  }
}
