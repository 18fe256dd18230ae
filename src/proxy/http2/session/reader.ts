/**
 * Cuts what was read into frames, wherever the reads end. Hot path.
 *
 * A frame is looked at where it was read; only one that a read cuts is copied, and never DATA, whose bytes are handed on as they
 * come. What stands before a frame is heard of as soon as it is here, before anything is kept of the frame.
 * Source: RFC 9113 sections 4.1, 6.1. Cost: O(frames), and O(bytes) of those that are cut.
 */

import { FLAG, FRAME, type FrameHead, HEADER_BYTES, wordAt } from '../frames.ts';

/** Hears of frames. Each answers whether to go on; after a no nothing more is heard of what was read. */
export interface FrameEvents {
  /** A frame begins. Its length is checked here: as much may be kept of it. @param head another frame's when this returns */
  begins(head: FrameHead): boolean;
  /** A frame other than DATA is here as a whole: `bytes[from..end)`, which stand there until this returns. */
  frame(head: FrameHead, bytes: Buffer, from: number, end: number): boolean;
  /** Some of the DATA frame that began last, without its padding. @param isLast of that frame */
  data(bytes: Buffer, from: number, end: number, isLast: boolean): boolean;
  /** It is another preface, or the padding of a DATA frame is longer than the frame. */
  malformed(): false;
}

export class FrameReader {
  readonly #events: FrameEvents;
  /** The beginning of a frame that is cut; of a whole frame's length once that is known. */
  #cut: Buffer | null = null;
  #have = 0;
  readonly #head = { length: 0, type: 0, flags: 0, id: 0 };
  /** Of a DATA frame: bytes to come, those of them at the end that are padding, and whether the first says how many. */
  #left = 0;
  #padding = 0;
  #saysPadding = false;
  /** Within DATA, if only before its end without bytes. */
  #isInData = false;

  /** Bytes of the preface that are here. */
  #prefaced = 0;
  readonly #preface: Buffer;

  /** @param preface what comes before the first frame */
  constructor(events: FrameEvents, preface: Buffer) {
    this.#events = events;
    this.#preface = preface;
  }

  /** The rest of something is owed that costs memory until it is here: of the preface, or of a frame that is kept. */
  get isCut(): boolean {
    return this.#have > 0 || this.#prefaced < this.#preface.length;
  }

  /** @returns false once it was told not to go on: then it is not to be called again */
  take(bytes: Buffer, from: number, end: number): boolean {
    let at = from;
    while (at < end) {
      if (this.#prefaced < this.#preface.length) at = this.#takePreface(bytes, at, end);
      else if (this.#isInData) at = this.#takeData(bytes, at, end);
      else if (this.#have > 0) at = this.#fill(bytes, at, end);
      else if (end - at < HEADER_BYTES) at = this.#keep(bytes, at, end);
      else at = this.#begin(bytes, at, end);
      if (at < 0) return false;
    }
    return true;
  }

  #takePreface(bytes: Buffer, at: number, end: number): number {
    const next = Math.min(end, at + this.#preface.length - this.#prefaced);
    const until = this.#prefaced + next - at;
    const isSame = bytes.compare(this.#preface, this.#prefaced, until, at, next) === 0;
    this.#prefaced = until;
    return isSame || this.#events.malformed() ? next : -1;
  }

  /** A frame whose header is here. @returns where to go on, or -1 */
  #begin(bytes: Buffer, at: number, end: number): number {
    if (!this.#understand(bytes, at)) return -1;
    const from = at + HEADER_BYTES;
    if (this.#head.type === FRAME.data) return this.#beginData(bytes, from);
    const next = from + this.#head.length;
    if (next > end) return this.#keep(bytes, at, end);
    return this.#events.frame(this.#head, bytes, from, next) ? next : -1;
  }

  #understand(bytes: Buffer, at: number): boolean {
    const head = this.#head;
    head.length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    head.type = bytes[at + 3] as number;
    head.flags = bytes[at + 4] as number;
    head.id = wordAt(bytes, at + 5);
    return this.#events.begins(head);
  }

  /** Copies what is here of a frame whose header is known, or of a header. */
  #keep(bytes: Buffer, at: number, end: number): number {
    const isKnown = end - at >= HEADER_BYTES;
    this.#cut = Buffer.allocUnsafe(HEADER_BYTES + (isKnown ? this.#head.length : 0));
    this.#have = bytes.copy(this.#cut, 0, at, end);
    return end;
  }

  /** Goes on with a frame that was cut. */
  #fill(bytes: Buffer, at: number, end: number): number {
    const cut = this.#cut as Buffer;
    const next = Math.min(end, at + cut.length - this.#have);
    const before = this.#have;
    this.#have += bytes.copy(cut, before, at, next);
    if (this.#have < cut.length) return next;
    if (before < HEADER_BYTES) return this.#headerFilled(cut, bytes, next);
    return this.#filled(cut) ? next : -1;
  }

  #headerFilled(header: Buffer, bytes: Buffer, at: number): number {
    if (!this.#understand(header, 0)) return -1;
    if (this.#head.type === FRAME.data) {
      this.#drop();
      return this.#beginData(bytes, at);
    }
    if (this.#head.length === 0) return this.#filled(header) ? at : -1;
    this.#cut = Buffer.allocUnsafe(HEADER_BYTES + this.#head.length);
    header.copy(this.#cut);
    return at;
  }

  #filled(cut: Buffer): boolean {
    this.#drop();
    return this.#events.frame(this.#head, cut, HEADER_BYTES, cut.length);
  }

  #drop(): void {
    this.#cut = null;
    this.#have = 0;
  }

  #beginData(bytes: Buffer, from: number): number {
    this.#left = this.#head.length;
    this.#padding = 0;
    this.#saysPadding = (this.#head.flags & FLAG.padded) !== 0;
    this.#isInData = true;
    if (this.#saysPadding && this.#left === 0) return this.#events.malformed() ? from : -1;
    return this.#left === 0 ? this.#takeData(bytes, from, from) : from;
  }

  #takeData(bytes: Buffer, from: number, end: number): number {
    let at = from;
    if (this.#saysPadding) {
      this.#saysPadding = false;
      this.#padding = bytes[at++] as number;
      this.#left--;
      if (this.#padding > this.#left) return this.#events.malformed() ? at : -1;
    }
    const next = Math.min(end, at + this.#left);
    const until = Math.min(next, at + this.#left - this.#padding);
    this.#left -= next - at;
    const isLast = this.#left === 0;
    if (isLast) this.#isInData = false;
    return this.#events.data(bytes, at, Math.max(at, until), isLast) ? next : -1;
  }
}
