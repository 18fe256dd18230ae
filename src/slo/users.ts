/**
 * User-seconds of one version: how many users appeared and how many of them failed, since the last look. Hot path.
 *
 * Each worker marks, per second, the users it has seen and those it has seen fail (`model/tallies.ts`, "units"). The
 * bitmaps of all workers are OR-ed; a bit that is new since the last reading is one trial:
 *
 * - A user counts once a second, in the tick of its first appearance in that second, and is bad if it failed by the end
 *   of that tick. What it does later in the second does not count, so numerator and denominator speak of the same
 *   moment, and a heavy user gets no more chances to fail than a light one.
 * - A user that counted as bad rests for USER_REST_SECONDS: it is neither seen nor bad. So a burst of failures of one
 *   user, also one that goes on over several seconds, is one event and not several that look independent. Each rest in
 *   a step of the rollout is twice as long as the one before, up to REST_DOUBLINGS_MAX times: over T seconds one user is at
 *   most 1 + log2(1 + T / USER_REST_SECONDS) events, however often it fails.
 *
 * Who counts depends on arrivals and on the past alone, which keeps the e-process valid.
 *
 * ```
 * worker A   seen 0110 0001   bad 0000 0001
 * worker B   seen 0100 1000   bad 0100 0000      (second 1207)
 * OR              0110 1001       0100 0001
 * read before     0010 0000   fresh 0100 1001  ->  3 users, 2 of them bad
 * ```
 *
 * Edges: a slot holds one of the last UNIT_SECONDS seconds; whoever looks less often than every READ_GAP_MS_MAX loses
 * seconds and must `skip`. Two users with the same bit count as one. Stamp 0 means a slot was never used.
 * A worker raises its count of finished exchanges before it marks their users. So a region whose count has not moved since
 * the reading before the last one has marked nobody since the last one, and is not looked at.
 *
 * Source: docs/verdicts.md "User-seconds". Cost: O(words x regions with news + words with fresh users), allocates nothing
 * while regions stay; docs/verdicts.md "Cost" has it measured.
 */

import type { ArmCounts } from '../model/slo.ts';
import {
  CELL,
  CELL_WORDS,
  UNIT_BAD,
  UNIT_BAD_INDEX,
  UNIT_BITMAP_WORDS,
  UNIT_BITS,
  UNIT_INDEX_WORDS,
  UNIT_SECOND_WORDS,
  UNIT_SECONDS,
  UNIT_SEEN,
  UNIT_SEEN_INDEX,
  UNIT_WORDS,
} from '../model/tallies.ts';
import type { Region } from './regions.ts';

/** Seconds after a failure in which a user is left out: docs/verdicts.md has the table that chose it. */
export const USER_REST_SECONDS = 10;
/** Rests grow to 10 s * 2^10, about 3 hours. */
export const REST_DOUBLINGS_MAX = 10;
/** Longest time between two readings after which no second can have been overwritten unread. */
export const READ_GAP_MS_MAX = (UNIT_SECONDS - 2) * 1000;

export class UserWindow {
  readonly #base: number;
  /** The word that counts finished exchanges, or -1: then every region is looked at. */
  readonly #finishedAt: number;
  /** By region: finished exchanges at the last reading, and readings in a row that found no more. */
  readonly #activity = new Map<number, Int32Array>();
  /** 1 for regions without news, in their order. */
  #isQuiet = new Uint8Array(0);
  /** Second that each slot of `#seen` holds. */
  readonly #seconds = new Int32Array(UNIT_SECONDS);
  readonly #seen = new Int32Array(UNIT_SECONDS * UNIT_BITMAP_WORDS);
  /** New bits of the second being merged, over all regions, and the words that have any; zero between merges. */
  readonly #fresh = new Int32Array(UNIT_BITMAP_WORDS);
  readonly #touched = new Int32Array(UNIT_BITMAP_WORDS);
  #touchedCount = 0;
  /** Words of the second being merged in which some region has users that failed, a bit each. */
  readonly #badIndex = new Int32Array(UNIT_INDEX_WORDS);
  /** Last second in which a user, by its bit, rests. */
  readonly #restsUntil = new Int32Array(UNIT_BITS);
  /** Bits of users that rest, or did when they were last seen. */
  readonly #resting = new Int32Array(UNIT_BITMAP_WORDS);
  /** Rests that a user had in this step. */
  readonly #rests = new Uint8Array(UNIT_BITS);
  /** Newest second that each region had at the last reading; older ones of it are final. */
  readonly #newest = new Map<number, number>();
  /** The same at this reading, in the order of the regions. */
  #newestNow = new Int32Array(0);
  /** Bitmaps of the second being merged, one per region that has it; the first `#sourceCount` count. */
  #sources: Int32Array[] = [];
  #sourceCount = 0;
  /** Counted in this reading. */
  #finished = 0;
  #bad = 0;

  /**
   * Starts now: users seen so far in this second are the past.
   * @param cell whose finished exchanges the users made; -1: not known
   */
  constructor(unit: number, regions: readonly Region[], cell = -1) {
    this.#base = unit * UNIT_WORDS;
    this.#finishedAt = cell < 0 ? -1 : cell * CELL_WORDS + CELL.finished;
    this.skip(regions);
  }

  /** Writes the user-seconds that are new since the last reading to `out`. */
  read(regions: readonly Region[], out: ArmCounts): void {
    this.#finished = 0;
    this.#bad = 0;
    const newest = this.#newestSecond(regions);
    for (let second = Math.max(1, newest - UNIT_SECONDS + 1); second <= newest; second++) {
      this.#gather(regions, second);
      if (this.#sourceCount > 0) this.#merge(second);
    }
    this.#remember(regions);
    out.finished = this.#finished;
    out.bad = this.#bad;
  }

  /** Lets everything seen so far pass unread. */
  skip(regions: readonly Region[]): void {
    this.read(regions, { finished: 0, bad: 0 });
  }

  /** A step of the rollout: the next rest of everybody is a short one again. */
  forgive(): void {
    this.#rests.fill(0);
  }

  /** Stamps are read before any bitmap: a worker that has begun a second has finished the ones before it. */
  #newestSecond(regions: readonly Region[]): number {
    if (this.#newestNow.length !== regions.length) this.#resize(regions.length);
    let newest = 0;
    for (let n = 0; n < regions.length; n++) {
      const region = regions[n] as Region;
      if (this.#finishedAt >= 0) this.#isQuiet[n] = this.#isIdle(region) ? 1 : 0;
      const own = this.#newestOf(region.tallies.units);
      this.#newestNow[n] = own;
      newest = Math.max(newest, own);
    }
    return newest;
  }

  /** Also lets go of the memory of regions that left. */
  #resize(count: number): void {
    this.#newestNow = new Int32Array(count);
    this.#isQuiet = new Uint8Array(count);
    this.#sources = [];
  }

  /** Whether a region was as it is now at the last reading and at the one before. */
  #isIdle({ id, tallies }: Region): boolean {
    const finished = Atomics.load(tallies.cells, this.#finishedAt);
    let last = this.#activity.get(id);
    if (last === undefined) {
      last = new Int32Array(2);
      this.#activity.set(id, last);
    } else if (last[0] === finished) {
      last[1] = Math.min(2, (last[1] as number) + 1);
      return last[1] === 2;
    }
    last[0] = finished;
    last[1] = 0;
    return false;
  }

  #newestOf(units: Int32Array): number {
    let newest = 0;
    for (let slot = 0; slot < UNIT_SECONDS; slot++) {
      newest = Math.max(newest, Atomics.load(units, this.#base + slot * UNIT_SECOND_WORDS));
    }
    return newest;
  }

  /** Collects the regions that may have news of this second. */
  #gather(regions: readonly Region[], second: number): void {
    this.#sourceCount = 0;
    const stamp = this.#base + (second & (UNIT_SECONDS - 1)) * UNIT_SECOND_WORDS;
    for (let n = 0; n < regions.length; n++) {
      if (this.#isQuiet[n] === 1) continue;
      const { id, tallies } = regions[n] as Region;
      if (Atomics.load(tallies.units, stamp) !== second || second < (this.#newest.get(id) ?? 0)) continue;
      this.#sources[this.#sourceCount] = tallies.units;
      this.#sourceCount += 1;
    }
  }

  #remember(regions: readonly Region[]): void {
    for (let n = 0; n < regions.length; n++) {
      this.#newest.set((regions[n] as Region).id, this.#newestNow[n] as number);
    }
    if (this.#newest.size === regions.length) return;
    for (const id of this.#newest.keys()) {
      if (regions.some((region) => region.id === id)) continue;
      this.#newest.delete(id);
      this.#activity.delete(id);
    }
  }

  #merge(second: number): void {
    const slot = second & (UNIT_SECONDS - 1);
    const offset = slot * UNIT_BITMAP_WORDS;
    if (this.#seconds[slot] !== second) {
      this.#seconds[slot] = second;
      this.#seen.fill(0, offset, offset + UNIT_BITMAP_WORDS);
    }
    const base = this.#base + slot * UNIT_SECOND_WORDS;
    this.#touchedCount = 0;
    for (let n = 0; n < this.#sourceCount; n += 4) this.#find(n, base, offset);
    for (let n = 0; n < UNIT_INDEX_WORDS; n++) this.#badIndex[n] = this.#or(base + UNIT_BAD_INDEX + n);
    for (let n = 0; n < this.#touchedCount; n++) {
      const word = this.#touched[n] as number;
      const fresh = this.#fresh[word] as number;
      this.#fresh[word] = 0;
      this.#seen[offset + word] = (this.#seen[offset + word] as number) | fresh;
      const isAnyBad = (((this.#badIndex[word >> 5] as number) >>> (word & 31)) & 1) === 1;
      this.#count(fresh, isAnyBad ? this.#or(base + UNIT_BAD + word) : 0, word, second);
    }
  }

  /**
   * Finds the words with new bits of four regions at once, from the `first` on; where there are fewer, the last one counts again.
   * The indexes are read first: a word that gets its bit later is found by the next reading.
   */
  #find(first: number, base: number, offset: number): void {
    const last = this.#sourceCount - 1;
    const a = this.#sources[first] as Int32Array;
    const b = this.#sources[Math.min(first + 1, last)] as Int32Array;
    const c = this.#sources[Math.min(first + 2, last)] as Int32Array;
    const d = this.#sources[Math.min(first + 3, last)] as Int32Array;
    const seen = this.#seen;
    for (let group = 0; group < UNIT_INDEX_WORDS; group++) {
      const index = base + UNIT_SEEN_INDEX + group;
      let words = (a[index] as number) | (b[index] as number) | (c[index] as number) | (d[index] as number);
      for (; words !== 0; words &= words - 1) {
        const word = (group << 5) + 31 - Math.clz32(words & -words);
        const at = base + UNIT_SEEN + word;
        const bits = (a[at] as number) | (b[at] as number) | (c[at] as number) | (d[at] as number);
        const fresh = bits & ~(seen[offset + word] as number);
        if (fresh !== 0) this.#note(fresh, word);
      }
    }
  }

  /** Gathers the new bits of a word. */
  #note(fresh: number, word: number): void {
    const before = this.#fresh[word] as number;
    this.#fresh[word] = before | fresh;
    if (before !== 0) return;
    this.#touched[this.#touchedCount] = word;
    this.#touchedCount += 1;
  }

  #or(at: number): number {
    let bits = 0;
    for (let n = 0; n < this.#sourceCount; n++) bits |= (this.#sources[n] as Int32Array)[at] as number;
    return bits;
  }

  /** Only users that fail, or rest, are looked at one by one. */
  #count(fresh: number, bad: number, word: number, second: number): void {
    const restsUntil = this.#restsUntil;
    const firstBit = word << 5;
    let awake = fresh;
    for (let rest = fresh & (this.#resting[word] as number); rest !== 0; rest &= rest - 1) {
      const lowest = 31 - Math.clz32(rest & -rest);
      const bit = 1 << lowest;
      if ((restsUntil[firstBit + lowest] as number) >= second) awake &= ~bit;
      else this.#resting[word] = (this.#resting[word] as number) & ~bit;
    }
    this.#finished += bitsIn(awake);
    for (let rest = awake & bad; rest !== 0; rest &= rest - 1) {
      const lowest = 31 - Math.clz32(rest & -rest);
      this.#bad += 1;
      restsUntil[firstBit + lowest] = second + this.#restOf(firstBit + lowest);
      this.#resting[word] = (this.#resting[word] as number) | (1 << lowest);
    }
  }

  /** Seconds of the rest that begins now. */
  #restOf(bit: number): number {
    const rests = this.#rests[bit] as number;
    if (rests < REST_DOUBLINGS_MAX) this.#rests[bit] = rests + 1;
    return USER_REST_SECONDS * 2 ** rests;
  }
}

/** How many bits of a word are set. Source: H. Warren, "Hacker's Delight", 5-1. */
function bitsIn(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
