/**
 * Answers that are kept in memory by key: bounded in number and bytes, each for its time.
 *
 * What is over goes first, then what was asked for least recently; the latter is counted, as its key will be executed anew.
 */

import type { StoredAnswer } from '../../model/threads/answers/idempotency.ts';

/** An answer takes so much besides its bytes: two map entries, objects, a buffer. */
const ENTRY_BYTES = 1024;

/** An answer, and what was asked for it. */
export interface Kept {
  readonly print: string;
  readonly answer: StoredAnswer;
  readonly untilMs: number;
}

export interface MemoryLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

export class AnswerMemory {
  #limits: MemoryLimits;
  /** The least recently asked for first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;
  #evicted = 0;
  /** When something may be over, at the earliest. */
  #nextEndMs = Number.POSITIVE_INFINITY;

  constructor(limits: MemoryLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Answers that went before their time. */
  get evicted(): number {
    return this.#evicted;
  }

  configure(limits: MemoryLimits, nowMs: number): void {
    this.#limits = limits;
    this.#shrink(nowMs);
  }

  /** Cost: O(1). */
  find(key: string, nowMs: number): Kept | null {
    const kept = this.#kept.get(key);
    if (kept === undefined) return null;
    this.#kept.delete(key);
    if (nowMs < kept.untilMs) {
      this.#kept.set(key, kept);
      return kept;
    }
    this.#bytes -= bytesOf(key, kept);
    return null;
  }

  /** Keeps an answer. False: it alone is more than there is room for. */
  put(key: string, kept: Kept, nowMs: number): boolean {
    this.#remove(key);
    const byteCount = bytesOf(key, kept);
    if (byteCount > this.#limits.bytesMax || this.#limits.entriesMax < 1) return false;
    this.#kept.set(key, kept);
    this.#bytes += byteCount;
    this.#nextEndMs = Math.min(this.#nextEndMs, kept.untilMs);
    this.#shrink(nowMs);
    return true;
  }

  #shrink(nowMs: number): void {
    if (!this.#isOver) return;
    if (nowMs >= this.#nextEndMs) this.#removeEnded(nowMs);
    for (const key of this.#kept.keys()) {
      if (!this.#isOver) return;
      this.#remove(key);
      this.#evicted++;
    }
  }

  get #isOver(): boolean {
    return this.#bytes > this.#limits.bytesMax || this.#kept.size > this.#limits.entriesMax;
  }

  /** Cost: O(entries), only when there is no room and something has ended. */
  #removeEnded(nowMs: number): void {
    this.#nextEndMs = Number.POSITIVE_INFINITY;
    for (const [key, { untilMs }] of this.#kept) {
      if (untilMs <= nowMs) this.#remove(key);
      else this.#nextEndMs = Math.min(this.#nextEndMs, untilMs);
    }
  }

  #remove(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= bytesOf(key, kept);
  }
}

function bytesOf(key: string, { print, answer }: Kept): number {
  return key.length + print.length + answer.lines.length + answer.body.length + ENTRY_BYTES;
}
