/**
 * Sends a request, and keeps what was sent of its body for another attempt. Hot path.
 *
 * A body is copied on its way to the upstream anyway; the copies are kept, framing included, until the response begins
 * or they exceed their limits. Only of requests that may be sent twice. A body that came along with its head is text and
 * kept with it (`small-body.ts`).
 */

import { turnMs } from '../../lib/clock.ts';
import { putLatin1 } from '../../lib/latin1.ts';
import type { Exchange, SentHead } from '../exchange.ts';
import { withTimeLeft } from '../header/request.ts';
import { CHUNKED } from '../http1/framing.ts';
import type { Wire } from '../wire/wire.ts';

const CHUNK_END = '\r\n';

/** Pieces at most: some, and one more for every so many bytes of the limit. A body of tiny pieces costs more than its bytes. */
const PIECES_MIN = 64;
const PIECE_BYTES = 1024;

/** What is kept of a body. */
export interface Replay {
  /** What came along with the head, framed as it is to be sent. */
  readonly text: string;
  /** What followed, each as it was sent. */
  readonly pieces: Buffer[];
  byteCount: number;
}

/**
 * Sends the head, and of the body what has been taken from the client.
 * @param sent the connection's memory for a head; free, as nothing waits and no other exchange uses the connection.
 */
export function sendRequest(x: Exchange, wire: Wire, sent: SentHead): void {
  const { replay } = x;
  const isTooLong = replay !== null && replay.byteCount > x.table.limits.replayBodyBytesMax;
  if (isTooLong || !x.isIdempotent) x.isSpent = true;
  if (replay === null && x.allowedMs === 0 && !wire.isBackedUp && sendDraft(x, wire, sent)) return;
  const head = x.allowedMs === 0 ? x.requestText : withTimeLeft(x, turnMs());
  if (replay === null) {
    wire.writeText(head);
    return;
  }
  wire.writeText(replay.text === '' ? head : head + replay.text);
  for (const piece of replay.pieces) wire.writeBytes(piece, 0, piece.length);
}

/** Sends the head that is being drafted, without making it a text; false when it is not, or not that simple. */
function sendDraft(x: Exchange, wire: Wire, sent: SentHead): boolean {
  const { draft } = x.client.lane;
  if (draft.of !== x) return false;
  const length = draft.put(sent.bytes);
  if (length === 0) return false;
  sent.length = length;
  sent.of = x;
  x.sentFrom(sent);
  wire.writeBytes(sent.bytes, 0, length);
  return true;
}

/** Sends a copy of some of the body, as a chunk if the request is chunked. */
export function sendPiece(x: Exchange, wire: Wire, bytes: Buffer): void {
  const isFramed = x.bodyLength === CHUNKED;
  const frame = isFramed ? `${bytes.length.toString(16)}\r\n` : '';
  const piece = Buffer.allocUnsafe(frame.length + bytes.length + (isFramed ? CHUNK_END.length : 0));
  putLatin1(piece, frame, 0);
  bytes.copy(piece, frame.length);
  if (isFramed) putLatin1(piece, CHUNK_END, frame.length + bytes.length);
  wire.writeBytes(piece, 0, piece.length);
  keepPiece(x, piece);
}

/** Sends what ends the body, if anything does. @param trailers lines that may go on, each with its CRLF. */
export function sendEnd(x: Exchange, wire: Wire, trailers: string): void {
  if (x.bodyLength !== CHUNKED) return;
  const end = Buffer.from(`0\r\n${trailers}\r\n`, 'latin1');
  wire.writeBytes(end, 0, end.length);
  keepPiece(x, end);
}

/**
 * Keeps a piece that was sent, or gives up on all of them: then `x.isSpent`.
 * @param piece never written to again. Cost: O(1).
 */
export function keepPiece(x: Exchange, piece: Buffer): void {
  const bytesMax = x.table.limits.replayBodyBytesMax;
  const byteCount = (x.replay?.byteCount ?? 0) + piece.length;
  const count = x.replay?.pieces.length ?? 0;
  if (x.isSpent || byteCount > bytesMax || count >= PIECES_MIN + bytesMax / PIECE_BYTES) {
    x.dropBody();
    return;
  }
  x.replay ??= { text: '', pieces: [], byteCount: 0 };
  x.replay.pieces.push(piece);
  x.replay.byteCount = byteCount;
}
