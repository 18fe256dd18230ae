/**
 * The course of an exchange with an idempotency key, before and after it is executed.
 *
 * ```
 * gathering (its body) ─▸ asking (the broker) ─┬─▸ running ─▸ kept │ released
 *                                              └─▸ an earlier answer │ 409 │ 422 │ 503
 * ```
 * While it runs nobody else executes the key, however often the gateway itself tries again. What ends without an answer that is
 * kept releases the key, so that the client may try again.
 */

import { turnMs } from '../../../../lib/clock.ts';
import { REASON, type Reason } from '../../../../model/reason.ts';
import type { Taken } from '../../../../model/threads/answers/idempotency.ts';
import type { LinkedRoute } from '../../../decide/table.ts';
import type { Exchange } from '../../../exchange.ts';
import type { LinkedFault } from '../../../filter/faults.ts';
import { type Keyed, keyedOf } from './keyed.ts';

/** The broker has so long besides the wait for another request; of that a shared store has its own timeout. */
const ASK_MS = 2000;
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

/** What becomes of it. Handed in, as the forwarder and this refer to one another. */
export interface HeldEvents {
  /** It is to be executed. */
  readonly run: (x: Exchange, fault: LinkedFault | null) => void;
  readonly refuse: (x: Exchange, reason: Reason, detail: string) => void;
}

/** Waits for the rest of its body, or asks at once. @param fault drawn for it when it runs */
export function hold(x: Exchange, fault: LinkedFault | null, events: HeldEvents): void {
  (keyedOf(x) as Keyed).fault = fault;
  if (x.requestDone) {
    askBroker(x, events);
    return;
  }
  if (x.awaitsContinue) {
    x.awaitsContinue = false;
    if (x.minor === 1) x.client.out.writeText(CONTINUE);
  }
  x.client.waitAtMost(x, x.table.timeouts.bodyIdleMs);
}

/** The request is whole. */
export function askBroker(x: Exchange, events: HeldEvents): void {
  const keyed = keyedOf(x) as Keyed;
  const { config, key, hash } = keyed;
  const waitMs = config.concurrent === 'wait' ? Math.min(config.waitMs, (x.route as LinkedRoute).requestTimeoutMs) : 0;
  keyed.state = 'asking';
  keyed.id = x.client.lane.idempotency.take({ key, print: hash.digest('base64url'), waitMs }, (taken) => {
    told(x, keyed, taken, events);
  });
  // Its upstream gets all of its time when it is its turn.
  x.deadlineAtMs = Number.POSITIVE_INFINITY;
  x.client.waitAtMost(x, waitMs + ASK_MS);
}

function told(x: Exchange, keyed: Keyed, taken: Taken, { run, refuse }: HeldEvents): void {
  if (taken.kind === 'taken') {
    keyed.state = 'running';
    x.startClock(turnMs());
    run(x, keyed.fault);
    return;
  }
  keyed.state = 'over';
  if (taken.kind === 'answer') {
    const { status, lines, body } = taken.answer;
    keyed.answer = { status, lines, body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
    keyed.outcome = 'replayed';
    x.client.reject(x);
  } else if (taken.kind === 'conflict') {
    x.answerLines += 'Retry-After: 1\r\n';
    refuse(x, REASON.idempotencyConflict, 'another request with this key has not been answered yet');
  } else if (taken.kind === 'mismatch') {
    refuse(x, REASON.idempotencyMismatch, 'this key was sent with another method, host, target or body before');
  } else refuse(x, REASON.idempotencyUnavailable, 'nothing was executed: try again with the same key');
}

/** It is answered without being executed, whatever comes of its body, or of the question about its key. */
export function forsake(x: Exchange, keyed: Keyed): void {
  if (keyed.state === 'asking') x.client.lane.idempotency.release(keyed.id);
  if (keyed.state === 'asking' || keyed.state === 'gathering') keyed.state = 'over';
}

/** The exchange is over: what it held is free, and so is its key if nothing was kept. To be called once, whatever happened. */
export function settle(x: Exchange, keyed: Keyed): void {
  letGo(x, keyed);
  if (keyed.state === 'running') keyed.outcome = 'released';
  if (keyed.state === 'running' || keyed.state === 'asking') x.client.lane.idempotency.release(keyed.id);
  keyed.state = 'over';
}

/** Its body is sent, or never will be. */
export function letGo(x: Exchange, keyed: Keyed): void {
  x.client.lane.idempotency.held.giveBack(keyed.heldBytes);
  keyed.heldBytes = 0;
}
