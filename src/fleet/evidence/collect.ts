/**
 * Reads what the workers of this gateway measured of one rollout, for the others of the fleet.
 *
 * Counts are sums over all workers that ever were. Users are those that appeared in their second since the last reading, and
 * those of them that failed by now: the same trial that the judge of one gateway makes of them (`slo/users.ts`), before
 * anybody rests. Cost: about 700 words per version and worker and 4 KiB of bitmap per second under way, as often as it is asked.
 */

import {
  CELL_WORDS,
  deltaOf,
  ENDPOINT,
  ENDPOINT_WORDS,
  UNIT_BAD,
  UNIT_BITMAP_WORDS,
  UNIT_SECOND_WORDS,
  UNIT_SECONDS,
  UNIT_SEEN,
  UNIT_WORDS,
} from '../../model/tallies.ts';
import { EVIDENCE_WORDS, type Region, type Watched, type WatchedArm } from './region.ts';
import { type ArmNews, type EndpointSums, type EvidenceMessage, encodeBits } from './words.ts';

/** What a message says of itself. */
export type Sender = Pick<EvidenceMessage, 'id' | 'member' | 'adminUrl' | 'share' | 'limits'>;

/** Sums of some words over all workers that ever were. */
class Sums {
  readonly #at: readonly number[];
  readonly #sums: Float64Array;
  readonly #last = new Map<number, Int32Array>();

  /** @param at where the words are */
  constructor(at: readonly number[]) {
    this.#at = at;
    this.#sums = new Float64Array(at.length);
  }

  take(regions: readonly Region[], pick: (region: Region) => Int32Array): Float64Array {
    for (const region of regions) {
      const words = pick(region);
      let last = this.#last.get(region.id);
      if (last === undefined) {
        last = new Int32Array(this.#at.length);
        this.#last.set(region.id, last);
      }
      for (let n = 0; n < this.#at.length; n++) {
        const now = Atomics.load(words, this.#at[n] as number);
        if (now === last[n]) continue;
        this.#sums[n] = (this.#sums[n] as number) + deltaOf(now, last[n] as number);
        last[n] = now;
      }
    }
    for (const id of this.#last.keys()) if (!regions.some((region) => region.id === id)) this.#last.delete(id);
    return this.#sums;
  }
}

/** Attempts at one endpoint since it is one of the canary's. */
class AttemptSums {
  readonly slot: number;
  readonly #sums: Sums;
  /** What its slot had by then: of whoever had it before. */
  readonly #before: Float64Array;

  constructor(slot: number, regions: readonly Region[]) {
    this.slot = slot;
    const base = slot * ENDPOINT_WORDS;
    // Bad attempts first, as for cells.
    this.#sums = new Sums([base + ENDPOINT.bad, base + ENDPOINT.finished]);
    this.#before = this.#sums.take(regions, endpointsOf).slice();
  }

  read(address: string, regions: readonly Region[]): EndpointSums {
    const [bad = 0, finished = 0] = this.#sums.take(regions, endpointsOf);
    const [badBefore = 0, finishedBefore = 0] = this.#before;
    return [address, finished - finishedBefore, bad - badBefore];
  }
}

/** Users of one version that are new in their second. */
class UserNews {
  readonly #base: number;
  /** The second that each slot holds, and who was seen in it before. */
  readonly #seconds = new Int32Array(UNIT_SECONDS);
  readonly #known = new Int32Array(UNIT_SECONDS * UNIT_BITMAP_WORDS);
  seen: number[] = [];
  bad: number[] = [];

  constructor(unit: number) {
    this.#base = unit * UNIT_WORDS;
  }

  take(regions: readonly Region[]): void {
    this.seen = [];
    this.bad = [];
    for (let slot = 0; slot < UNIT_SECONDS; slot++) this.#takeSlot(regions, slot);
  }

  #takeSlot(regions: readonly Region[], slot: number): void {
    const stamp = this.#base + slot * UNIT_SECOND_WORDS;
    const second = Math.max(0, ...regions.map(({ tallies }) => Atomics.load(tallies.units, stamp)));
    if (second === 0) return;
    const known = slot * UNIT_BITMAP_WORDS;
    if (this.#seconds[slot] !== second) {
      this.#seconds[slot] = second;
      this.#known.fill(0, known, known + UNIT_BITMAP_WORDS);
    }
    const sources = regions.filter(({ tallies }) => Atomics.load(tallies.units, stamp) === second);
    for (let word = 0; word < UNIT_BITMAP_WORDS; word++) {
      let fresh = 0;
      for (const { tallies } of sources) fresh |= tallies.units[stamp + UNIT_SEEN + word] as number;
      fresh &= ~(this.#known[known + word] as number);
      if (fresh === 0) continue;
      this.#known[known + word] = (this.#known[known + word] as number) | fresh;
      let failed = 0;
      for (const { tallies } of sources) failed |= tallies.units[stamp + UNIT_BAD + word] as number;
      bitsOf(fresh, word, this.seen);
      bitsOf(fresh & failed, word, this.bad);
    }
  }
}

class ArmReader {
  readonly #sums: Sums;
  readonly #users: UserNews;

  constructor({ cell, unit }: WatchedArm) {
    this.#sums = new Sums(EVIDENCE_WORDS.map((word) => cell * CELL_WORDS + word));
    this.#users = new UserNews(unit);
  }

  read(regions: readonly Region[]): ArmNews {
    // Users first: who is marked has been counted before.
    this.#users.take(regions);
    const sums = this.#sums.take(regions, ({ tallies }) => tallies.cells);
    const words: number[] = [];
    EVIDENCE_WORDS.forEach((word, n) => {
      if (sums[n] !== 0) words.push(word, sums[n] as number);
    });
    return { words, seen: encodeBits(this.#users.seen), bad: encodeBits(this.#users.bad) };
  }
}

export class Collector {
  #watched: Watched;
  readonly #canary: ArmReader;
  readonly #stable: ArmReader;
  /** By address. */
  #attempts: ReadonlyMap<string, AttemptSums> = new Map();

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#canary = new ArmReader(watched.canary);
    this.#stable = new ArmReader(watched.stable);
  }

  /** The same rollout, where its counts are, with other endpoints. */
  follow(watched: Watched): void {
    this.#watched = watched;
  }

  /** What to tell the others now. */
  message(regions: readonly Region[], sender: Sender): EvidenceMessage {
    const { route, generation } = this.#watched;
    const canary = this.#canary.read(regions);
    const stable = this.#stable.read(regions);
    return { ...sender, route, generation, canary, stable, attempts: this.#readAttempts(regions), endpoints: [] };
  }

  #readAttempts(regions: readonly Region[]): EndpointSums[] {
    const { endpoints, addresses = [] } = this.#watched.canary;
    const known = this.#attempts;
    const now = new Map(
      addresses.map((address, n) => {
        const slot = endpoints[n] as number;
        const before = known.get(address);
        return [address, before?.slot === slot ? before : new AttemptSums(slot, regions)];
      }),
    );
    this.#attempts = now;
    return [...now].map(([address, sums]) => sums.read(address, regions));
  }
}

function endpointsOf({ tallies }: Region): Int32Array {
  return tallies.endpoints;
}

function bitsOf(word: number, at: number, out: number[]): void {
  for (let rest = word; rest !== 0; rest &= rest - 1) out.push((at << 5) + 31 - Math.clz32(rest & -rest));
}
