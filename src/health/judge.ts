/**
 * Convicts the endpoints of a version that do worse than their siblings. Pure.
 *
 * Three charges, any one suffices:
 * ```
 * row      failures in a row >= consecutiveErrors                                               every tick
 * ratio    success ratio < successRatioMin, and at least twice the siblings' failure ratio       every interval
 * latency  mean time to the head > latencyFactor x the median of the siblings' means,
 *          and at least LATENCY_GAP_MS_MIN more                                                  every interval
 * ```
 * - Ratio and latency need `requestsMin` attempts of the endpoint and of its siblings in the interval, and a sibling.
 *   Less is insufficient data, which is null and charges nobody.
 * - "Twice" keeps a shared outage from looking like many sick endpoints: when all fail alike nobody is worse.
 * - The worst come first, and never more than `ejectedRatioMax` of the endpoints are out at a time, those included that
 *   fail their health check; with two or more endpoints one always may be. Who is convicted beyond that is withheld.
 * - The siblings of the worst are all others; those of the next are the ones after it, so that one that fails does not
 *   excuse another.
 * Source: Envoy, "outlier detection"; Finagle failure accrual for the defaults (5 in a row, 80 %).
 */

import type { OutlierConfig } from '../model/config.ts';

/** What an endpoint did in an interval. */
export interface Interval {
  readonly good: number;
  readonly bad: number;
  readonly answered: number;
  readonly waitedMs: number;
}

/** One endpoint of the version. */
export interface Suspect {
  readonly id: number;
  /** Ejected or unhealthy already: not judged, and no sibling to be compared with. */
  readonly isOut: boolean;
  readonly inRow: number;
  /** Null within an interval: then the row alone is judged. */
  readonly interval: Interval | null;
}

export interface Conviction {
  readonly id: number;
  /** With numbers: `5 errors in a row`. */
  readonly because: string;
}

export interface Judgement {
  readonly ejected: readonly Conviction[];
  /** Convicted, but too many are out. */
  readonly withheld: readonly Conviction[];
}

/** Below this a difference between means is the network's, not the endpoint's. */
const LATENCY_GAP_MS_MIN = 10;
const FAILURE_FACTOR = 2;

/** Judges the endpoints of one version. `suspects`: all of them. Cost: O(n log n). */
export function judge(suspects: readonly Suspect[], config: OutlierConfig): Judgement {
  const ejected: Conviction[] = [];
  const withheld: Conviction[] = [];
  const standing = suspects.filter(({ isOut }) => !isOut);
  let room = outMax(suspects.length, config) - (suspects.length - standing.length);
  const convicted = new Set<Suspect>();
  for (const charge of [rowCharges, ratioCharges, latencyCharges]) {
    const charges = charge(
      standing.filter((suspect) => !convicted.has(suspect)),
      config,
    );
    for (const { suspect, because } of charges) {
      convicted.add(suspect);
      (room-- > 0 ? ejected : withheld).push({ id: suspect.id, because });
    }
  }
  return { ejected, withheld };
}

/** How many of a version's endpoints may be out at a time. */
export function outMax(count: number, { ejectedRatioMax }: OutlierConfig): number {
  // 0.1 x 30 is 3, whatever binary fractions make of it.
  const share = Math.floor(ejectedRatioMax * count + 1e-9);
  return count >= 2 ? Math.max(1, share) : 0;
}

interface Charge {
  readonly suspect: Suspect;
  readonly because: string;
}

function rowCharges(standing: readonly Suspect[], { consecutiveErrors }: OutlierConfig): Charge[] {
  return standing
    .filter(({ inRow }) => inRow >= consecutiveErrors)
    .sort((a, b) => b.inRow - a.inRow)
    .map((suspect) => ({ suspect, because: `${suspect.inRow} errors in a row` }));
}

/** From the worst on; when it is not bad enough against the others, nobody is. */
function ratioCharges(standing: readonly Suspect[], config: OutlierConfig): Charge[] {
  const charges: Charge[] = [];
  let bad = sumOf(standing, badOf);
  let count = sumOf(standing, countOf);
  const enough = standing.filter((suspect) => countOf(suspect) >= Math.max(1, config.requestsMin));
  for (const suspect of enough.sort((a, b) => badOf(b) / countOf(b) - badOf(a) / countOf(a))) {
    const [ownBad, ownCount] = [badOf(suspect), countOf(suspect)];
    bad -= ownBad;
    count -= ownCount;
    if (count < Math.max(1, config.requestsMin)) break;
    const ratio = ownBad / ownCount;
    if (1 - ratio >= config.successRatioMin || ratio < (FAILURE_FACTOR * bad) / count) break;
    charges.push({ suspect, because: `${ownBad} of ${ownCount} attempts failed, ${bad} of ${count} elsewhere` });
  }
  return charges;
}

/** From the slowest on; when it is not slow enough against the others, nobody is. */
function latencyCharges(standing: readonly Suspect[], config: OutlierConfig): Charge[] {
  const charges: Charge[] = [];
  const enough = standing.filter(({ interval }) => (interval?.answered ?? 0) >= Math.max(1, config.requestsMin));
  const rising = enough.sort((a, b) => meanMs(a) - meanMs(b));
  for (let suspect = rising.pop(); suspect !== undefined; suspect = rising.pop()) {
    const usual = medianOf(rising);
    if (usual === null) break;
    const own = meanMs(suspect);
    if (own <= config.latencyFactor * usual || own - usual < LATENCY_GAP_MS_MIN) break;
    const because = `${Math.round(own)} ms to the response head on average, ${Math.round(usual)} ms elsewhere`;
    charges.push({ suspect, because });
  }
  return charges;
}

function badOf({ interval }: Suspect): number {
  return interval?.bad ?? 0;
}

/** Attempts that say something. */
function countOf({ interval }: Suspect): number {
  return (interval?.good ?? 0) + (interval?.bad ?? 0);
}

function sumOf(suspects: readonly Suspect[], valueOf: (suspect: Suspect) => number): number {
  return suspects.reduce((sum, suspect) => sum + valueOf(suspect), 0);
}

/** Mean time to the head of one that answered. */
function meanMs({ interval }: Suspect): number {
  return interval === null ? 0 : interval.waitedMs / interval.answered;
}

/** Median of sorted means; null of nothing. */
function medianOf(rising: readonly Suspect[]): number | null {
  const middle = rising.length >> 1;
  if (rising.length === 0) return null;
  const upper = meanMs(rising[middle] as Suspect);
  return rising.length % 2 === 1 ? upper : (meanMs(rising[middle - 1] as Suspect) + upper) / 2;
}
