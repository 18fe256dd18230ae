/**
 * One upgraded connection from the 101 to its end: why it ended, how long it may be idle, how it is told to leave.
 *
 * http-proxy-3 pipes between the two ends and passes regular ends on. What it leaves open is closed here: a side that
 * broke breaks the other at once, and nothing outlives its limits.
 * ```
 * open ─▸ half closed (one side said it is done) ─▸ over
 *   └───▸ leaving (idle, drained, rolled back: told so, then cut) ─▸ over
 * ```
 * Source: RFC 6455 sections 7.1.1, 7.1.5 (an end without a close frame is abnormal), 7.4.1 (so is 1011 of whoever sends it).
 */

import type { Socket } from 'node:net';
import { finished } from 'node:stream';
import { nowMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import type { SessionPolicy } from '../../model/sli.ts';
import { SESSION_END, type SessionEnd } from '../../model/tallies.ts';
import type { LinkedSplit } from '../decide/table.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import type { SessionOrigin } from './aftermath.ts';
import type { Agreement, ClientSocket } from './agreement.ts';
import { FarEnd, type Side } from './far-end.ts';
import { GOING_AWAY, INTERNAL_ERROR } from './frames.ts';
import { resetSocket } from './reset.ts';

/** How long a side that was told to leave may take. */
export const LEAVE_MS = 1000;
/** A WebSocket whose one side has gone has nothing more to do than to say so. */
const HALF_CLOSED_MS = 10_000;

export class Session implements Timed {
  deadlineAtMs: number;
  slot = -1;
  readonly far: FarEnd;
  readonly client: ClientSocket;
  readonly split: LinkedSplit;
  readonly endpoint: Endpoint;
  /** The route's policy: does a rollback, or the beginning of a drain, end it? */
  readonly isClosedByPolicy: boolean;
  /** What its handshake leaves for a bad end; null where that is not counted. */
  readonly origin: SessionOrigin | null;
  readonly #policy: SessionPolicy;
  /** When and why the policy ends it, once that is known. */
  #due: { readonly atMs: number; readonly because: SessionEnd } | null = null;
  readonly #upstream: Socket;
  readonly #over: (session: Session, reason: SessionEnd) => void;
  readonly #hasFrames: boolean;
  #idleMs: number;
  /** Who ended or broke first. */
  #first: Side | null = null;
  #isBroken = false;
  /** The gateway's own reason to end it. */
  #because: SessionEnd | null = null;
  #open = 2;

  /** @param over called once, when both sides are closed. */
  constructor(agreement: Agreement, over: (session: Session, reason: SessionEnd) => void) {
    const { client, upstream, head, rest, key } = agreement;
    this.client = client;
    this.split = agreement.split;
    this.endpoint = agreement.endpoint;
    this.isClosedByPolicy = agreement.route.upgrade.onRollback === 'close';
    this.origin = agreement.origin;
    this.#policy = agreement.route.upgrade;
    this.#upstream = upstream;
    this.#over = over;
    this.#hasFrames = agreement.protocol === 'websocket';
    this.#idleMs = agreement.idleMs;
    this.deadlineAtMs = nowMs() + agreement.idleMs;
    this.far = new FarEnd({ upstream, head, rest, key, hasFrames: this.#hasFrames, touched: () => this.#touched() });
    this.#watchClient();
    this.#watchUpstream();
  }

  /** Its version was rolled back, or the gateway drains: ends it when the policy says so. */
  retire(because: SessionEnd): void {
    const { closeAfterMs = 0 } = this.#policy;
    if (closeAfterMs === 0) this.leave(because);
    else this.#due ??= { atMs: nowMs() + closeAfterMs, because };
    this.deadlineAtMs = Math.min(this.deadlineAtMs, this.#due?.atMs ?? this.deadlineAtMs);
  }

  /** Ends it politely, and after `LEAVE_MS` in any case. The first reason counts. */
  leave(because: SessionEnd): void {
    if (this.#because !== null) return;
    this.#because = because;
    this.deadlineAtMs = nowMs() + LEAVE_MS;
    this.far.leave(because === SESSION_END.idleTimeout ? GOING_AWAY : this.#policy.closeCode);
  }

  /** Ends it now. */
  destroy(because: SessionEnd): void {
    this.#because ??= because;
    this.client.destroy();
    this.far.destroy();
  }

  /** What goes between cannot go on, though neither side is to blame. */
  fail(): void {
    this.destroy(this.#reason());
  }

  expire(): void {
    const isDue = this.#due !== null && this.#due.atMs <= this.deadlineAtMs;
    if (this.#because !== null || this.#first !== null) this.destroy(this.#reason());
    else this.leave(isDue && this.#due !== null ? this.#due.because : SESSION_END.idleTimeout);
  }

  #touched(): void {
    if (this.#because !== null) return;
    const idleAtMs = nowMs() + this.#idleMs;
    this.deadlineAtMs = this.#due === null ? idleAtMs : Math.min(idleAtMs, this.#due.atMs);
  }

  #watchClient(): void {
    const { client, far } = this;
    client.on('error', () => this.#broke('client'));
    client.on('end', () => this.#ended('client'));
    client.on('close', () => {
      // What the client sent last may still be on its way up; there is nobody to send anything down to.
      far.end();
      finished(far, { readable: false }, () => far.destroy());
      this.#closed();
    });
  }

  #watchUpstream(): void {
    this.#upstream.on('error', () => this.#broke('upstream'));
    this.#upstream.on('end', () => this.#ended('upstream'));
    // The socket's own error comes first and tells more.
    this.far.on('error', () => undefined);
    this.far.on('close', () => {
      this.client.end();
      this.#closed();
    });
  }

  #ended(side: Side): void {
    this.#first ??= side;
    if (this.#hasFrames) this.#idleMs = Math.min(this.#idleMs, HALF_CLOSED_MS);
    this.#touched();
  }

  /** One side broke: so does the other, that nobody takes this for a regular end. */
  #broke(side: Side): void {
    if (this.#first === null) {
      this.#first = side;
      this.#isBroken = true;
    }
    if (side === 'client') resetSocket(this.#upstream);
    else resetSocket(this.client);
    this.destroy(this.#reason());
  }

  #closed(): void {
    this.#open--;
    if (this.#open === 0) this.#over(this, this.#reason());
  }

  #reason(): SessionEnd {
    if (this.#because !== null) return this.#because;
    const side = this.far.closer ?? this.#first ?? 'upstream';
    const { closer, closeCode } = this.far;
    const isAbnormal = closer === null ? this.#isBroken || this.#hasFrames : closeCode === INTERNAL_ERROR;
    if (side === 'client') return isAbnormal ? SESSION_END.clientAbnormal : SESSION_END.clientClosed;
    return isAbnormal ? SESSION_END.upstreamAbnormal : SESSION_END.upstreamClosed;
  }
}
