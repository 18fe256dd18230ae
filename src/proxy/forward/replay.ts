/**
 * Sends a request, and keeps what was sent of its body for another attempt. Hot path.
 *
 * Copies of a body are kept, framing included, until the response begins or they exceed their limits. Only of requests
 * that may be sent twice: of others, and beyond the limits, a body is sent from where it stands. A body that came along
 * with its head is text and kept with it (`small-body.ts`).
 */

import { turnMs } from '../../lib/clock.ts';
import { putLatin1 } from '../../lib/latin1.ts';
import type { Exchange } from '../exchange.ts';
import { towardsUpstream } from '../filter/pace.ts';
import { withTimeLeft } from '../header/request.ts';
import type { BodyReader } from '../http1/body.ts';
import type { Room } from '../http1/fields/moving.ts';
import { CHUNKED } from '../http1/framing.ts';
import { frameChunk, sendPart } from '../http1/relay.ts';
import { allowedTrailers } from '../http1/trailers.ts';
import { whole } from '../wire/memory/memory.ts';
import { Slabs } from '../wire/memory/slabs.ts';
import type { Outlet } from '../wire/wire.ts';

const CHUNK_END = '\r\n';

/** Pieces at most: some, and one more for every so many bytes of the limit. A body of tiny pieces costs more than its bytes. */
export const PIECES_MIN = 64;
export const PIECE_BYTES = 1024;

/** Longer heads of requests are sent as text. */
const SENT_BYTES = 4096;
/** In the thread's memory so many connections have a place for their head; more have memory of their own. */
const PLACES = 1024;
const slabs = new Slabs(PLACES, SENT_BYTES);

/** The place where a connection puts the heads that it sends: `bytes[at..at + length)`. */
export class SentHead implements Room {
  bytes: Buffer;
  at: number;
  readonly room = SENT_BYTES;
  length = 0;
  /** How many heads were put here. An exchange keeps the number of its own, and sees by it that another stands here now. */
  nth = 0;

  constructor() {
    const place = slabs.take();
    this.bytes = place < 0 ? Buffer.allocUnsafeSlow(SENT_BYTES) : whole;
    this.at = Math.max(place, 0);
  }

  /** The connection ends: its place is the next one's, and what may still be asked for is copied out of it. */
  leave(): void {
    if (this.bytes !== whole) return;
    const { at } = this;
    this.bytes = Buffer.from(whole.subarray(at, at + this.length));
    this.at = 0;
    slabs.give(at);
  }
}

/** What is kept of a body. */
export interface Replay {
  /** What came along with the head, framed as it is to be sent. */
  readonly text: string;
  /** What followed, each as it was sent. */
  readonly pieces: Buffer[];
  byteCount: number;
}

/** Some of a body that was gathered. */
export interface Piece {
  readonly bytes: Buffer;
  /** Whose span of `bytes` it is. */
  readonly body: BodyReader;
  /** The body ends with it. */
  readonly isEnd: boolean;
  /** The bytes stay as they are until they are sent, and may be written around; no other attempt will need them. */
  readonly isOwn: boolean;
}

/**
 * Sends the head, and of the body what has been taken from the client.
 * @param sent the connection's memory for a head; free, as nothing waits and no other exchange uses the connection.
 */
export function sendRequest(x: Exchange, wire: Outlet, sent: SentHead): void {
  const { replay } = x;
  if (!x.isIdempotent || isTooLong(x)) x.isSpent = true;
  if (replay === null && x.allowedMs === 0 && !wire.isBackedUp && sendDraft(x, wire, sent)) return;
  const head = x.allowedMs === 0 ? x.requestText : withTimeLeft(x, turnMs());
  if (replay === null) {
    wire.writeText(head);
    return;
  }
  const out = towardsUpstream(x, wire);
  wire.writeText(replay.text === '' || out !== wire ? head : head + replay.text);
  if (out !== wire) out.writeBytes(Buffer.from(replay.text, 'latin1'), 0, replay.text.length);
  for (const piece of replay.pieces) out.writeBytes(piece, 0, piece.length);
}

/** What came of the body is more than is kept. */
export function isTooLong({ replay, table }: Exchange): boolean {
  return replay !== null && replay.byteCount > table.limits.replayBodyBytesMax;
}

/** Sends the head that is being drafted, without making it a text; false when it is not, or not that simple. */
function sendDraft(x: Exchange, wire: Outlet, sent: SentHead): boolean {
  const { draft } = x.client.lane;
  if (draft.of !== x) return false;
  const length = draft.put(sent);
  if (length === 0) return false;
  sent.length = length;
  sent.nth++;
  x.sentFrom(sent);
  wire.writeSoon(sent.bytes, sent.at, sent.at + length);
  return true;
}

/** Sends some of the body, as a chunk if the request is chunked. Cost: copies the bytes only if they cannot stay. */
export function sendPiece(x: Exchange, wire: Outlet, sent: Piece): void {
  const { bytes, body, isEnd, isOwn } = sent;
  if (x.retrying !== null && x.retrying.copying !== null) x.client.lane.mirrors.take(x, x.retrying.copying, sent);
  const isFramed = x.bodyLength === CHUNKED;
  const last = isFramed && isEnd ? `0\r\n${allowedTrailers(body.trailers, x.table.names)}\r\n` : '';
  if (isOwn) {
    x.dropBody();
    sendPart(wire, bytes, body, isFramed ? frameChunk(bytes, body, last) : '');
    return;
  }
  const piece = copyOf(bytes.subarray(body.dataStart, body.dataEnd), isFramed, last);
  if (piece.length === 0) return;
  wire.writeBytes(piece, 0, piece.length);
  keepPiece(x, piece);
}

/** The bytes as HTTP/1.1 sends them, and as they are kept whatever they are sent in. @param last what follows them. */
export function copyOf(bytes: Buffer, isFramed: boolean, last: string): Buffer {
  if (!isFramed) return Buffer.from(bytes);
  const size = bytes.length;
  const frame = size === 0 ? '' : `${size.toString(16)}\r\n`;
  const end = size === 0 ? last : CHUNK_END + last;
  const piece = Buffer.allocUnsafe(frame.length + size + end.length);
  putLatin1(piece, frame, 0);
  bytes.copy(piece, frame.length);
  putLatin1(piece, end, frame.length + size);
  return piece;
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
