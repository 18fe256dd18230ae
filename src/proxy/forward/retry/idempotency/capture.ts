/**
 * Takes the answer to a request with an idempotency key while it goes to its client, to be given again. What of an answer is kept for
 * whom, a fallback or a comparison beside, is decided here (`take`).
 *
 * Kept is an answer that is complete, within the route's `responseBytesMax`, and says what came of the request: 2xx, 3xx, and 4xx but
 * those that ask for another try or for somebody else to ask (`NOT_KEPT`). Not kept, and the key is released: 5xx, what the gateway
 * answers itself, what is longer, ends early, or ends with its connection (nobody can tell whether it is whole), and what there
 * is no room for. Trailers are not kept, and so no answers of gRPC, which say there what came of them.
 */

import type { Exchange } from '../../../exchange.ts';
import { isGrpcHead } from '../../../header/grpc.ts';
import { CHUNKED } from '../../../http1/framing.ts';
import type { ResponseHead } from '../../../http1/response-head.ts';
import { type TakingPart, takePart } from '../../mirror/comparison.ts';
import { type Keeping, keep, linesOf } from '../fallback/keep.ts';
import { letGo } from './hold.ts';
import type { Keyed } from './keyed.ts';
import type { IdempotencyLink } from './link.ts';

/**
 * Another try of the same may be answered otherwise: who asks was not believed (401, 407), it came too slowly, too early or too
 * often (408, 425, 429), to the wrong place (421), or while the upstream was at the same (409).
 */
const NOT_KEPT: ReadonlySet<number> = new Set([401, 407, 408, 409, 421, 425, 429]);
const NO_LENGTH: ReadonlySet<number> = new Set([204, 304]);

/** Whether an answer with this status is given again. */
export function isKeptStatus(status: number): boolean {
  return status >= 200 && status < 500 && !NOT_KEPT.has(status);
}

/** Of an answer, for an idempotency key, for the route's fallbacks, to be compared with others, or for two of these. */
export type Taking = Keeping | Capture | TakingPart | Both;

/** Begins to take an answer whose head is there, for whom there is; null as for most. Cost: two comparisons on routes with neither. */
export function take(x: Exchange, head: ResponseHead): Taking | null {
  if (x.retrying === null) return keepFor(x, head);
  const { keyed, comparing } = x.retrying;
  // First: what is given again is edited.
  const part = comparing === null ? null : takePart(x, comparing, head);
  const own = keyed === null ? keepFor(x, head) : capture(x, keyed, head);
  return part === null || own === null ? (part ?? own) : new Both(part, own);
}

function keepFor(x: Exchange, head: ResponseHead): Keeping | null {
  return x.route === null || x.route.fallback === null ? null : keep(x, head);
}

/** An answer that is taken for two. */
class Both {
  readonly #one: TakingPart;
  readonly #other: Keeping | Capture;

  constructor(one: TakingPart, other: Keeping | Capture) {
    this.#one = one;
    this.#other = other;
  }

  take(bytes: Buffer, from: number, end: number): void {
    this.#one.take(bytes, from, end);
    this.#other.take(bytes, from, end);
  }

  put(): void {
    this.#one.put();
    this.#other.put();
  }

  drop(): void {
    this.#one.drop();
    this.#other.drop();
  }
}

function capture(x: Exchange, keyed: Keyed, head: ResponseHead): Capture | null {
  letGo(x, keyed);
  if (keyed.state !== 'running' || !isKeptStatus(head.status)) return null;
  const bytesMax = keyed.config.responseBytesMax;
  const isChunked = head.bodyLength === CHUNKED;
  if (!isChunked && !(head.bodyLength <= bytesMax)) return null;
  const lines = linesOf(x, head);
  if (isGrpcHead(lines)) return null;
  const left = bytesMax - lines.length;
  const claim = isChunked ? left : head.bodyLength;
  const link = x.client.lane.idempotency;
  if (left < claim || left < 0 || !link.coming.claim(claim)) return null;
  return new Capture(link, keyed, { status: head.status, lines, claim, left });
}

interface Beginning {
  readonly status: number;
  readonly lines: string;
  /** Bytes that were claimed for the body. */
  readonly claim: number;
  /** Longest body. */
  readonly left: number;
}

/** An answer that is being taken. Either `put` or `drop` ends it. */
export class Capture {
  readonly #link: IdempotencyLink;
  readonly #keyed: Keyed;
  readonly #beginning: Beginning;
  #left: number;
  #pieces: Buffer[] | null = [];

  constructor(link: IdempotencyLink, keyed: Keyed, beginning: Beginning) {
    this.#link = link;
    this.#keyed = keyed;
    this.#beginning = beginning;
    this.#left = beginning.left;
  }

  /** Copies body bytes. */
  take(bytes: Buffer, from: number, end: number): void {
    if (this.#pieces === null || end === from) return;
    this.#left -= end - from;
    if (this.#left < 0) this.drop();
    else this.#pieces.push(Buffer.from(bytes.subarray(from, end)));
  }

  /** The answer is complete. */
  put(): void {
    if (this.#pieces === null) return;
    const pieces = this.#pieces;
    this.#pieces = null;
    const { status, lines, claim } = this.#beginning;
    this.#link.coming.giveBack(claim);
    const body = concat(pieces);
    // Source: RFC 9110 section 8.6.
    const length = NO_LENGTH.has(status) ? '' : `Content-Length: ${body.length}\r\n`;
    this.#keyed.state = 'over';
    this.#keyed.outcome = 'kept';
    this.#link.keep(this.#keyed.id, { status, lines: lines + length, body }, this.#keyed.config.ttlMs);
  }

  /** It does not come as a whole, or is too long: the key is released when the exchange is over. */
  drop(): void {
    if (this.#pieces === null) return;
    this.#pieces = null;
    this.#link.coming.giveBack(this.#beginning.claim);
  }
}

/** In memory of its own, which can be given away. */
function concat(pieces: readonly Buffer[]): Uint8Array {
  const body = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    body.set(piece, at);
    at += piece.length;
  }
  return body;
}
