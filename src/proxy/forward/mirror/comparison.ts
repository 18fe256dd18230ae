/**
 * Takes the answers to one request that are to be compared: the client's, a second one of the same version, the mirror's.
 *
 * The client's answer is copied while it passes, as it came from its upstream, and waits for nothing. Whatever comes in the way
 * of any of the three ends the comparison and frees what it held: an answer that ends early, is longer than the route takes, ends
 * with its connection (nobody can tell whether it is whole) or is another version's, or none at all. The second call ends with it; the
 * mirror's copy is sent and answered as any.
 * Bodies are held whole here, against principle 13: within `limits.compareBytesMax` and `bodyBytesMax`, beside the stream.
 *
 * Bounded: so many comparisons that wait for answers, and so many bytes of all of them and of those that the main thread has not
 * compared yet. What there is no room for is counted, not made. When all places are taken the one that has waited for longest
 * gives way, once that was `WAIT_MS`, so that clients that do not read keep no others away.
 */

import { turnMs } from '../../../lib/clock.ts';
import {
  type ComparedBatch,
  type MirrorFilter,
  noneUncompared,
  type TakenAnswer,
  type UncomparedReason,
} from '../../../model/threads/requests/compared.ts';
import type { LinkedRoute, LinkedSplit } from '../../decide/table.ts';
import type { Exchange } from '../../exchange.ts';
import { UNTIL_CLOSE } from '../../http1/body.ts';
import { CHUNKED } from '../../http1/framing.ts';
import type { ResponseHead } from '../../http1/response-head.ts';

/** Comparisons of a worker that wait for answers; each has two copies (`COPIES_MAX`, mirror.ts). */
export const COMPARISONS_MAX = 32;
/** How long answers may take before their comparison gives way to another. */
export const WAIT_MS = 10_000;
/** What a comparison costs beside its heads and bodies, in bytes. */
export const FIXED_BYTES = 1024;
/** What memory for a chunked body begins with. */
const FIRST_BYTES = 4096;

/** What a mirror's answers are compared by. */
export interface LinkedCompare {
  /** Of the mirror. */
  readonly service: string;
  readonly version: string;
  readonly bodyBytesMax: number;
}

/** Links the comparing of a mirror; null where its answers are thrown away. */
export function linkCompare({ service, version, compare }: MirrorFilter): LinkedCompare | null {
  return compare === undefined ? null : { service, version, bodyBytesMax: compare.bodyBytesMax };
}

/** Whether a version may be asked a second time now: it has a place to spare, though the call takes none, and does not fail. */
function isAtEase({ admission, breaker }: LinkedSplit): boolean {
  return admission?.isPressed !== true && (breaker === null || breaker.state === 'closed');
}

/** Fields of requests that their sender means to be sent once (RFC 9449, DPoP), or whose answers do not end by themselves. */
const ONCE = /^(?:(?:idempotency-key|dpop):|accept:.*text\/event-stream)/im;

/** Whether the answers to a request are compared: one that is safe, may be sent twice, and has no body that would come later. */
export function isComparable({ method, bodyLength, requestText }: Exchange): boolean {
  return bodyLength === 0 && (method === 'GET' || method === 'HEAD') && !ONCE.test(requestText);
}

/** Which of the answers; their numbers are the order in which they are kept. */
export const SIDE = { primary: 0, second: 1, mirrored: 2 } as const;

export type Side = (typeof SIDE)[keyof typeof SIDE];

/** One answer of a comparison, for the exchange that it is to. */
export interface Part {
  readonly of: Comparison;
  readonly side: Side;
}

/** What may be wrong with any of the answers. */
type Fault = 'too_long' | 'no_answer' | 'truncated';

/** The answers to one request, until all are here. */
export class Comparison {
  readonly route: string;
  readonly compare: LinkedCompare;
  /** Whose answer the first one must be. */
  readonly split: LinkedSplit;
  readonly begunAtMs: number;
  readonly answers: (TakenAnswer | null)[] = [null, null, null];
  /** Of the worker's bytes. */
  claimed = 0;
  isOver = false;
  /** Ends the second call, which is of no use to anybody else; null: there is none. */
  endSecond: (() => void) | null = null;
  readonly #comparisons: Comparisons;

  constructor(comparisons: Comparisons, x: Exchange, compare: LinkedCompare) {
    this.#comparisons = comparisons;
    this.route = (x.route as LinkedRoute).name;
    this.compare = compare;
    this.split = x.split as LinkedSplit;
    this.begunAtMs = turnMs();
  }

  /** Claims more of the worker's bytes; false: there are not so many. */
  claim(byteCount: number): boolean {
    return this.#comparisons.claim(this, byteCount);
  }

  /** Some of what was claimed is not needed. */
  giveBack(byteCount: number): void {
    if (!this.isOver) this.#comparisons.giveBack(this, byteCount);
  }

  /** Ends it without a result. Idempotent. */
  end(reason: UncomparedReason): void {
    this.#comparisons.end(this, reason);
  }

  /** Ends it because of one of its answers. Idempotent. */
  lacks(side: Side, fault: Fault): void {
    this.end(side === SIDE.mirrored ? `mirror_${fault}` : fault);
  }

  /** Ends it because its answers take too long: whose, if only one is missing. */
  giveWay(): void {
    const isMirrors = this.answers.findIndex((answer) => answer === null) === SIDE.mirrored;
    this.lacks(isMirrors ? SIDE.mirrored : SIDE.primary, 'no_answer');
  }

  /** One of its answers is here. */
  put(side: Side, answer: TakenAnswer): void {
    if (this.isOver) return;
    this.answers[side] = answer;
    if (!this.answers.includes(null)) this.#comparisons.complete(this);
  }
}

/** The comparisons of one worker. */
export class Comparisons {
  readonly #write: (batch: ComparedBatch) => void;
  /** Oldest first. */
  readonly #open = new Set<Comparison>();
  #complete: Comparison[] = [];
  #uncompared = new Map<string, ReturnType<typeof noneUncompared>>();
  #bytesMax = 0;
  #bytes = 0;
  /** Of the batch that the main thread has; it takes one after another. */
  #takenBytes = 0;
  #isAway = false;

  /** @param write hands a batch over; each must be answered with `taken`. */
  constructor(write: (batch: ComparedBatch) => void) {
    this.#write = write;
  }

  /** Bytes that are claimed, those that the main thread has included. */
  get bytes(): number {
    return this.#bytes;
  }

  configure(bytesMax: number): void {
    this.#bytesMax = bytesMax;
  }

  /**
   * Begins to compare the answers to a request that has been sent on its way; null: there is no room, or its version is not at ease,
   * which is counted.
   */
  begin(x: Exchange, compare: LinkedCompare): Comparison | null {
    const comparison = new Comparison(this, x, compare);
    if (!isAtEase(comparison.split) || !this.#hasPlace()) this.#count(comparison.route, 'busy');
    else if (!this.claim(comparison, FIXED_BYTES)) this.#count(comparison.route, 'memory');
    else {
      this.#open.add(comparison);
      return comparison;
    }
    return null;
  }

  claim(comparison: Comparison, byteCount: number): boolean {
    if (byteCount > this.#bytesMax - this.#bytes) return false;
    this.#bytes += byteCount;
    comparison.claimed += byteCount;
    return true;
  }

  giveBack(comparison: Comparison, byteCount: number): void {
    this.#bytes -= byteCount;
    comparison.claimed -= byteCount;
  }

  end(comparison: Comparison, reason: UncomparedReason): void {
    if (comparison.isOver) return;
    comparison.isOver = true;
    this.#open.delete(comparison);
    this.#bytes -= comparison.claimed;
    comparison.answers.fill(null);
    comparison.endSecond?.();
    comparison.endSecond = null;
    this.#count(comparison.route, reason);
  }

  complete(comparison: Comparison): void {
    comparison.isOver = true;
    comparison.endSecond = null;
    this.#open.delete(comparison);
    this.#complete.push(comparison);
  }

  /** Hands over what there is, unless the main thread is at the batch before. */
  flush(): void {
    if (this.#isAway || this.#complete.length + this.#uncompared.size === 0) return;
    const complete = this.#complete;
    const uncompared = this.#uncompared;
    this.#complete = [];
    this.#uncompared = new Map();
    this.#isAway = true;
    this.#takenBytes = complete.reduce((sum, { claimed }) => sum + claimed, 0);
    this.#write({ answers: complete.map(takenOf), uncompared });
  }

  /** The main thread is done with the batch. */
  taken(): void {
    this.#isAway = false;
    this.#bytes -= this.#takenBytes;
    this.#takenBytes = 0;
  }

  #hasPlace(): boolean {
    if (this.#open.size < COMPARISONS_MAX) return true;
    const [oldest] = this.#open;
    if (oldest === undefined || turnMs() - oldest.begunAtMs < WAIT_MS) return false;
    oldest.giveWay();
    return true;
  }

  #count(route: string, reason: UncomparedReason): void {
    const counts = this.#uncompared.get(route) ?? noneUncompared();
    counts[reason] += 1;
    this.#uncompared.set(route, counts);
  }
}

function takenOf({ route, compare, answers }: Comparison): ComparedBatch['answers'][number] {
  const [primary, second, mirrored] = answers as [TakenAnswer, TakenAnswer, TakenAnswer];
  return { route, candidate: `${compare.service}/${compare.version}`, primary, second, mirrored };
}

/** Begins to take an answer whose head is there; null when it is not to be compared any more. */
export function takePart(x: Exchange, { of, side }: Part, head: ResponseHead): TakingPart | null {
  if (of.isOver) return null;
  const isAnothers = side === SIDE.primary && x.split !== of.split;
  if (isAnothers) of.end('other_version');
  else if (head.bodyLength === UNTIL_CLOSE) of.lacks(side, 'truncated');
  if (of.isOver) return null;
  const isChunked = head.bodyLength === CHUNKED;
  const { bodyBytesMax } = of.compare;
  const length = isChunked ? bodyBytesMax : head.bodyLength;
  const { text } = head.fields;
  if (length > bodyBytesMax) of.lacks(side, 'too_long');
  else if (!of.claim(text.length + length)) of.end('memory');
  if (of.isOver) return null;
  return new TakingPart({ of, side }, { status: head.status, head: text }, isChunked ? FIRST_BYTES : length, length);
}

/** An answer that is being taken. Either `put` or `drop` ends it. */
export class TakingPart {
  readonly #part: Part;
  readonly #beginning: Omit<TakenAnswer, 'body'>;
  readonly #lengthMax: number;
  /** Null: it is taken, or will not be. */
  #body: Uint8Array<ArrayBuffer> | null;
  #length = 0;

  constructor(part: Part, beginning: Omit<TakenAnswer, 'body'>, length: number, lengthMax: number) {
    this.#part = part;
    this.#beginning = beginning;
    this.#body = new Uint8Array(Math.min(length, lengthMax));
    this.#lengthMax = lengthMax;
  }

  /** Copies body bytes. */
  take(bytes: Buffer, from: number, end: number): void {
    if (this.#body === null || end === from) return;
    const length = this.#length + end - from;
    if (this.#part.of.isOver) this.#body = null;
    else if (length > this.#lengthMax) this.#lacks('too_long');
    else {
      if (length > this.#body.length) this.#body = resized(this.#body, Math.min(this.#lengthMax, 2 * length));
      this.#body.set(bytes.subarray(from, end), this.#length);
      this.#length = length;
    }
  }

  /** The answer is complete. */
  put(): void {
    if (this.#body === null) return;
    const { of, side } = this.#part;
    const body = this.#length === this.#body.length ? this.#body : resized(this.#body, this.#length);
    this.#body = null;
    of.giveBack(this.#lengthMax - this.#length);
    of.put(side, { ...this.#beginning, body });
  }

  /** It does not come as a whole. */
  drop(): void {
    if (this.#body !== null) this.#lacks('truncated');
  }

  #lacks(fault: Fault): void {
    const { of, side } = this.#part;
    this.#body = null;
    of.lacks(side, fault);
  }
}

/** A copy in memory of its own, which can be given away. */
function resized(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(size);
  copy.set(bytes.subarray(0, Math.min(bytes.length, size)));
  return copy;
}
