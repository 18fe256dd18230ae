/**
 * Decides which requests are traced, what their endpoints are told, and hands their spans over in batches. Hot path.
 *
 * Sampled: what a sender whose word counts says is, and of the other traces a share, drawn (`draw.ts`). A request that is
 * not goes on as it came: with its sender's context, so that whoever records behind the gateway has a parent that exists,
 * else with the fresh one, not sampled, that it gets anyway. Without a context that costs a decrement and a comparison;
 * with one, a second look at it. Lines are made anew where other forms than W3C's are configured, or where a sender's
 * flag is not followed. What went wrong is handed over all the same, at most `FAILURES_PER_SECOND`.
 *
 * Rows wait in a queue until the thread that exports them has taken the batches before; what does not fit is counted and
 * told with the next batch. Source: W3C Trace Context level 2, section 4; docs/traces.md.
 */

import { Random } from '../../../lib/random.ts';
import type { SamplingConfig, TraceBatch, TraceRow } from '../../../model/threads/requests/tracing.ts';
import { clientAddress } from '../../decide/user-key.ts';
import type { Exchange } from '../../exchange.ts';
import { retryingOf } from '../../forward/retry/retry.ts';
import { spanOf, traceOf } from '../../header/fresh.ts';
import { contextLines, type Incoming, incomingOf, linesOf, type Outgoing, traceLines } from '../../header/trace.ts';
import type { RequestHead } from '../../http1/request-head.ts';
import { isFailure } from '../access-log.ts';
import { Draw, Quota } from '../draw.ts';
import { rowOf } from './row.ts';
import { Trace, type TraceOrigin, tracedBy, tracedOf } from './trace.ts';

/** Failures that nobody drew, per second and worker: enough to see what an outage is made of. */
export const FAILURES_PER_SECOND = 100;
/** Rows that wait, about 4 MB. */
export const ROWS_MAX = 4096;
/** Rows that are handed over at once, without waiting for the flush. */
export const BATCH_ROWS = 64;
/** Batches that the exporting thread may owe an answer for. */
export const BATCHES_MAX = 4;

/** Keeps its draws apart from the worker's others, which must not change with it. */
const SEED_SALT = 0x7472_6163;
const TRACEPARENT = /\r\ntraceparent:[ \t]*00-([0-9a-f]{32})-([0-9a-f]{16})/i;
const ALONE: Incoming = { traceId: '', parentId: '', isSampled: null, isRandom: false };

/** One worker's side of tracing. */
export class Tracer {
  readonly #random: Random;
  readonly #draw: Draw;
  readonly #quota = new Quota(FAILURES_PER_SECOND);
  #sampling: SamplingConfig | null = null;
  #hasB3 = false;
  #hasB3Multiple = false;
  /** Hands a batch over, each to be answered with `taken`; null: nobody takes any yet. */
  #write: ((batch: TraceBatch) => void) | null = null;
  #rows: TraceRow[] = [];
  #unacknowledged = 0;
  #queueFull = 0;
  #failureRate = 0;

  constructor(seed: number) {
    this.#random = new Random(seed ^ SEED_SALT);
    this.#draw = new Draw(this.#random);
  }

  /** Obeys this from the next request on. */
  configure(sampling: SamplingConfig): void {
    this.#sampling = sampling;
    this.#draw.ratio = sampling.sampleRatio;
    this.#hasB3 = sampling.propagators.includes('b3');
    this.#hasB3Multiple = sampling.propagators.includes('b3multi');
  }

  /** Batches go there from now on; the one before has gone, with whatever it had not answered. */
  connect(write: (batch: TraceBatch) => void): void {
    this.#write = write;
    this.#unacknowledged = 0;
  }

  // ── the head ────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Lines for a request that says nothing of a trace, nor has an id.
   * @param fresh its lines where nothing is traced. Cost of one that is not drawn: a decrement and a comparison.
   */
  begin(x: Exchange, head: RequestHead, fresh: string): string {
    if (this.#draw.next()) return freshIdLine(fresh) + this.#sample(x, head, { came: ALONE, fresh, isFollowed: false });
    return this.#hasB3 || this.#hasB3Multiple ? fresh + this.#addedLines(fresh) : fresh;
  }

  /** Lines of the trace for a request that says something of one, or has an id; drops what they replace. */
  join(x: Exchange, head: RequestHead, fresh: string): string {
    const { fields } = head;
    const came = incomingOf(fields);
    const isFollowed = came.isSampled !== null && this.#follows(x);
    if (isFollowed ? came.isSampled === true : this.#draw.next()) {
      return this.#sample(x, head, { came, fresh, isFollowed });
    }
    x.continuesTrace = came.traceId !== '';
    const isAsItCame = came.isSampled !== true && !this.#hasB3 && !this.#hasB3Multiple;
    if (isAsItCame) return traceLines(fields, fresh);
    const [traceId, spanId] = x.continuesTrace ? [came.traceId, came.parentId] : [traceOf(fresh), spanOf(fresh)];
    return contextLines(fields, came, this.#told({ traceId, spanId }, came, false));
  }

  /** Does the word of whoever sent this count? */
  #follows({ client }: Exchange): boolean {
    const parent = this.#sampling === null ? 'nobody' : this.#sampling.parent;
    return parent === 'anyone' || (parent === 'trustedProxies' && client.lines.peer.isTrusted);
  }

  /** Begins the trace of a request that is sampled. */
  #sample(x: Exchange, head: RequestHead, how: { came: Incoming; fresh: string; isFollowed: boolean }): string {
    const { came, fresh, isFollowed } = how;
    const isOwn = came.traceId === '';
    const origin: TraceOrigin = {
      traceId: isOwn ? traceOf(fresh) : came.traceId,
      spanId: this.spanId(),
      parentId: isOwn ? null : came.parentId,
      firstSpanId: spanOf(fresh),
      keptBy: isFollowed ? 'parent' : 'ratio',
      host: head.host,
      client: clientAddress(head, x.client.lines.peer),
    };
    x.continuesTrace = !isOwn;
    retryingOf(x).traced = tracedBy(new Trace(origin, () => this.spanId()));
    const told = this.#told({ traceId: origin.traceId, spanId: origin.firstSpanId }, came, true);
    return contextLines(head.fields, came, told);
  }

  #told(ids: Pick<Outgoing, 'traceId' | 'spanId'>, { isRandom }: Incoming, isSampled: boolean): Outgoing {
    return { ...ids, isSampled, isRandom, hasB3: this.#hasB3, hasB3Multiple: this.#hasB3Multiple };
  }

  /** What other forms than W3C's add. */
  #addedLines(fresh: string): string {
    const told = this.#told({ traceId: traceOf(fresh), spanId: spanOf(fresh) }, ALONE, false);
    return linesOf(told, this.#hasB3, this.#hasB3Multiple).slice(linesOf(told, false, false).length);
  }

  /** Not all zero. */
  spanId(): string {
    return hex(this.#random.nextUint32() | 1) + hex(this.#random.nextUint32());
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The trace of a request that was not sampled: of what its head says, if that is still known. */
  late(x: Exchange): Trace {
    const told = TRACEPARENT.exec(x.requestText);
    const [traceId, spanId] =
      told === null ? [this.spanId() + this.spanId(), null] : [told[1] as string, told[2] as string];
    const origin: TraceOrigin = {
      traceId,
      spanId: this.spanId(),
      parentId: x.continuesTrace ? spanId : null,
      firstSpanId: x.continuesTrace || spanId === null ? this.spanId() : spanId,
      keptBy: 'failure',
      host: null,
      client: null,
    };
    return new Trace(origin, () => this.spanId());
  }

  /** The exchange is over. Cost for one that is neither sampled nor failed: a few comparisons, allocates nothing. */
  end(x: Exchange): void {
    const traced = x.retrying === null ? null : x.retrying.traced;
    if (traced !== null && traced.trace.isSampled) this.#add(x, traced.trace);
    else if (isFailure(x) || (x.retrying !== null && x.retrying.hasFailed)) this.#addFailure(x);
  }

  #addFailure(x: Exchange): void {
    if (!this.#quota.admits(x.endedAtMs)) this.#failureRate++;
    else {
      const traced = tracedOf(x);
      if (traced !== null) this.#add(x, traced.trace);
    }
  }

  #add(x: Exchange, trace: Trace): void {
    if (this.#rows.length >= ROWS_MAX) {
      this.#queueFull++;
      return;
    }
    this.#rows.push(rowOf(x, trace, this.#sampling === null ? 'omit' : this.#sampling.query));
    if (this.#rows.length >= BATCH_ROWS) this.flush();
  }

  /** Hands over what waits, unless the exporting thread is behind. */
  flush(): void {
    if (this.#unacknowledged < BATCHES_MAX) this.#post();
  }

  /** Hands over what waits, whatever the exporting thread does: the worker ends. */
  close(): void {
    this.#post();
  }

  /** The exporting thread has taken a batch; one that has gone may say so late. */
  taken(): void {
    if (this.#unacknowledged > 0) this.#unacknowledged--;
  }

  #post(): void {
    if (this.#write === null || this.#rows.length + this.#queueFull + this.#failureRate === 0) return;
    const batch = { rows: this.#rows, queueFull: this.#queueFull, failureRate: this.#failureRate };
    this.#rows = [];
    this.#queueFull = 0;
    this.#failureRate = 0;
    this.#unacknowledged++;
    this.#write(batch);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

/** Of the lines for a request that brings nothing, the one with its id. */
function freshIdLine(fresh: string): string {
  return fresh.slice(0, fresh.indexOf('\n') + 1);
}
