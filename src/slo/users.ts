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
 * Who counts depends on arrivals and on the past alone, which keeps the e-process valid. A rollout of several routes has
 * one window over all of them: a user is one user, whichever of its requests fails.
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
 * the reading before the last one has marked nobody since the last one, and is not looked at. Of the others only the news
 * are read (`model/threads/requests/users.ts`): who appeared first in a second, and who failed first. Where there are more
 * than a worker keeps, the bitmaps are searched instead.
 *
 * Source: docs/verdicts.md "User-seconds". Cost: O(news + regions), at most O(bits x regions); allocates nothing while
 * regions stay; docs/verdicts.md "Cost" has it measured.
 */

import type { ArmCounts } from '../model/slo.ts';
import {
  CELL,
  CELL_WORDS,
  UNIT_BAD,
  UNIT_BITMAP_WORDS,
  UNIT_BITS,
  UNIT_COUNT,
  UNIT_NEWS,
  UNIT_NEWS_WORDS,
  UNIT_SECOND_WORDS,
  UNIT_SECONDS,
  UNIT_SEEN,
  UNIT_WORDS,
} from '../model/tallies.ts';
import type { Region } from './regions.ts';

/** A mark writes up to two news before it counts them: those two places are not read. */
const NEWS_MAX = UNIT_NEWS_WORDS - 2;

/** Seconds after a failure in which a user is left out: docs/verdicts.md has the table that chose it. */
export const USER_REST_SECONDS = 10;
/** Rests grow to 10 s * 2^10, about 3 hours. */
export const REST_DOUBLINGS_MAX = 10;
/** Longest time between two readings after which no second can have been overwritten unread. */
export const READ_GAP_MS_MAX = (UNIT_SECONDS - 2) * 1000;
/** Readings in a row without a finished exchange, after which a region has marked nobody since the last one. */
const QUIET_READINGS = 2;

/** Where the users of a version on a route are marked. */
export interface UserPlace {
  readonly unit: number;
  /** Whose finished exchanges the users made; -1: not known, then every region is looked at. */
  readonly cell: number;
}

/** One place in one region, and how far it has been read. */
interface Track {
  readonly units: Int32Array;
  /** First word of its unit. */
  readonly base: number;
  /** The word that counts finished exchanges, or -1. */
  readonly finishedAt: number;
  /** Finished exchanges at the last reading, and readings in a row that found no more; -1 before the first. */
  finished: number;
  quiet: number;
  /** Newest second at the last reading, older ones are final; and at this one. */
  newest: number;
  newestNow: number;
  /** The second that each slot held, and how many of its users were taken. */
  readonly seconds: Int32Array;
  readonly taken: Int32Array;
}

export class UserWindow {
  readonly #places: readonly UserPlace[];
  /** By region, in the order of the places. */
  readonly #tracks = new Map<number, readonly Track[]>();
  /** Those of the regions of this reading, in their order. */
  #current: Track[] = [];
  /** Second that each slot of `#seen` holds. */
  readonly #seconds = new Int32Array(UNIT_SECONDS);
  readonly #seen = new Int32Array(UNIT_SECONDS * UNIT_BITMAP_WORDS);
  /** Users of the second being merged that count and have not failed so far; zero between merges. */
  readonly #fresh = new Int32Array(UNIT_BITMAP_WORDS);
  /** Last second in which a user, by its bit, rests; 0 when it was seen since. */
  readonly #restsUntil = new Int32Array(UNIT_BITS);
  /** Rests that a user had in this step. */
  readonly #rests = new Uint8Array(UNIT_BITS);
  /** Counted in this reading. */
  #finished = 0;
  #bad = 0;

  /**
   * Starts now: users seen so far in this second are the past.
   * @param places of one version, one for each route
   */
  constructor(places: readonly UserPlace[], regions: readonly Region[]) {
    this.#places = places;
    this.skip(regions);
  }

  /** Writes the user-seconds that are new since the last reading to `out`. */
  read(regions: readonly Region[], out: ArmCounts): void {
    this.#finished = 0;
    this.#bad = 0;
    const newest = this.#begin(regions);
    for (let second = Math.max(1, newest - UNIT_SECONDS + 1); second <= newest; second++) this.#merge(second);
    this.#end(regions);
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

  /**
   * Stamps are read before any user: a worker that has begun a second has finished the ones before it.
   * @returns the newest second of all
   */
  #begin(regions: readonly Region[]): number {
    let newest = 0;
    let count = 0;
    for (let n = 0; n < regions.length; n++) {
      const { id, tallies } = regions[n] as Region;
      const known = this.#tracks.get(id);
      const tracks = known?.[0]?.units === tallies.units ? known : this.#follow(id, tallies.units);
      for (let place = 0; place < tracks.length; place++) {
        const track = tracks[place] as Track;
        this.#current[count++] = track;
        if (track.finishedAt >= 0) noteActivity(track, Atomics.load(tallies.cells, track.finishedAt));
        track.newestNow = newestOf(track);
        newest = Math.max(newest, track.newestNow);
      }
    }
    this.#current.length = count;
    return newest;
  }

  #follow(id: number, units: Int32Array): readonly Track[] {
    const tracks = this.#places.map(({ unit, cell }) => trackOf(units, unit, cell));
    this.#tracks.set(id, tracks);
    return tracks;
  }

  /** Also lets go of the memory of regions that left. */
  #end(regions: readonly Region[]): void {
    for (const track of this.#current) track.newest = track.newestNow;
    if (this.#tracks.size === regions.length) return;
    for (const id of this.#tracks.keys()) if (!regions.some((region) => region.id === id)) this.#tracks.delete(id);
  }

  /** Takes what is new in one second, wherever that is. */
  #merge(second: number): void {
    const slot = second & (UNIT_SECONDS - 1);
    const finishedBefore = this.#finished;
    for (const track of this.#current) {
      if (track.quiet === QUIET_READINGS || second < track.newest) continue;
      const base = track.base + slot * UNIT_SECOND_WORDS;
      if (Atomics.load(track.units, base) !== second) continue;
      this.#turn(slot, second);
      this.#take(track, base, second);
    }
    if (this.#finished > finishedBefore) this.#fresh.fill(0);
  }

  /** The slot holds this second from now on. */
  #turn(slot: number, second: number): void {
    if (this.#seconds[slot] === second) return;
    this.#seconds[slot] = second;
    this.#seen.fill(0, slot * UNIT_BITMAP_WORDS, (slot + 1) * UNIT_BITMAP_WORDS);
  }

  /** Takes what is new in one region: its news, or where those were overwritten all that it has. */
  #take(track: Track, base: number, second: number): void {
    const { units, seconds, taken } = track;
    const slot = second & (UNIT_SECONDS - 1);
    const from = seconds[slot] === second ? (taken[slot] as number) : 0;
    const count = Atomics.load(units, base + UNIT_COUNT);
    seconds[slot] = second;
    taken[slot] = count;
    if (count - from <= NEWS_MAX) {
      const first = base + UNIT_NEWS;
      let at = first + (from % UNIT_NEWS_WORDS);
      for (let n = from; n < count; n++) {
        const news = units[at] as number;
        if (news >= 0) this.#see(news, second);
        else this.#fail(~news, second);
        at = at + 1 === first + UNIT_NEWS_WORDS ? first : at + 1;
      }
      // What came meanwhile may have been written over what was to be read.
      if (Atomics.load(units, base + UNIT_COUNT) - from <= NEWS_MAX) return;
    }
    for (let word = 0; word < UNIT_BITMAP_WORDS; word++) {
      let bits = units[base + UNIT_SEEN + word] as number;
      for (; bits !== 0; bits &= bits - 1) this.#see((word << 5) + lowestOf(bits), second);
      bits = units[base + UNIT_BAD + word] as number;
      for (; bits !== 0; bits &= bits - 1) this.#fail((word << 5) + lowestOf(bits), second);
    }
  }

  /** A user appeared, perhaps not for the first time in this second. */
  #see(bit: number, second: number): void {
    const word = bit >> 5;
    const mask = 1 << (bit & 31);
    const at = (second & (UNIT_SECONDS - 1)) * UNIT_BITMAP_WORDS + word;
    const seen = this.#seen[at] as number;
    if ((seen & mask) !== 0) return;
    this.#seen[at] = seen | mask;
    // Without branches, as who rests is not to be foreseen: a quarter less time for a thousand users of whom many rest.
    const until = this.#restsUntil[bit] as number;
    const rests = (second - 1 - until) >>> 31;
    this.#restsUntil[bit] = until & -rests;
    this.#fresh[word] = (this.#fresh[word] as number) | (mask & (rests - 1));
    this.#finished += 1 - rests;
  }

  /** A user failed, after it appeared: bad if that was in this reading, for the first time. */
  #fail(bit: number, second: number): void {
    const word = bit >> 5;
    const mask = 1 << (bit & 31);
    const fresh = this.#fresh[word] as number;
    if ((fresh & mask) === 0) return;
    this.#fresh[word] = fresh & ~mask;
    this.#bad += 1;
    this.#restsUntil[bit] = second + this.#restOf(bit);
  }

  /** Seconds of the rest that begins now. */
  #restOf(bit: number): number {
    const rests = this.#rests[bit] as number;
    if (rests < REST_DOUBLINGS_MAX) this.#rests[bit] = rests + 1;
    return USER_REST_SECONDS * 2 ** rests;
  }
}

/** Of a region that was never read. */
function trackOf(units: Int32Array, unit: number, cell: number): Track {
  const [seconds, taken] = [new Int32Array(UNIT_SECONDS), new Int32Array(UNIT_SECONDS)];
  const finishedAt = cell < 0 ? -1 : cell * CELL_WORDS + CELL.finished;
  const read = { finished: -1, quiet: -1, newest: 0, newestNow: 0, seconds, taken };
  return { units, base: unit * UNIT_WORDS, finishedAt, ...read };
}

function newestOf({ units, base }: Track): number {
  let newest = 0;
  for (let slot = 0; slot < UNIT_SECONDS; slot++) {
    newest = Math.max(newest, Atomics.load(units, base + slot * UNIT_SECOND_WORDS));
  }
  return newest;
}

/** Whether a region was as it is now at the last reading and at the one before: `quiet` says so. */
function noteActivity(track: Track, finished: number): void {
  if (track.finished === finished) track.quiet = Math.min(QUIET_READINGS, track.quiet + 1);
  else track.quiet = 0;
  track.finished = finished;
}

/** Place of the lowest bit that is set. */
function lowestOf(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
