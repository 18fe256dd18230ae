/**
 * The tables of docs/overload.md: what the gateway's own admission reaches on virtual time. The same code gives the same figures.
 */

import { type OverloadOutcome, overload } from '../../test/support/simulate/load/overload.ts';
import { capacityOf, MAIN, OTHERS, type Shape } from '../../test/support/simulate/load/shapes.ts';
import type { Table } from '../control/tables.ts';

/** How long and how often a load is looked at. */
export interface Depth {
  /** Not measured: the limit is found. */
  readonly learnMs: number;
  readonly measuredMs: number;
  /** Of the same where that is more than QUICK_RATE requests per second, which take a while to simulate. */
  readonly quickMs: number;
  /** From a cold start, at 0.8 of what can be served. */
  readonly calmMs: number;
  /** Seeds of each row of the second table, of which there may be fewer where that is said. */
  readonly seeds: number;
}

export const FULL: Depth = { learnMs: 10_000, measuredMs: 10_000, quickMs: 3000, calmMs: 40_000, seeds: 6 };
export const SMOKE: Depth = { learnMs: 200, measuredMs: 1000, quickMs: 200, calmMs: 200, seeds: 1 };

const QUICK_RATE = 5000;
const FACTORS = [2, 5, 10] as const;
/** Of the first table. */
const SEEDS = [11, 12];
/** First one of the second table. */
const FIRST_SEED = 301;
/** Workers that share the limit; and seeds, where the shape is so large that fewer do. */
const SHARED: readonly (readonly [shape: Shape, workers: readonly number[], seedsMax: number])[] = [
  [MAIN, [1, 2, 4, 8], 6],
  [OTHERS[0] as Shape, [1, 4], 2],
  [OTHERS[1] as Shape, [1, 2, 4, 8], 6],
  [OTHERS[2] as Shape, [1, 2, 4, 8], 6],
];

/** Everything that can be simulated, by the name of its marks. */
export const TABLES: Readonly<Record<string, (depth: Depth) => Table>> = { shapes, workers: shared };

/** Each kind of service behind one worker: the lowest of two seeds. */
function shapes(depth: Depth): Table {
  const rows = [MAIN, ...OTHERS].map((shape) => {
    const calm = SEEDS.map((seed) => {
      return overload(shape, { factorAt: () => 0.8, durationMs: depth.calmMs, fromMs: 0, seed }, 'auto').refused;
    });
    const loaded = FACTORS.map((factor) => SEEDS.map((seed) => measured(shape, factor, { depth, seed, workers: 1 })));
    const least = (of: Figure): string => listed(loaded.map((outcomes) => Math.min(...outcomes.map(of))));
    return [shapeText(shape), `${Math.max(...calm)}`, least(goodput), least(critical)];
  });
  return {
    title: `One worker, from second ${depth.learnMs / 1000} on; the lower figure of ${SEEDS.length} seeds`,
    head: ['servers, mean, σ', 'refused at 0.8×', 'goodput 2× / 5× / 10×', 'critical 2× / 5× / 10×'],
    rows,
  };
}

/** Several workers: means over the seeds. */
function shared(depth: Depth): Table {
  const rows = SHARED.flatMap(([shape, counts, seedsMax]) =>
    counts.map((workers, n) => {
      const seeds = Array.from({ length: Math.min(seedsMax, depth.seeds) }, (_, more) => FIRST_SEED + more);
      const loaded = FACTORS.map((factor) => seeds.map((seed) => measured(shape, factor, { depth, seed, workers })));
      const mean = (of: Figure): string => listed(loaded.map((outcomes) => meanOf(outcomes.map(of))));
      return [n === 0 ? shapeText(shape) : '', `${workers}`, mean(goodput), mean(critical)];
    }),
  );
  return {
    title: `Several workers, from second ${depth.learnMs / 1000} on; means of ${depth.seeds} seeds, of 100 servers of two`,
    head: ['servers, mean, σ', 'workers', 'goodput 2× / 5× / 10×', 'critical 2× / 5× / 10×'],
    rows,
  };
}

type Figure = (outcome: OverloadOutcome) => number;
const goodput: Figure = (outcome) => outcome.goodput;
const critical: Figure = (outcome) => outcome.criticalRatio;

interface Run {
  readonly depth: Depth;
  readonly seed: number;
  readonly workers: number;
}

function measured(shape: Shape, factor: number, { depth, seed, workers }: Run): OverloadOutcome {
  const { learnMs, measuredMs, quickMs } = depth;
  const durationMs = learnMs + (capacityOf(shape) > QUICK_RATE ? quickMs : measuredMs);
  return overload(shape, { factorAt: () => factor, durationMs, fromMs: learnMs, seed }, 'auto', workers);
}

function shapeText({ servers, meanMs, sigma }: Shape): string {
  return `${servers}, ${meanMs} ms, ${sigma}`;
}

function listed(figures: readonly number[]): string {
  return figures.map((figure) => figure.toFixed(3)).join(' / ');
}

function meanOf(figures: readonly number[]): number {
  return figures.reduce((sum, one) => sum + one, 0) / figures.length;
}
