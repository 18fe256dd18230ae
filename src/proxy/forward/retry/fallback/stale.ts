/**
 * Good answers that one worker keeps for the time when there are none: a bounded map, the oldest go first.
 *
 * An answer is found by its key (what was asked) and the values of the request fields that its `Vary` named. Its bytes are
 * counted before they come: what is kept and what is being taken is never above the limit together, and at most half of
 * that is being taken. An answer that came less than `YOUNG_MS` ago is not replaced, so that what is asked for often costs
 * one copy a second.
 */

import type { Vary } from './keep.ts';

/** An answer. `cameAtMs`: when it would have come from its origin, by its `Age`. */
export interface KeptAnswer {
  readonly status: number;
  /** The first line and the fields to send, each line with its CRLF. */
  readonly lines: string;
  readonly body: Buffer;
  readonly cameAtMs: number;
  /** Age up to which its upstream and the route allow it. */
  readonly usableMs: number;
}

/** Where an answer is found: what was asked, with the values that it varies by in `whole`. */
export interface Place {
  readonly key: string;
  readonly whole: string;
  readonly vary: Vary;
}

interface Entry {
  readonly answer: KeptAnswer;
  readonly key: string;
  readonly keptAtMs: number;
  readonly byteCount: number;
}

/** Of the answers to one key. */
interface Variants {
  /** As the last of them had it. */
  readonly vary: Vary;
  count: number;
}

const YOUNG_MS = 1000;
/** What an answer takes besides its bytes: two map entries, objects, a buffer. */
const ENTRY_BYTES = 1024;

export class StaleCache {
  /** By key and values; the oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #variants = new Map<string, Variants>();
  /** Which are being taken. */
  readonly #coming = new Set<string>();
  #bytesMax = 0;
  #keptBytes = 0;
  #comingBytes = 0;

  /** What is kept and what is being taken. */
  get bytes(): number {
    return this.#keptBytes + this.#comingBytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** From now on at most so many bytes. */
  configure(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#shrink();
  }

  /** The answer to a key whose `Vary` values a request has, or null. @param maxAgeMs what the route allows now */
  find(key: string, requestText: string, nowMs: number, maxAgeMs: number): KeptAnswer | null {
    const variants = this.#variants.get(key);
    if (variants === undefined) return null;
    const whole = variants.vary.keyWith(key, requestText);
    const entry = this.#entries.get(whole);
    if (entry === undefined) return null;
    const { answer } = entry;
    if (nowMs - answer.cameAtMs < Math.min(answer.usableMs, maxAgeMs)) return answer;
    this.#remove(whole, entry);
    return null;
  }

  /** Is there an answer that need not be replaced yet, as far as can be told before its head is looked at? */
  isYoung(key: string, requestText: string, nowMs: number): boolean {
    const variants = this.#variants.get(key);
    if (variants === undefined) return false;
    const entry = this.#entries.get(variants.vary.keyWith(key, requestText));
    return entry !== undefined && nowMs - entry.keptAtMs < YOUNG_MS;
  }

  /** Begins to take an answer; balanced by `put` or `drop`. False: it is being taken already. */
  begin(whole: string): boolean {
    if (this.#coming.has(whole)) return false;
    this.#coming.add(whole);
    return true;
  }

  /** Makes room for bytes that come. False: there is none. */
  claim(byteCount: number): boolean {
    if (this.#comingBytes + byteCount > this.#bytesMax / 2) return false;
    this.#comingBytes += byteCount;
    this.#shrink();
    return true;
  }

  /** Keeps an answer. @param claimed what was claimed for it, which is given back */
  put({ key, whole, vary }: Place, answer: KeptAnswer, claimed: number, nowMs: number): void {
    this.drop(whole, claimed);
    const before = this.#entries.get(whole);
    if (before !== undefined) this.#remove(whole, before);
    const byteCount = answer.body.length + answer.lines.length + whole.length + key.length + ENTRY_BYTES;
    this.#entries.set(whole, { answer, key, keptAtMs: nowMs, byteCount });
    this.#variants.set(key, { vary, count: (this.#variants.get(key)?.count ?? 0) + 1 });
    this.#keptBytes += byteCount;
    this.#shrink();
  }

  /** An answer that was begun does not come as a whole. @param claimed what was claimed for it */
  drop(whole: string, claimed: number): void {
    this.#coming.delete(whole);
    this.#comingBytes -= claimed;
  }

  #shrink(): void {
    for (const [whole, entry] of this.#entries) {
      if (this.bytes <= this.#bytesMax) return;
      this.#remove(whole, entry);
    }
  }

  #remove(whole: string, { key, byteCount }: Entry): void {
    this.#entries.delete(whole);
    this.#keptBytes -= byteCount;
    const variants = this.#variants.get(key) as Variants;
    if (--variants.count === 0) this.#variants.delete(key);
  }
}
