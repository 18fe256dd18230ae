/**
 * Derives a revert of a configuration again from its certificate, with code of its own: docs/verdicts.md, "A configuration that
 * breaks a route".
 *
 * ```
 * a = min(90 %, max(2 %, 2 U, worst block of at least 20))     n · KL(x/n, U) = ln(2 m / alpha)
 * R = 2 · clamp(own share / ((others' bad + 1)/(others + 1)), 1, 20), or 2 with fewer than 5 failures before
 * E = mean over errors and refusals of min(E_record(a), E_unchanged(R)); refusals only while good answers are below half their rate
 * convicted: ln E >= ln(2 m / alpha) with 5 failures, three turns in a row
 * ```
 * That no route beside it rose (`beside.logRise`) is taken from the certificate: the counts of up to 64 routes are not kept.
 */

import type { RevertCertificate, RevertDecision } from '../../../model/threads/revision.ts';
import { Bets } from './bets.ts';

const ODDS = [1.5, 2, 3, 5, 8, 15, 40, 150, 1000];
const TOLERATED = 2;
const FLOOR = 0.02;
const LIMIT_MAX = 0.9;
const NATURE_MAX = 20;
const NATURE_LEAST = 5;
const BLOCK_LEAST = 20;
const CLUSTER_LEAST = 10;
const CLUSTER_MAX = 20;
const FAILED_MIN = 5;
const HELD = 3;
const RATE_MS = 1000;
/** Bound on the chance that a revision is ever reverted without cause; what was promised more for says nothing. */
const ALPHA_MAX = 1e-4;
/** Two ways of summing the same numbers agree to so much. */
const TOLERANCE = 1e-9;

type Pair = readonly [n: number, x: number];

/** Why a revert is not what its certificate says; null: nothing was recorded. */
export function revertFaults(decision: RevertDecision): string[] | null {
  const { certificate } = decision;
  if (!isWhole(certificate)) return ['its certificate is none'];
  if (certificate.turns === null) return null;
  const threshold = Math.log((2 * certificate.routes) / certificate.alpha);
  const derived = derive(certificate, certificate.turns, threshold);
  const { beside } = certificate;
  const isShared = beside.logRise !== null && beside.logRise >= Math.log(20 * beside.routes);
  const rose = isShared ? [`a route that did not change rose, ln E ${beside.logRise}: nothing may be reverted`] : [];
  const early = derived.held < HELD ? [`it was convicted ${derived.held} turns in a row, ${HELD} are needed`] : [];
  const counts = `${derived.failed} of ${derived.finished}`;
  const isSaid = new RegExp(`(?<![\\d.,])${counts}(?!\\d)`).test(decision.sentence);
  const unsaid = isSaid ? [] : [`its sentence does not say "${counts}"`];
  const { alpha } = certificate;
  const lax = alpha <= ALPHA_MAX ? [] : [`alpha is ${alpha}, more than ${ALPHA_MAX}`];
  return [
    ...close('logE', decision.logE, derived.logE),
    ...close('threshold', decision.threshold, threshold),
    ...close('limit', decision.limit, derived.limit),
    ...close('finished', decision.finished, derived.finished),
    ...close('failed', decision.failed, derived.failed),
    ...(decision.track === derived.track ? [] : [`track is ${decision.track}, its evidence says ${derived.track}`]),
    ...lax,
    ...rose,
    ...early,
    ...unsaid,
  ];
}

/** Whether what stands in a log is a certificate at all: anybody may have written it. */
function isWhole(value: unknown): value is RevertCertificate {
  if (typeof value !== 'object' || value === null) return false;
  const { alpha, routes, blocks, unchanged, turns, beside } = value as Partial<RevertCertificate>;
  const isBeside =
    typeof beside?.routes === 'number' && (beside.logRise === null || typeof beside.logRise === 'number');
  const hasTurns = turns === null || areCounts(turns);
  return (
    [alpha, routes].every((one) => typeof one === 'number' && one > 0) &&
    areCounts(blocks) &&
    (unchanged === null || areCounts([unchanged])) &&
    hasTurns &&
    isBeside
  );
}

function areCounts(lists: unknown): boolean {
  const isCount = (one: unknown): boolean => typeof one === 'number' && one >= 0;
  return Array.isArray(lists) && lists.every((list: unknown) => Array.isArray(list) && list.every(isCount));
}

/** The sums of lists, place by place. */
function sumOf(lists: readonly (readonly number[])[], length: number): number[] {
  const sums = new Array<number>(length).fill(0);
  for (const list of lists) for (let n = 0; n < length; n++) sums[n] = (sums[n] as number) + (list[n] ?? 0);
  return sums;
}

/** The number of a track in four counts: finished and bad, or answered and turned away. */
function pairOf(track: number, counts: readonly number[], at = 0): Pair {
  return [counts[at + 2 * track] ?? 0, counts[at + 2 * track + 1] ?? 0];
}

interface Derived {
  readonly logE: number;
  readonly limit: number;
  readonly finished: number;
  readonly failed: number;
  readonly track: 'errors' | 'refusals';
  readonly held: number;
}

function derive(certificate: RevertCertificate, turns: readonly (readonly number[])[], threshold: number): Derived {
  const tracks = [0, 1].map((track) => new TrackBets(track, certificate));
  const before = sumOf(certificate.blocks, 5);
  const [, , answeredBefore = 0, awayBefore = 0, msBefore = 0] = before;
  const goodPerMs = msBefore === 0 ? 0 : (answeredBefore - awayBefore) / msBefore;
  const seen = [0, 0, 0, 0];
  let held = 0;
  let last: Omit<Derived, 'held'> | null = null;
  for (const turn of turns) {
    const [afterMs = 0, ...counts] = turn;
    for (let n = 0; n < 4; n++) seen[n] = (seen[n] as number) + (counts[n] ?? 0);
    for (const one of tracks) one.add(counts);
    const isBroken = afterMs >= RATE_MS && ((seen[2] as number) - (seen[3] as number)) / afterMs < goodPerMs / 2;
    last = judge(tracks as [TrackBets, TrackBets], seen, isBroken);
    held = last.logE >= threshold && last.failed >= FAILED_MIN ? held + 1 : 0;
  }
  return { ...(last ?? judge(tracks as [TrackBets, TrackBets], seen, false)), held };
}

function judge(
  [errors, refusals]: [TrackBets, TrackBets],
  seen: readonly number[],
  isBroken: boolean,
): Omit<Derived, 'held'> {
  const refused = isBroken ? refusals.logE : Number.NEGATIVE_INFINITY;
  const one = errors.logE >= refused ? errors : refusals;
  const [finished, failed] = pairOf(one.track, seen);
  const logE = Math.log((Math.exp(errors.logE - one.logE) + Math.exp(refused - one.logE)) / 2) + one.logE;
  return { logE, limit: one.limit, finished, failed, track: one === errors ? 'errors' : 'refusals' };
}

/** The evidence of one track. */
class TrackBets {
  readonly track: number;
  readonly limit: number;
  readonly #record = new Bets(ODDS.map(() => 1 / ODDS.length));
  readonly #unchanged: Bets | null;
  readonly #ratio: number;
  readonly #clustering: number;
  /** Counts of both that wait until each has something. */
  #waiting = [0, 0, 0, 0, 0, 0, 0, 0];

  constructor(track: number, { alpha, routes, blocks, unchanged }: RevertCertificate) {
    this.track = track;
    const pairs = blocks.map((block) => pairOf(track, block));
    const [n, x] = sumOf(pairs, 2) as [number, number];
    const worst = Math.max(0, ...pairs.filter(([count]) => count >= BLOCK_LEAST).map(([count, bad]) => bad / count));
    this.limit = Math.min(LIMIT_MAX, Math.max(FLOOR, TOLERATED * boundOf(n, x, Math.log((2 * routes) / alpha)), worst));
    this.#clustering = clusteringOf(pairs, n, x);
    this.#unchanged = unchanged === null ? null : new Bets(ODDS.map(() => 1 / ODDS.length));
    const [others, othersBad] = pairOf(track, unchanged ?? []);
    const nature = x < NATURE_LEAST ? 1 : x / n / ((othersBad + 1) / (others + 1));
    this.#ratio = TOLERATED * Math.min(NATURE_MAX, Math.max(1, nature));
  }

  get logE(): number {
    return Math.min(this.#record.logE, this.#unchanged?.logE ?? Number.POSITIVE_INFINITY);
  }

  add(counts: readonly number[]): void {
    const [n, x] = pairOf(this.track, counts);
    const a = this.limit;
    ODDS.forEach((odds, j) => {
      const rate = Math.min(odds * a, (1 + a) / 2);
      const log = x * Math.log(rate / a) + (n - x) * Math.log((1 - rate) / (1 - a));
      this.#record.multiply(j, log / this.#clustering);
    });
    this.#waiting = this.#waiting.map((sum, i) => sum + (counts[i] ?? 0));
    if (this.#waiting[2] === 0 || this.#waiting[6] === 0) return;
    this.#compare(pairOf(this.track, this.#waiting), pairOf(this.track, this.#waiting, 4));
    this.#waiting = this.#waiting.map(() => 0);
  }

  #compare([own, ownBad]: Pair, [others, othersBad]: Pair): void {
    if (own === 0 || others === 0) return;
    const theta = (odds: number): number => (odds * this.#ratio * own) / (odds * this.#ratio * own + others);
    const miss = (odds: number): number => others / (odds * this.#ratio * own + others);
    ODDS.forEach((odds, j) => {
      const log = ownBad * Math.log(theta(odds) / theta(1)) + othersBad * Math.log(miss(odds) / miss(1));
      this.#unchanged?.multiply(j, log / this.#clustering);
    });
  }
}

/** The largest p with n KL(x/n, p) <= level, by halving. */
function boundOf(n: number, x: number, level: number): number {
  if (n === 0) return 1;
  const q = x / n;
  const part = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log(a / b));
  let [low, high] = [q, 1];
  for (let step = 0; step < 60; step++) {
    const p = (low + high) / 2;
    if (n * (part(q, p) + part(1 - q, 1 - p)) <= level) low = p;
    else high = p;
  }
  return high;
}

/** Pearson's chi-square over its expectation. */
function clusteringOf(pairs: readonly Pair[], n: number, x: number): number {
  const counted = pairs.filter(([count]) => count > 0);
  const p = x / n;
  if (x < CLUSTER_LEAST || p === 1 || counted.length < 2) return 1;
  const sum = counted.reduce((all, [count, bad]) => all + (bad - count * p) ** 2 / (count * p * (1 - p)), 0);
  return Math.min(CLUSTER_MAX, Math.max(1, sum / (counted.length - 1)));
}

function close(name: string, said: number, derived: number): string[] {
  const isClose = Math.abs(said - derived) <= TOLERANCE * Math.max(1, Math.abs(said), Math.abs(derived));
  return isClose ? [] : [`${name} is ${said}, its evidence says ${derived}`];
}
