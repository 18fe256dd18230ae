/**
 * What routes did before a release, as a file: written by one `sluice gate`, compared with by the next.
 */

import { HISTOGRAM_BUCKETS, type SparseCounts } from '../../lib/histogram.ts';
import { SluiceError } from '../../model/problem.ts';
import type { Status } from '../../model/status.ts';

export interface Baseline {
  readonly format: 1;
  /** When the process began that counted: the same one goes on counting from here. */
  readonly startedAt: string;
  readonly routes: readonly {
    readonly name: string;
    readonly requests: number;
    readonly bad: number;
    /** null: nothing was measured. */
    readonly p99Ms: number | null;
    /** Latencies since the start of the process; absent: written by an earlier version. */
    readonly latencies?: SparseCounts;
  }[];
}

/** A status, as far as it is compared with. @param asked routes; empty: all */
export function baselineOf(
  { startedAt, routes, latencies }: Pick<Status, 'startedAt' | 'routes' | 'latencies'>,
  asked: readonly string[],
): Baseline {
  const kept = routes.filter(({ name }) => asked.length === 0 || asked.includes(name));
  return {
    format: 1,
    startedAt,
    routes: kept.map(({ name, requests, bad, p99Ms }) => {
      const counts = latencies.find(({ route }) => route === name)?.counts ?? [];
      return { name, requests, bad, p99Ms, latencies: counts };
    }),
  };
}

/** @throws SluiceError SLU_USAGE: it is no baseline */
export function readBaseline(text: string, file: string): Baseline {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SluiceError('SLU_USAGE', `${file} is not JSON; write one with sluice gate -o baseline`, { cause: error });
  }
  if (isBaseline(value)) return value;
  throw new SluiceError('SLU_USAGE', `${file} is no baseline of format 1; write one with sluice gate -o baseline`);
}

function isBaseline(value: unknown): value is Baseline {
  const { format, startedAt, routes } = (value ?? {}) as Partial<Record<keyof Baseline, unknown>>;
  return format === 1 && typeof startedAt === 'string' && Array.isArray(routes) && routes.every(isRoute);
}

function isRoute(value: unknown): boolean {
  const { name, requests, bad, p99Ms, latencies } = (value ?? {}) as Record<string, unknown>;
  const areCounts = [requests, bad].every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
  const isTimed = latencies === undefined || (Array.isArray(latencies) && latencies.every(isBucket));
  const isP99 = p99Ms === null || (typeof p99Ms === 'number' && p99Ms >= 0);
  return typeof name === 'string' && areCounts && isP99 && isTimed;
}

function isBucket(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [index, count] = value as readonly unknown[];
  const isIndex = Number.isSafeInteger(index) && (index as number) >= 0 && (index as number) < HISTOGRAM_BUCKETS;
  return isIndex && Number.isSafeInteger(count) && (count as number) > 0;
}
