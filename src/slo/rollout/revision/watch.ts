/**
 * Evidence that a new configuration made a route fail: against the route's own record, and against unchanged routes.
 *
 * ```
 * null hypothesis, for as long as the route is watched, one of:
 *   p_after <= a     a = the largest of FLOOR, r · (upper bound of the share before), the worst block before
 *   p_after <= R · p_unchanged, in the same ticks
 * E = min(E_record, E_unchanged)      E_record: `verdict/absolute.ts`      E_unchanged: `verdict/ratio.ts`
 * ```
 * Both are e-processes, so their minimum is one where either hypothesis holds throughout; P(E ever reaches 1/alpha) <= alpha.
 * What an outage does to all routes leaves E_unchanged where it was. The same is asked of bad exchanges, and of these with
 * answers of 400 to 499 (a wrong path is answered with 404); the mean of the two counts. Anybody can send requests that are
 * answered with 404, so those count only where good answers broke off at the same time. Counts are divided by how much the
 * route's failures clustered before.
 * Source: docs/verdicts.md "A configuration that breaks a route".
 */

import { AbsoluteProcess } from '../../verdict/absolute.ts';
import { RatioProcess } from '../../verdict/ratio.ts';
import { NO_COUNTS, pairOf, type RouteCounts, type RouteRecord, TRACKS, type Track } from './record.ts';

/** Tolerated: twice what was. */
export const TOLERATED_RATIO = 2;
/** No share of failures below this is worth a rollback. */
export const FLOOR = 0.02;
/** a is kept below this, or a route could fail at every request unseen. */
const LIMIT_MAX = 0.9;
/** Fewest failures that convict. */
export const FAILED_MIN = 5;
/** How many times the unchanged routes' share a route may have by nature. */
const NATURE_MAX = 20;
/** Fewest failures before that show a nature. */
const NATURE_LEAST = 5;
/** Good answers have broken off when fewer than this part of their rate is left. */
const BROKEN_OFF = 0.5;
/** What is needed to know a rate. */
const RATE_MS_LEAST = 1000;

/** What a route is measured against. */
export interface Baseline {
  readonly record: RouteRecord;
  /** The unchanged routes before, together; null: none of them had traffic. */
  readonly unchanged: RouteCounts | null;
  /** Chance that the upper bound of the share before is too low. */
  readonly delta: number;
}

/** One track's evidence. */
class TrackEvidence {
  readonly #track: Track;
  readonly #record: AbsoluteProcess;
  readonly #ratio: RatioProcess | null;
  readonly #dispersion: number;
  readonly limit: number;

  constructor(track: Track, { record, unchanged, delta }: Baseline) {
    this.#track = track;
    this.limit = limitOf(track, record, delta);
    this.#record = new AbsoluteProcess(this.limit);
    const nature = unchanged === null ? 1 : natureOf(pairOf(track, record.sum), pairOf(track, unchanged));
    this.#ratio = unchanged === null ? null : new RatioProcess(TOLERATED_RATIO * nature);
    this.#dispersion = record.dispersion(track);
  }

  get logE(): number {
    return Math.min(this.#record.logE, this.#ratio?.logE ?? Number.POSITIVE_INFINITY);
  }

  /** Evidence against the route's own record alone. */
  get logRise(): number {
    return this.#record.logE;
  }

  addOwn(counts: RouteCounts): void {
    const [finished, failed] = pairOf(this.#track, counts);
    this.#record.update(finished / this.#dispersion, failed / this.#dispersion);
  }

  addBoth(own: RouteCounts, unchanged: RouteCounts): void {
    const [finished, failed] = pairOf(this.#track, own);
    const [others, othersFailed] = pairOf(this.#track, unchanged);
    const by = this.#dispersion;
    this.#ratio?.update(finished / by, others / by, failed / by, othersFailed / by);
  }
}

/** One route under a new configuration, or an unchanged one beside it. */
export class RouteWatch {
  readonly #tracks: readonly TrackEvidence[];
  readonly #goodPerMs: number;
  readonly #startedAtMs: number;
  /** What waits for the other arm to have finished something. */
  #own: RouteCounts = NO_COUNTS;
  #others: RouteCounts = NO_COUNTS;
  #seen: RouteCounts = NO_COUNTS;
  #othersSeen: RouteCounts = NO_COUNTS;

  constructor(baseline: Baseline, startedAtMs: number) {
    this.#tracks = TRACKS.map((track) => new TrackEvidence(track, baseline));
    const { answered, turnedAway, ms } = baseline.record.sum;
    this.#goodPerMs = ms === 0 ? 0 : (answered - turnedAway) / ms;
    this.#startedAtMs = startedAtMs;
  }

  /** What was counted since the start. */
  get seen(): RouteCounts {
    return this.#seen;
  }

  /** The same of the unchanged routes. */
  get othersSeen(): RouteCounts {
    return this.#othersSeen;
  }

  /** Takes in one tick. @param others of the unchanged routes together */
  add(own: RouteCounts, others: RouteCounts): void {
    this.#seen = sumOf(this.#seen, own);
    this.#othersSeen = sumOf(this.#othersSeen, others);
    for (const track of this.#tracks) track.addOwn(own);
    this.#own = sumOf(this.#own, own);
    this.#others = sumOf(this.#others, others);
    // A rule that looks at arrivals only: what waits says nothing of how it went.
    if (this.#own.answered === 0 || this.#others.answered === 0) return;
    for (const track of this.#tracks) track.addBoth(this.#own, this.#others);
    this.#own = NO_COUNTS;
    this.#others = NO_COUNTS;
  }

  /** ln of the e-value that convicts, and on which track. */
  judge(nowMs: number): { readonly logE: number; readonly track: Track; readonly failed: number } {
    const [errors, refusals] = this.#tracks as [TrackEvidence, TrackEvidence];
    const refused = this.#hasBrokenOff(nowMs) ? refusals.logE : Number.NEGATIVE_INFINITY;
    const track = errors.logE >= refused ? 'errors' : 'refusals';
    const [, failed] = pairOf(track, this.#seen);
    // The mean of two e-values is one; where one is nothing, half of the other is left.
    const [high, low] = [Math.max(errors.logE, refused), Math.min(errors.logE, refused)];
    return { logE: high + Math.log1p(Math.exp(low - high)) - Math.LN2, track, failed };
  }

  /** ln of the evidence that it fails more than it did, whatever others do. */
  get logRise(): number {
    return Math.max(...this.#tracks.map(({ logRise }) => logRise)) - Math.LN2;
  }

  /** Share of failures that is tolerated. */
  limitOf(track: Track): number {
    return (this.#tracks[TRACKS.indexOf(track)] as TrackEvidence).limit;
  }

  #hasBrokenOff(nowMs: number): boolean {
    const passedMs = nowMs - this.#startedAtMs;
    if (passedMs < RATE_MS_LEAST) return false;
    return (this.#seen.answered - this.#seen.turnedAway) / passedMs < BROKEN_OFF * this.#goodPerMs;
  }
}

/** Sum of two counts. */
export function sumOf(a: RouteCounts, b: RouteCounts): RouteCounts {
  return {
    finished: a.finished + b.finished,
    bad: a.bad + b.bad,
    answered: a.answered + b.answered,
    turnedAway: a.turnedAway + b.turnedAway,
  };
}

function limitOf(track: Track, record: RouteRecord, delta: number): number {
  const [finished, failed] = pairOf(track, record.sum);
  const bound = TOLERATED_RATIO * upperBound(finished, failed, delta);
  return Math.min(LIMIT_MAX, Math.max(FLOOR, bound, record.worst(track)));
}

/**
 * Upper confidence bound of a share, by Chernoff: the largest p with n · KL(x/n, p) <= ln(1/delta). Found by halving.
 * Source: Hoeffding (1963), "Probability inequalities for sums of bounded random variables", theorem 1.
 */
export function upperBound(n: number, x: number, delta: number): number {
  if (n === 0) return 1;
  const share = x / n;
  let [low, high] = [share, 1];
  for (let step = 0; step < 50; step++) {
    const p = (low + high) / 2;
    if (n * divergence(share, p) <= -Math.log(delta)) low = p;
    else high = p;
  }
  return high;
}

/** Kullback-Leibler divergence of two coins. */
function divergence(q: number, p: number): number {
  const part = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  return part(q, p) + part(1 - q, 1 - p);
}

/** A route that always failed more than others may go on doing so. */
function natureOf(
  [own, ownFailed]: readonly [number, number],
  [others, othersFailed]: readonly [number, number],
): number {
  if (ownFailed < NATURE_LEAST) return 1;
  const ratio = ownFailed / own / ((othersFailed + 1) / (others + 1));
  return Math.min(NATURE_MAX, Math.max(1, ratio));
}
