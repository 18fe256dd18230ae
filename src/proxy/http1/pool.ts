/**
 * The connections to one endpoint from one worker: those kept alive for exchanges, and how many others there may be. Hot path.
 *
 * Last in, first out, so that a quiet pool shrinks to the connections it needs. At the limit of connections exchanges
 * wait in a bounded queue in order of arrival; a connection that is released serves the first of them. What is upgraded
 * has a connection of its own, not one of the pool's, but counts and waits like any. Where connections begin with the
 * address of a client each serves that client's connection alone, and the oldest idle one goes when there is no room.
 */

import { turnMs } from '../../lib/clock.ts';
import type { Limits } from '../../model/config.ts';
import { CELL } from '../../model/tallies.ts';
import type { Exchange } from '../exchange.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import { retryingOf } from '../forward/retry/retry.ts';
import type { Guest, UpstreamEvents, UpstreamPool } from '../forward/sides.ts';
import type { Lane } from '../lane.ts';
import { microsSince } from '../record/recorder.ts';
import { UpstreamConnection } from './upstream.ts';

export class Pool implements UpstreamPool {
  readonly #endpoint: Endpoint;
  readonly #lane: Lane;
  readonly #events: UpstreamEvents;
  readonly #idle: UpstreamConnection[] = [];
  readonly #waiting: (Exchange | Guest)[] = [];
  readonly #opened = new Set<UpstreamConnection>();
  /** Places taken by others. */
  #guests = 0;
  #isRetired = false;

  constructor(endpoint: Endpoint, lane: Lane, events: UpstreamEvents) {
    this.#endpoint = endpoint;
    this.#lane = lane;
    this.#events = events;
  }

  get open(): number {
    return this.#opened.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Gets a connection for the exchange: an idle one at once, a new one once it is connected, or a place in the queue.
   * @returns false when the queue is full.
   */
  acquire(x: Exchange): boolean {
    // A second attempt gets a fresh connection: what broke the first may have broken every idle one.
    const idle = x.attempts === 1 ? this.#idleFor(x) : undefined;
    if (idle !== undefined) {
      idle.serve(x);
      return true;
    }
    if (this.#isFull(x.table.limits)) this.#idle[0]?.destroy();
    if (!this.#isFull(x.table.limits)) {
      this.#connect(x);
      return true;
    }
    // A second arm that would have to wait cannot be faster.
    if (x.isShadow || this.#waiting.length >= x.table.limits.endpointPendingMax) return false;
    this.#waiting.push(x);
    x.client.waitAtMost(x, x.table.timeouts.pendingMs);
    return true;
  }

  /** Cost: O(1), and O(idle) where connections are a client's. */
  #idleFor(x: Exchange): UpstreamConnection | undefined {
    if (this.#endpoint.announces === 0) return this.#idle.pop();
    const at = this.#idle.findLastIndex((one) => this.#isFor(one, x));
    return at < 0 ? undefined : this.#idle.splice(at, 1)[0];
  }

  /** May the connection serve the exchange? */
  #isFor({ preface }: UpstreamConnection, x: Exchange): boolean {
    return preface === '' || preface === this.#endpoint.prefaceOf(x);
  }

  /** Gives a guest a place at once, for which an idle connection goes, or one in the queue; false when that is full. */
  admit(guest: Guest, limits: Limits): boolean {
    if (this.#isFull(limits)) this.#idle[0]?.destroy();
    if (this.#isFull(limits)) {
      if (this.#waiting.length >= limits.endpointPendingMax) return false;
      this.#waiting.push(guest);
      return true;
    }
    this.#welcome(guest);
    return true;
  }

  /** A guest needs its place no more. Called exactly once for each that was admitted. */
  leave(): void {
    this.#guests--;
    this.#fill();
  }

  #welcome(guest: Guest): void {
    this.#guests++;
    guest.admitted();
  }

  #isFull(limits: Limits): boolean {
    return this.#opened.size + this.#guests >= limits.endpointConnectionsMax;
  }

  /** Every connection that there may be is taken, and somebody waits for one. */
  isCongested(limits: Limits): boolean {
    return this.#waiting.length > 0 && this.#isFull(limits);
  }

  /** Takes an exchange or a guest out of the queue; false when it is not in it. */
  cancel(one: Exchange | Guest): boolean {
    const at = this.#waiting.indexOf(one);
    if (at >= 0) this.#waiting.splice(at, 1);
    if (at >= 0 && !isGuest(one)) this.#waited(one);
    return at >= 0;
  }

  #waited(x: Exchange): void {
    this.#lane.recorder.took(x, CELL.queueMs, microsSince(x.attemptAtMs));
  }

  /** A connection finished an exchange and can serve another. */
  release(connection: UpstreamConnection): void {
    const next = this.#waiting[0];
    if (next === undefined) {
      if (this.#isRetired) connection.destroy();
      else this.#idle.push(connection);
    } else if (isGuest(next) || !this.#isFor(connection, next)) connection.destroy();
    else {
      this.#waiting.shift();
      this.#waited(next);
      retryingOf(next).sentAtMs = turnMs();
      connection.serve(next);
    }
  }

  /** A connection is gone, for whatever reason. Called exactly once for each. */
  forget(connection: UpstreamConnection, wasConnected: boolean): void {
    this.#opened.delete(connection);
    if (wasConnected) this.#lane.recorder.connect(this.#endpoint.id, -1);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#fill();
  }

  /** A place is free: for whoever waits longest. */
  #fill(): void {
    const next = this.#waiting.shift();
    if (next === undefined) return;
    if (isGuest(next)) this.#welcome(next);
    else {
      this.#waited(next);
      this.#connect(next);
    }
  }

  /** The endpoint left the configuration: idle connections close now, the others after their exchange. */
  retire(): void {
    this.#isRetired = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
    for (const connection of this.#opened) if (connection.isUnwanted) connection.destroy();
  }

  /** The endpoint is back in the configuration. */
  revive(): void {
    this.#isRetired = false;
  }

  #connect(x: Exchange): void {
    // The connection has a time limit of its own.
    if (!x.isShadow)
      x.client.waitAtMost(x, x.route === null ? Number.POSITIVE_INFINITY : x.route.retry.attemptTimeoutMs);
    const connection = new UpstreamConnection(this, this.#endpoint, this.#lane, this.#events);
    connection.preface = this.#endpoint.prefaceOf(x);
    this.#opened.add(connection);
    connection.open(x);
  }
}

function isGuest(one: Exchange | Guest): one is Guest {
  return 'admitted' in one;
}
