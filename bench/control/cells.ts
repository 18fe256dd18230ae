/**
 * The grid of healthy canaries: what is watched for an hour of virtual time, cell by cell.
 *
 * Both versions of every cell fail alike, so every rollback is a false one; only where one endpoint has hiccups they differ
 * for seconds. Requests are drawn by counts, and users apart from them, only where they decide (`watch.ts`).
 */

import type { Evidence } from '#src/model/slo.ts';
import { HEALTHY, type Period } from '../../test/support/simulate/traffic.ts';
import { type ClusteredScenario, ClusteredTraffic } from '../../test/support/simulate/watch/clustered.ts';
import { CALM, type CountedScenario, CountedTraffic } from '../../test/support/simulate/watch/counted.ts';
import type { Hiccups } from '../../test/support/simulate/watch/hiccups.ts';

const MINUTE_MS = 60_000;
/** Users of a cell: each sends a request every 20 s on average, or less often. */
const USERS_MIN = 2048;

/** A history as it is watched, tick by tick. */
export interface WatchedTraffic {
  readonly evidence: Evidence;
  readonly hiccups: Hiccups | null;
  /** End of the last tick that was drawn. */
  readonly nowMs: number;
  /** Told when the canary's share moves. */
  onStep: (() => void) | null;
  next(): void;
}

/** One cell: what the table says of it, and the history of a seed. */
export interface Cell {
  readonly key: string;
  readonly kind: string;
  readonly errorRatio: number;
  readonly requestsPerSecond: number;
  readonly canaryShare: number;
  /** Largest 99 % upper bound that is aimed at. */
  readonly goal: number;
  /** The requests of a seed are the same with users and without. */
  readonly start: (seed: number, hasUsers: boolean) => WatchedTraffic;
}

type Place = Pick<Cell, 'errorRatio' | 'requestsPerSecond' | 'canaryShare'>;

/** Largest bound that is aimed at where one endpoint has no hiccups. */
export const GOAL = 0.002;
const HICCUP_GOAL = 0.01;

/** A minute of failures of both, in the middle. */
const OUTAGE: readonly Period[] = [{ fromMs: 25 * MINUTE_MS, toMs: 26 * MINUTE_MS, errorRatio: 1 }];
/** Two seconds in which half fails, every ten minutes: what clients send again keeps failing for a while. */
const BLIPS: readonly Period[] = [5, 15, 25, 35, 45, 55].map((minute) => {
  return { fromMs: minute * MINUTE_MS, toMs: minute * MINUTE_MS + 2000, errorRatio: 0.5 };
});
/** One of four endpoints fails everything for 1 to 10 s, once in the hour. */
const HICCUP = { endpoints: 4, withinMs: 59 * MINUTE_MS, lengthMs: [1000, 10_000] } as const;

function counted(kind: string, place: Place, changes: Partial<CountedScenario> = {}, goal = GOAL): Cell {
  const scenario = { ...CALM, ...place, users: Math.max(USERS_MIN, 20 * place.requestsPerSecond), ...changes };
  return { ...named(kind, place, goal), start: (seed, hasUsers) => new CountedTraffic(scenario, seed, hasUsers) };
}

function clustered(kind: string, place: Place, changes: Partial<ClusteredScenario>): Cell {
  const scenario = { ...HEALTHY, ...place, ...changes };
  return {
    ...named(kind, place, GOAL),
    start: (seed, hasUsers) => new ClusteredTraffic(scenario, seed, hasUsers),
  };
}

function named(kind: string, place: Place, goal: number): Omit<Cell, 'start'> {
  const { errorRatio, requestsPerSecond, canaryShare } = place;
  const key = `${kind}, ${100 * errorRatio} % of ${requestsPerSecond} rps, ${100 * canaryShare} %`;
  return { key, kind, ...place, goal };
}

function grid(ratios: readonly number[], rates: readonly number[], shares: readonly number[]): Place[] {
  return ratios.flatMap((errorRatio) =>
    rates.flatMap((requestsPerSecond) => shares.map((canaryShare) => ({ errorRatio, requestsPerSecond, canaryShare }))),
  );
}

const INDEPENDENT = grid([0.001, 0.01, 0.05], [5, 100, 1000], [0.01, 0.05, 0.5]);
const AT_100 = grid([0.001, 0.01], [100], [0.05, 0.5]);

/** All cells, in the order of the table. */
export const CELLS: readonly Cell[] = [
  ...INDEPENDENT.map((place) => counted('independent', place)),
  ...[2, 5, 10].flatMap((meanLength) =>
    AT_100.map((place) =>
      clustered(`bursts of ${meanLength} of one user`, place, { bursts: { meanLength, meanGapMs: 50 } }),
    ),
  ),
  ...AT_100.map((place) =>
    clustered('retry storms', place, { retries: { againRatio: 0.8, meanGapMs: 400 }, outages: BLIPS }),
  ),
  ...AT_100.map((place) =>
    counted('hiccup of a canary endpoint', place, { hiccups: { arm: 'canary', ...HICCUP } }, HICCUP_GOAL),
  ),
  ...AT_100.map((place) => counted('hiccup of a stable endpoint', place, { hiccups: { arm: 'stable', ...HICCUP } })),
  ...AT_100.map((place) => counted('shared outage of a minute', place, { outages: OUTAGE }, 0)),
  ...AT_100.map((place) => counted('load like a day', place, { swing: 3 })),
  ...AT_100.map((place) => counted('weight moves', place, { isMoving: true })),
];
