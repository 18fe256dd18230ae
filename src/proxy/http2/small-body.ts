/**
 * Takes a stream's body that came along with its head, to be sent along with it, as over HTTP/1.1 (`forward/small-body.ts`).
 *
 * Only one that is here as a whole, as that of a unary call of gRPC is: what was read with a head lies in the stream when its
 * request begins.
 */

import { latin1Of } from '../../lib/latin1.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import { isGathering } from '../forward/retry/idempotency/gather.ts';
import { chunkedText, SMALL_BODY_BYTES_MAX } from '../forward/small-body.ts';
import type { BodyReader } from '../http1/body.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { Http2Stream } from './session/stream.ts';

/** As far as a body can be taken from it. */
export type Source = Pick<Http2Stream, 'read' | 'keptBytes' | 'hasEnded' | 'trailers'>;

/**
 * Moves the body to `x.replay` if it is small and here, without trailers: then `x.requestDone`. Else nothing is read.
 * @param stream whose body is as long as announced @param body started @returns why it is to be refused, or `REASON.none`
 */
export function takeSmallBody(x: Exchange, body: BodyReader, stream: Source): Reason {
  if (isGathering(x) || x.awaitsContinue || stream.keptBytes > SMALL_BODY_BYTES_MAX) return REASON.none;
  if (!stream.hasEnded || stream.trailers !== null) return REASON.none;
  let text = '';
  for (let bytes = stream.read(); bytes !== null; bytes = stream.read()) {
    body.gather(bytes, 0, bytes.length);
    text += latin1Of(bytes, 0, bytes.length);
  }
  if (body.received > x.table.limits.bodyBytesMax) return REASON.bodyTooLarge;
  const isChunked = x.bodyLength === CHUNKED;
  if (isChunked) body.finish('');
  const framed = isChunked ? chunkedText(text, '') : text;
  x.requestDone = true;
  x.replay = { text: framed, pieces: [], byteCount: framed.length };
  return REASON.none;
}
