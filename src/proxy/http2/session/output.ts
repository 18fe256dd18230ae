/**
 * What a session has to say, gathered until the end of the loop's round: the answers of one round leave in one write. Hot path.
 *
 * Frames are written where they will leave from. Most rounds have little to say; the memory for that, and that for more, is shared
 * by all sessions of a thread, so that one with nothing to say holds none. Memory that the kernel does not take at once is given
 * up to the write.
 */

import { atRoundsEnd, type Wire } from '../../wire/wire.ts';
import { type FrameHead, HEADER_BYTES, putWord } from '../frames.ts';

/** Memory for little, and for much: what a round brings of a large answer. */
const LITTLE_BYTES = 8192;
const MUCH_BYTES = 69_632;
/** Memories of each kind that are kept for the next session. */
const LITTLE_FREE_MAX = 32;
const MUCH_FREE_MAX = 4;

const little: Buffer[] = [];
const much: Buffer[] = [];
const NONE = Buffer.alloc(0);

export class Output {
  readonly #wire: Pick<Wire, 'waitingBytes' | 'writeBytes'>;
  #bytes: Buffer = NONE;
  /** Where the next frame is to be written, in what `reserve` returned; whoever writes moves it on. */
  end = 0;
  #isDue = false;
  #isOver = false;

  constructor(wire: Pick<Wire, 'waitingBytes' | 'writeBytes'>) {
    this.#wire = wire;
  }

  /** The kernel has not taken what was sent: nothing that can wait is to be added. */
  get isHeldUp(): boolean {
    return this.#wire.waitingBytes > 0;
  }

  /** Bytes that the peer has not been sent. */
  get waitingBytes(): number {
    return this.#wire.waitingBytes + this.end;
  }

  /** Makes room at `end`. @param byteCount up to `MUCH_BYTES` @returns the memory to write into */
  reserve(byteCount: number): Buffer {
    if (!this.#isDue) {
      this.#isDue = true;
      atRoundsEnd(this);
    }
    if (this.end + byteCount > this.#bytes.length) this.#extend(byteCount);
    return this.#bytes;
  }

  /** Adds frames that are written already. */
  put(frames: Buffer): void {
    const into = this.reserve(frames.length);
    this.end += frames.copy(into, this.end);
  }

  /** Begins a frame, with room for all of it, whose own bytes are to be written at `end`. @returns the memory to write into */
  frame(length: number, type: number, flags: number, id: number): Buffer {
    const into = this.reserve(HEADER_BYTES + length);
    this.end = putHead(into, this.end, { length, type, flags, id });
    return into;
  }

  /** Sends it now, and drops what comes. */
  close(): void {
    this.flush();
    this.#isOver = true;
  }

  /** Drops what there is, as part of it may be half a frame, and what comes. */
  drop(): void {
    this.end = 0;
    this.#isOver = true;
  }

  /** Sends it now. */
  flush(): void {
    this.#isDue = false;
    const bytes = this.#bytes;
    const { end } = this;
    this.#bytes = NONE;
    this.end = 0;
    if (end > 0 && !this.#isOver) this.#wire.writeBytes(bytes, 0, end);
    if (!this.isHeldUp) giveBack(bytes);
  }

  #extend(byteCount: number): void {
    const bytes = this.#bytes;
    const { end } = this;
    if (bytes.length === MUCH_BYTES) {
      this.flush();
      this.reserve(byteCount);
      return;
    }
    const isLittle = end + byteCount <= LITTLE_BYTES;
    this.#bytes = (isLittle ? little : much).pop() ?? Buffer.allocUnsafeSlow(isLittle ? LITTLE_BYTES : MUCH_BYTES);
    bytes.copy(this.#bytes, 0, 0, end);
    giveBack(bytes);
    if (end + byteCount > MUCH_BYTES) {
      this.flush();
      this.reserve(byteCount);
    }
  }
}

/** Writes what stands before a frame. @returns where its own bytes begin */
export function putHead(into: Uint8Array, at: number, { length, type, flags, id }: FrameHead): number {
  into[at] = length >>> 16;
  into[at + 1] = length >>> 8;
  into[at + 2] = length;
  into[at + 3] = type;
  into[at + 4] = flags;
  return putWord(into, at + 5, id);
}

function giveBack(bytes: Buffer): void {
  if (bytes.length === LITTLE_BYTES && little.length < LITTLE_FREE_MAX) little.push(bytes);
  else if (bytes.length === MUCH_BYTES && much.length < MUCH_FREE_MAX) much.push(bytes);
}
