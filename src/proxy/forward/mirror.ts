/**
 * Copies of requests for a mirror: their answers are read as strictly as any, and thrown away.
 *
 * A copy leaves after its original and shares nothing with it: connections, pools and load estimates are the mirror's own
 * even where its endpoints serve users as well, no indicator and no endpoint's account hears of it, and its time is
 * limited as a whole. Bounded: so many copies at a time, beyond which, and for a body that did not come along with its
 * head, none is made, which is counted. A copy is never sent twice.
 */

import { turnMs } from '../../lib/clock.ts';
import type { Timed } from '../../lib/deadlines.ts';
import type { Random } from '../../lib/random.ts';
import { CELL } from '../../model/tallies.ts';
import type { LinkedMirror, LinkedRoute } from '../decide/table.ts';
import { Exchange } from '../exchange.ts';
import { Pool } from '../http1/pool.ts';
import type { Lane } from '../lane.ts';
import type { Outlet } from '../wire/wire.ts';
import { detach } from './attempt.ts';
import { Endpoint } from './endpoint.ts';
import { PASSES_ON } from './retry/rescue.ts';
import type { Asker, UpstreamEvents } from './sides.ts';

/** Copies under way per worker: with heads and bodies at their limits about 3 MB. */
export const COPIES_MAX = 64;
/** Slot in the tallies of what is not counted there. */
const NO_SLOT = -1;

type Outcome = typeof CELL.mirrorSent | typeof CELL.mirrorSkipped | typeof CELL.mirrorFailed;

/** Takes everything, at once. */
const NOWHERE: Outlet = {
  isBackedUp: false,
  bytesSent: 0,
  writeText: ignore,
  writeBytes: ignore,
};

/** The copies of one worker. */
export class Mirrors {
  readonly #copies = new Map<Exchange, Copy>();
  readonly #targets = new Map<LinkedMirror, readonly Endpoint[]>();
  readonly #events: UpstreamEvents = {
    sent: ignore,
    failed: (x) => this.#end(x, CELL.mirrorFailed),
    refuses: () => PASSES_ON,
    refused: ignore,
    won: (x) => x,
    completed: (x) => this.#end(x, CELL.mirrorSent),
  };

  get inFlight(): number {
    return this.#copies.size;
  }

  /** Sends a copy of a request that has been sent on its way, if it is drawn. */
  copy(x: Exchange, mirror: LinkedMirror): void {
    const { lane } = x.client;
    if (mirror.ratio < 1 && lane.random.nextFloat() >= mirror.ratio) return;
    const endpoint = lessBusy(this.#targetsOf(mirror, lane), lane.random);
    if (endpoint === null || x.isFinished || !x.requestDone || this.#copies.size >= COPIES_MAX) {
      lane.recorder.mirrored(x.route as LinkedRoute, CELL.mirrorSkipped);
      return;
    }
    const copy = new Copy(x, (late) => this.#expired(late));
    this.#copies.set(copy.x, copy);
    copy.x.endpoint = endpoint;
    endpoint.inFlight++;
    if (!endpoint.pool.acquire(copy.x)) this.#end(copy.x, CELL.mirrorSkipped);
  }

  /** There is a new configuration: idle connections close, copies under way go on. */
  forget(): void {
    for (const endpoints of this.#targets.values()) for (const { pool } of endpoints) pool.retire();
    this.#targets.clear();
  }

  /** Ends every copy now. */
  close(): void {
    for (const x of [...this.#copies.keys()]) this.#expired(x);
    this.forget();
  }

  #targetsOf(mirror: LinkedMirror, lane: Lane): readonly Endpoint[] {
    let targets = this.#targets.get(mirror);
    if (targets === undefined) {
      targets = mirror.endpoints.map(({ host, port }) => {
        const endpoint = new Endpoint(NO_SLOT, host, port);
        endpoint.pool = new Pool(endpoint, lane, this.#events);
        return endpoint;
      });
      this.#targets.set(mirror, targets);
    }
    return targets;
  }

  #expired(x: Exchange): void {
    detach(x);
    this.#end(x, CELL.mirrorFailed);
  }

  #end(x: Exchange, outcome: Outcome): void {
    const copy = this.#copies.get(x);
    if (copy === undefined) return;
    this.#copies.delete(x);
    copy.lane.deadlines.remove(copy);
    x.isFinished = true;
    x.upstream = null;
    if (x.endpoint !== null) x.endpoint.inFlight--;
    copy.lane.recorder.mirrored(x.route as LinkedRoute, outcome);
  }
}

/** The less busy of two drawn at random. Copies keep no history of speed. */
function lessBusy(endpoints: readonly Endpoint[], random: Random): Endpoint | null {
  const draw = (): Endpoint | null => endpoints[random.nextUint32() % endpoints.length] ?? null;
  const first = draw();
  const second = draw();
  return first !== null && second !== null && second.inFlight < first.inFlight ? second : first;
}

/** Stands in for the client of a copy: wants nothing, waits for nobody. */
class Copy implements Asker, Timed {
  deadlineAtMs: number;
  slot = -1;
  readonly lane: Lane;
  readonly lines: Asker['lines'];
  readonly body: Asker['body'];
  readonly out = NOWHERE;
  readonly x: Exchange;
  readonly #expired: (x: Exchange) => void;

  constructor(original: Exchange, expired: (x: Exchange) => void) {
    const { lane, lines, body } = original.client;
    this.lane = lane;
    this.lines = lines;
    this.body = body;
    this.#expired = expired;
    const now = turnMs();
    const { requestTimeoutMs } = original.route as LinkedRoute;
    this.deadlineAtMs = now + Math.min(requestTimeoutMs, original.table.timeouts.firstByteMs);
    lane.deadlines.add(this);
    this.x = copyOf(original, this, now);
  }

  expire(): void {
    this.#expired(this.x);
  }

  willKeepAlive(): boolean {
    return false;
  }

  waitAtMost(): void {}
  touch(): void {}
  upstreamReady(): void {}
  resumeReading(): void {}
  exchangeDone(): void {}
  reject(): void {}
  cutOff(): void {}
}

function copyOf(original: Exchange, asker: Asker, nowMs: number): Exchange {
  const x = new Exchange(asker, original.table, nowMs);
  x.method = original.method;
  x.target = original.target;
  x.bodyLength = original.bodyLength;
  x.route = original.route;
  x.requestText = original.requestText;
  x.replay = original.replay;
  x.requestDone = true;
  x.attempts = 1;
  x.attemptAtMs = nowMs;
  return x;
}

function ignore(): void {}
