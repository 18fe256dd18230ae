/**
 * The demo's users: an open loop of requests at a fixed rate, and what they saw.
 *
 * Requests are due on a fixed grid and sent when due, whatever the answers do; a latency counts from the due time, so a
 * slow gateway cannot hide behind a slow client (coordinated omission). Every request belongs to the phase in which it
 * was sent. Bounded: at most `IN_FLIGHT_MAX` at a time; what is due beyond that is counted as a failure, not queued. What
 * came due while this process itself stood still goes out a few at a time: at once it would be a burst that no user makes.
 */

import { Agent, type IncomingMessage, request } from 'node:http';
import { nowMs } from '../../lib/clock.ts';
import { bucketIndex, HISTOGRAM_BUCKETS, quantile } from '../../lib/histogram.ts';
import { Random } from '../../lib/random.ts';

/** What 200 requests a second leave under way until the first of them times out, and a few. */
const IN_FLIGHT_MAX = 1024;
const TICK_MS = 5;
/** How much faster than due overdue requests go out, and how many at once. */
const CATCH_UP = 2;
const SENT_PER_TICK_MAX = 10;
/** How long a user waits for the whole of an answer. */
const REQUEST_TIMEOUT_MS = 5000;
/** Distinct user keys. */
export const USERS = 3000;
/** How long `settle` waits for answers. */
const SETTLE_MS = REQUEST_TIMEOUT_MS + 500;

/** What the users of one phase saw. Grows while requests sent in it are under way. */
export interface Phase {
  readonly sent: number;
  /** Answers below 500. */
  readonly succeeded: number;
  /** Answers from 500 on, broken connections, timeouts, and requests that could not even be sent. */
  readonly failed: number;
  readonly inFlight: number;
  /** Answers by the version that gave them: `x-version`, or `gateway` when it answered itself. */
  readonly byVersion: ReadonlyMap<string, { succeeded: number; failed: number }>;
  /** Latency quantile in ms, within 1.1 %; null when nothing was answered. */
  quantileMs(q: number): number | null;
}

export interface Load {
  /** Starts the next phase; the one before goes on counting its own requests under way. */
  begin(): Phase;
  /** Resolves when the phase has no request under way. Rejects after a bounded wait. */
  settle(phase: Phase): Promise<void>;
  /** Stops sending and closes connections. */
  stop(): void;
}

export interface LoadOptions {
  readonly url: string;
  readonly requestsPerSecond: number;
  readonly seed: number;
}

class Tally implements Phase {
  sent = 0;
  succeeded = 0;
  failed = 0;
  inFlight = 0;
  readonly byVersion = new Map<string, { succeeded: number; failed: number }>();
  readonly #histogram = new Uint32Array(HISTOGRAM_BUCKETS);
  readonly #waiting: (() => void)[] = [];

  answered(version: string, isFailure: boolean, tookMs: number): void {
    const counts = this.byVersion.get(version) ?? { succeeded: 0, failed: 0 };
    this.byVersion.set(version, counts);
    if (isFailure) counts.failed += 1;
    else counts.succeeded += 1;
    const index = bucketIndex(tookMs);
    this.#histogram[index] = (this.#histogram[index] as number) + 1;
    this.#over(isFailure);
  }

  broken(): void {
    this.#over(true);
  }

  /** Due, but too many are under way. */
  dropped(): void {
    this.sent += 1;
    this.failed += 1;
  }

  #over(isFailure: boolean): void {
    this.inFlight -= 1;
    if (isFailure) this.failed += 1;
    else this.succeeded += 1;
    if (this.inFlight === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  whenIdle(resolve: () => void): void {
    if (this.inFlight === 0) resolve();
    else this.#waiting.push(resolve);
  }

  quantileMs(q: number): number | null {
    return quantile(this.#histogram, 0, q);
  }
}

/** Starts the load; its first phase begins at once. */
export function startLoad(options: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT_MAX });
  const random = new Random(options.seed);
  const periodMs = 1000 / options.requestsPerSecond;
  const startedAtMs = nowMs();
  let tally = new Tally();
  let due = 0;
  let inFlight = 0;

  const send = (dueAtMs: number): void => {
    if (inFlight >= IN_FLIGHT_MAX) {
      tally.dropped();
      return;
    }
    inFlight += 1;
    const user = `u${random.nextUint32() % USERS}`;
    sendOne({ url: options.url, agent, user, tally, dueAtMs, done: () => (inFlight -= 1) });
  };
  let tickedAtMs = startedAtMs;
  const timer = setInterval(() => {
    const tickAtMs = nowMs();
    const mostNow = Math.min(SENT_PER_TICK_MAX, Math.ceil((CATCH_UP * (tickAtMs - tickedAtMs)) / periodMs));
    tickedAtMs = tickAtMs;
    for (let sent = 0; sent < mostNow; sent++) {
      const dueAtMs = startedAtMs + due * periodMs;
      if (dueAtMs > tickAtMs) return;
      send(dueAtMs);
      due += 1;
    }
  }, TICK_MS);

  return {
    begin() {
      tally = new Tally();
      return tally;
    },
    settle(phase) {
      return settled(phase as Tally);
    },
    stop() {
      clearInterval(timer);
      agent.destroy();
    },
  };
}

function settled(tally: Tally): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`${tally.inFlight} requests are still unanswered after ${SETTLE_MS} ms`));
    const timer = setTimeout(late, SETTLE_MS);
    tally.whenIdle(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

interface OneRequest {
  readonly url: string;
  readonly agent: Agent;
  readonly user: string;
  readonly tally: Tally;
  readonly dueAtMs: number;
  readonly done: () => void;
}

/** Sends one request and counts exactly one outcome for it. */
function sendOne({ url, agent, user, tally, dueAtMs, done }: OneRequest): void {
  tally.sent += 1;
  tally.inFlight += 1;
  let isOver = false;
  const over = (count: () => void) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(patience);
    done();
    count();
  };
  const outgoing = request(url, { agent, headers: { 'x-user-id': user } });
  // A limit of the socket would begin anew when it is connected, and with every byte.
  const patience = setTimeout(() => {
    over(() => tally.broken());
    outgoing.destroy();
  }, REQUEST_TIMEOUT_MS);
  outgoing.on('error', () => over(() => tally.broken()));
  outgoing.on('response', (response: IncomingMessage) => {
    const version = response.headers['x-version'];
    const isFailure = (response.statusCode ?? 500) >= 500;
    response.on('error', () => over(() => tally.broken()));
    response.on('aborted', () => over(() => tally.broken()));
    response.on('end', () =>
      over(() => tally.answered(typeof version === 'string' ? version : 'gateway', isFailure, nowMs() - dueAtMs)),
    );
    response.resume();
  });
  outgoing.end();
}
