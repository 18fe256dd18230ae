/**
 * Stands in for a client that left while its request with an idempotency key is executed: the upstream finishes, and who asks
 * again with the key gets its answer. Without that, a client that loses its connection would have the request executed twice.
 *
 * Only what was sent to an upstream goes on, within the times of any exchange, and at most `ABSENT_MAX` of a worker's at a
 * time; others are given up and their keys released, as before they were sent. A worker that drains waits for them.
 */

import { turnMs } from '../../../../lib/clock.ts';
import type { Timed } from '../../../../lib/deadlines.ts';
import type { Exchange } from '../../../exchange.ts';
import { statusOf } from '../../../header/rejection.ts';
import type { Lane } from '../../../lane.ts';
import { quietUntilMs } from '../../../record/streaming.ts';
import type { Outlet } from '../../../wire/wire.ts';
import type { Asker } from '../../sides.ts';
import { keyedOf } from './keyed.ts';

export const ABSENT_MAX = 1024;

/**
 * Whether the exchange goes on although its client has left; then it has another asker.
 * @param expire gives up on it when its time is over
 */
export function goesOnAlone(x: Exchange, expire: (x: Exchange) => void): boolean {
  if (keyedOf(x)?.state !== 'running' || !(x.isAttempting || x.upstream !== null)) return false;
  const { absent } = x.client.lane.idempotency;
  if (absent.has(x) || absent.size >= ABSENT_MAX) return false;
  const { client } = x;
  x.client = new Absent(x, expire);
  absent.add(x);
  // Of its connection this is the end.
  client.cutOff(x);
  // It may have waited for the client to take what was there.
  x.upstream?.resume();
  return true;
}

class Absent implements Asker, Timed {
  deadlineAtMs: number;
  slot = -1;
  readonly lane: Lane;
  readonly lines: Asker['lines'];
  readonly body: Asker['body'];
  readonly out: Outlet;
  readonly #x: Exchange;
  readonly #expire: (x: Exchange) => void;

  constructor(x: Exchange, expire: (x: Exchange) => void) {
    const { lane, lines, body, out } = x.client;
    this.lane = lane;
    this.lines = lines;
    this.body = body;
    const { bytesSent } = out;
    this.out = {
      isBackedUp: false,
      isCopying: false,
      bytesSent,
      writeText: ignore,
      writeBytes: ignore,
      writeSoon: () => true,
    };
    this.#x = x;
    this.#expire = expire;
    this.deadlineAtMs = 0;
    if (x.responseStarted) this.touch(x);
    else this.waitAtMost(x, x.responseLimitMs);
    lane.deadlines.add(this);
  }

  waitAtMost(x: Exchange, limitMs: number): void {
    this.deadlineAtMs = Math.min(x.deadlineAtMs, turnMs() + limitMs);
  }

  touch(x: Exchange = this.#x): void {
    if (x.responseStarted) this.deadlineAtMs = quietUntilMs(x);
  }

  upstreamReady(x: Exchange): void {
    this.waitAtMost(x, x.responseLimitMs);
  }

  exchangeDone(x: Exchange): void {
    if (x.isFinished) return;
    x.isFinished = true;
    x.endedAtMs = turnMs();
    this.lane.deadlines.remove(this);
    this.lane.recorder.end(x);
    this.lane.idempotency.absentDone(x);
  }

  reject(x: Exchange): void {
    x.status = statusOf(x);
    this.exchangeDone(x);
  }

  cutOff(x: Exchange): void {
    this.exchangeDone(x);
  }

  expire(): void {
    this.#expire(this.#x);
  }

  willKeepAlive(): boolean {
    return false;
  }

  resumeReading(): void {}
}

function ignore(): void {}
