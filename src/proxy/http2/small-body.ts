/**
 * Takes a stream's body that came along with its head, to be sent along with it, as over HTTP/1.1 (`forward/small-body.ts`).
 *
 * Only one that is here as a whole, as that of a unary call of gRPC is: then nobody has to listen for more of it, or for trailers.
 * What the runtime has read of it lies in the stream's own queue, whether anybody reads or not.
 */

import type { ServerHttp2Stream } from 'node:http2';
import { latin1Of } from '../../lib/latin1.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import { isGathering } from '../forward/retry/idempotency/gather.ts';
import { chunkedText, SMALL_BODY_BYTES_MAX } from '../forward/small-body.ts';
import { type BodyReader, END } from '../http1/body.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { Blocks } from './field-blocks.ts';

const NOTHING = Buffer.alloc(0);

/** As far as a body can be taken from it. */
export type Source = Pick<ServerHttp2Stream, 'read' | 'readableLength' | 'state'>;

/**
 * Moves the body to `x.replay` if it is small and here, without trailers: then `x.requestDone`. Else nothing is read.
 * @param body started @returns why it is to be refused, or `REASON.none`
 */
export function takeSmallBody(x: Exchange, body: BodyReader, stream: Source, blocks: Blocks | null): Reason {
  if (isGathering(x) || x.awaitsContinue || stream.readableLength > SMALL_BODY_BYTES_MAX) return REASON.none;
  // What it says is of the session, which had all that was read before anybody heard of the stream.
  if (blocks === null || blocks.trailer >= 0 || stream.state.remoteClose !== 1) return REASON.none;
  // Not its end: a stream whose end was read while its answer leaves is dearer (docs/adr/0027-node-http2.md).
  const bytes = stream.readableLength === 0 ? NOTHING : (stream.read(stream.readableLength) as Buffer);
  const step = body.gather(bytes, 0, bytes.length);
  if (body.received > x.table.limits.bodyBytesMax) return REASON.bodyTooLarge;
  const isChunked = x.bodyLength === CHUNKED;
  if (body.position !== bytes.length || (step !== END && !isChunked)) return REASON.badRequest;
  if (isChunked) body.finish('');
  const text = latin1Of(bytes, 0, bytes.length);
  const framed = isChunked ? chunkedText(text, '') : text;
  x.requestDone = true;
  x.replay = { text: framed, pieces: [], byteCount: framed.length };
  return REASON.none;
}
