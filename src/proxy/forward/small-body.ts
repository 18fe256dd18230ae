/**
 * Takes a body that arrived along with its head, to be sent along with it. Hot path.
 *
 * One write instead of two, and what was sent is kept as text with the head, so that it can be sent again. Of a chunked
 * body whatever has arrived is taken: only reading it tells whether it is whole. Kept apart from the head, which others
 * search for fields.
 */

import { latin1Of } from '../../lib/latin1.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import { type BodyReader, BROKEN, END, EXCESS } from '../http1/body.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { Input } from '../http1/input.ts';
import { allowedTrailers } from '../http1/trailers.ts';
import { gather, isGathering } from './retry/idempotency/gather.ts';

export const SMALL_BODY_BYTES_MAX = 16_384;

/**
 * Moves the body from the input to `x.replay` if it is small and here. One that the client sends only after a 100 is
 * left alone.
 * @returns why the body is to be refused, or `REASON.none`.
 * Cost: two comparisons without a body; else O(bytes).
 */
export function takeSmallBody(x: Exchange, body: BodyReader, input: Input): Reason {
  if (isGathering(x)) return x.requestDone ? REASON.none : gather(x, body, input);
  if (x.requestDone || x.awaitsContinue || input.isEmpty) return REASON.none;
  const isChunked = x.bodyLength === CHUNKED;
  if ((isChunked ? input.length : x.bodyLength) > SMALL_BODY_BYTES_MAX) return REASON.none;
  if (!isChunked && x.bodyLength > input.length) return REASON.none;
  const { bytes } = input;
  const step = body.gather(bytes, input.from, input.end);
  if (body.received > x.table.limits.bodyBytesMax) return REASON.bodyTooLarge;
  if (step === BROKEN || step === EXCESS) return REASON.badRequest;
  input.from = body.position;
  const text = latin1Of(bytes, body.dataStart, body.dataEnd);
  x.requestDone = step === END;
  const framed = isChunked
    ? chunkedText(text, step === END ? allowedTrailers(body.trailers, x.table.names) : null)
    : text;
  x.replay = { text: framed, pieces: [], byteCount: framed.length };
  return REASON.none;
}

/** A text as one chunk. @param trailers of a body that ends here, each with its CRLF, or null. */
export function chunkedText(text: string, trailers: string | null): string {
  const chunk = text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`;
  return trailers === null ? chunk : `${chunk}0\r\n${trailers}\r\n`;
}

/** What is wrong with a request's body, for people. */
export function bodyFaultText(reason: Reason): string {
  if (reason === REASON.shed) return 'too many bodies wait for their idempotency keys';
  return reason === REASON.bodyTooLarge ? 'the body exceeds the limit' : 'invalid chunked body';
}
