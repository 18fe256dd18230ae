/**
 * What became of requests, told from one worker to the one that finds the limits. Hot path.
 *
 * A ring in shared memory (model/threads/load/pool.ts) with one writer and one reader: a record is written before the count of
 * those written, and read before the count of those read. When it is full a record is lost, and counted. Whoever writes or reads
 * after another went on from the counts that it left: a record that was begun and not counted was never there.
 * Cost: about 20 ns to write. Allocates nothing.
 */

import { RING, RING_RECORD_WORDS, RING_RECORDS } from '../../../model/threads/load/pool.ts';

/** `sample`: the head is there, ms after it was asked for. The others: it is over, ms after it got its place; `hung`: without an answer. */
export const TOLD = { sample: 0, ended: 1, hung: 2 } as const;
export type Told = (typeof TOLD)[keyof typeof TOLD];

const KIND_BITS = 2;
const KIND = 3;

export class SampleRing {
  readonly #words: Int32Array;
  readonly #floats: Float32Array;
  readonly #at: number;

  /** @param at its first word */
  constructor(words: Int32Array, at: number) {
    this.#words = words;
    this.#floats = new Float32Array(words.buffer, words.byteOffset, words.length);
    this.#at = at;
  }

  /** @param cell of the version */
  write(cell: number, kind: Told, ms: number): void {
    const words = this.#words;
    const written = Atomics.load(words, this.#at + RING.written);
    if (((written - Atomics.load(words, this.#at + RING.read)) | 0) >= RING_RECORDS) {
      Atomics.add(words, this.#at + RING.lost, 1);
      return;
    }
    const record = this.#recordAt(written);
    words[record] = (cell << KIND_BITS) | kind;
    this.#floats[record + 1] = ms;
    Atomics.store(words, this.#at + RING.written, (written + 1) | 0);
  }

  /** Takes what was written before the call, oldest first. */
  drain(hear: (cell: number, kind: Told, ms: number) => void): void {
    const words = this.#words;
    const written = Atomics.load(words, this.#at + RING.written);
    let read = Atomics.load(words, this.#at + RING.read);
    while (read !== written) {
      const record = this.#recordAt(read);
      const head = words[record] as number;
      hear(head >>> KIND_BITS, (head & KIND) as Told, this.#floats[record + 1] as number);
      read = (read + 1) | 0;
    }
    Atomics.store(words, this.#at + RING.read, read);
  }

  #recordAt(count: number): number {
    return this.#at + RING.records + (count & (RING_RECORDS - 1)) * RING_RECORD_WORDS;
  }
}
