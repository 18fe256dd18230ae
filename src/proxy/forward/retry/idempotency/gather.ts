/**
 * Reads the body of a request with an idempotency key as a whole, before anything is sent: what is asked has to be known.
 *
 * Bodies are held whole here, against principle 13: each up to the route's `requestBytesMax`, all of a worker within
 * `HELD_BYTES_MAX` (`link.ts`).
 */

import { REASON, type Reason } from '../../../../model/reason.ts';
import type { Exchange } from '../../../exchange.ts';
import { type BodyReader, BROKEN, END, EXCESS } from '../../../http1/body.ts';
import { CHUNKED } from '../../../http1/framing.ts';
import { allowedTrailers } from '../../../http1/trailers.ts';
import { type Keyed, keyedOf } from './keyed.ts';

/** What a piece takes besides its bytes: a body that trickles in is many of them. */
const PIECE_BYTES = 128;
/** Bodies up to this leave with their heads, in one write. */
const JOINED_BYTES_MAX = 16_384;

/** Where body bytes that have come stand: `bytes[from..end)`. */
export interface Arrived {
  readonly bytes: Buffer;
  from: number;
  readonly end: number;
}

/** Is the body of this exchange being read for its key? Not any more when it is answered without. */
export function isGathering(x: Exchange): boolean {
  return keyedOf(x)?.state === 'gathering' && !x.responseStarted;
}

/** Takes of the body what is there, and its end if nothing within it says that. @returns why the request is refused, or `REASON.none`. Sets `x.requestDone` */
export function gather(x: Exchange, body: BodyReader, input: Arrived): Reason {
  const keyed = keyedOf(x) as Keyed;
  const bytesMax = Math.min(keyed.config.requestBytesMax, x.table.limits.bodyBytesMax);
  if (x.bodyLength > bytesMax) return REASON.bodyTooLarge;
  if (input.from === input.end && !body.isDone) return REASON.none;
  const { bytes } = input;
  const step = body.gather(bytes, input.from, input.end);
  if (body.received > bytesMax) return REASON.bodyTooLarge;
  if (step === BROKEN || step === EXCESS) return REASON.badRequest;
  input.from = body.position;
  const isEnd = step === END;
  const data = bytes.subarray(body.dataStart, body.dataEnd);
  keyed.hash.update(data);
  const claim = data.length + PIECE_BYTES;
  if (!x.client.lane.idempotency.held.claim(claim)) return REASON.shed;
  keyed.heldBytes += claim;
  const piece = pieceOf(data, x.bodyLength === CHUNKED, isEnd ? allowedTrailers(body.trailers, x.table.names) : null);
  x.replay ??= { text: '', pieces: [], byteCount: 0 };
  if (piece.length > 0) x.replay.pieces.push(piece);
  x.replay.byteCount += piece.length;
  x.requestDone = isEnd;
  if (isEnd && x.replay.byteCount <= JOINED_BYTES_MAX) {
    const { pieces, byteCount } = x.replay;
    x.replay = { text: Buffer.concat(pieces).toString('latin1'), pieces: [], byteCount };
  }
  return REASON.none;
}

/** A copy, framed as it is to be sent. @param trailers of a body that ends with it, or null. */
function pieceOf(data: Buffer, isChunked: boolean, trailers: string | null): Buffer {
  if (!isChunked) return Buffer.from(data);
  const frame = data.length === 0 ? '' : `${data.length.toString(16)}\r\n`;
  const last = trailers === null ? '' : `0\r\n${trailers}\r\n`;
  const end = data.length === 0 ? last : `\r\n${last}`;
  return Buffer.concat([Buffer.from(frame, 'latin1'), data, Buffer.from(end, 'latin1')]);
}
