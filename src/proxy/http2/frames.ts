/**
 * Tells the frames in a stream of bytes apart, without looking into them.
 *
 * Only the nine bytes before each frame are read, wherever the stream is cut, and handed on what of header blocks comes behind
 * them. What the frames say is for the runtime's session to read (docs/adr/0027-node-http2.md).
 * Source: RFC 9113 sections 3.4, 4.1, 6.
 */

/** What a client begins with. */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Bits of a frame's flags; both ends of something. */
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

const HEADER_BYTES = 9;

/** Hears of each frame when its header is complete. */
export interface FrameEvents {
  /** @returns whether to go on. */
  frame(type: number, flags: number, length: number, streamId: number): boolean;
  /** Some of a frame's bytes, of frames that carry header blocks. @param left how many more there are of it */
  part?(bytes: Uint8Array, from: number, end: number, left: number): void;
}

/** Follows one direction of a connection. */
export class FrameReader {
  readonly #events: FrameEvents;
  /** Bytes to the next frame's header. */
  #left: number;
  /** Bytes of the header that are here, and what they say. */
  #have = 0;
  #length = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** The frame carries a header block, or a part of one. */
  #hasBlock = false;
  /** How far the last `take` has looked. */
  position = 0;

  /** @param preface length of what comes before the first frame. */
  constructor(events: FrameEvents, preface: number) {
    this.#events = events;
    this.#left = preface;
  }

  /** Whether it stands within a frame, its header included. */
  get isWithin(): boolean {
    return this.#left > 0 || this.#have > 0;
  }

  /** Takes what was read. @returns false when it was told not to go on: then the rest was not looked at (`position`). */
  take(bytes: Uint8Array, from: number, end: number): boolean {
    this.position = end;
    let at = from;
    while (at < end) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, end - at);
        this.#left -= skipped;
        at += skipped;
        if (this.#hasBlock) this.#events.part?.(bytes, at - skipped, at, this.#left);
        continue;
      }
      this.#header(bytes[at++] as number);
      if (this.#have < HEADER_BYTES) continue;
      this.#have = 0;
      this.#left = this.#length;
      this.#hasBlock = this.#type === FRAME.headers || this.#type === FRAME.continuation;
      if (this.#events.frame(this.#type, this.#flags, this.#length, this.#streamId & 0x7fffffff)) continue;
      this.position = at;
      return false;
    }
    return true;
  }

  #header(byte: number): void {
    const place = this.#have++;
    if (place < 3) this.#length = place === 0 ? byte : (this.#length << 8) | byte;
    else if (place === 3) this.#type = byte;
    else if (place === 4) this.#flags = byte;
    else this.#streamId = place === 5 ? byte : (this.#streamId << 8) | byte;
  }
}

/** A GOAWAY frame without debug data. @param last highest stream that was or will be dealt with. */
export function goawayFrame(last: number, code: number): Buffer {
  const frame = Buffer.alloc(HEADER_BYTES + 8);
  frame[2] = 8;
  frame[3] = FRAME.goaway;
  frame.writeUInt32BE(last, HEADER_BYTES);
  frame.writeUInt32BE(code, HEADER_BYTES + 4);
  return frame;
}
