/**
 * What a check of a canary found, stage by stage, as an object for pipelines and as lines for people.
 */

import { nowMs } from '../../lib/clock.ts';
import { visible } from '../../lib/text/visible.ts';
import type { TrafficStatus } from '../../model/status.ts';
import { reasonOf } from '../admin/ask/client.ts';

/** In the order in which they are run; `health` only where it is asked for. */
export type StageName = 'gateway' | 'version' | 'endpoints' | 'health' | 'route' | 'probe' | 'sli';

/** One stage. `skipped`: it rests on one that failed. */
export interface Stage {
  readonly name: StageName;
  readonly state: 'pass' | 'fail' | 'skipped';
  /** In one sentence with numbers. */
  readonly sentence: string;
  /** What the sentence rests on. */
  readonly facts: readonly string[];
  readonly tookMs: number;
}

/** What came of a stage; `value` is for those that rest on it. */
export type Outcome<T> =
  | { readonly isOk: true; readonly sentence: string; readonly facts?: readonly string[]; readonly value: T }
  | { readonly isOk: false; readonly sentence: string; readonly facts?: readonly string[] };

/** Counts and latencies of a version since the gateway's start; null where nothing was counted. */
export type SliCounts = Pick<
  TrafficStatus,
  'requests' | 'bad' | 'ignored' | 'slow' | 'errorRatio' | 'p50Ms' | 'p90Ms' | 'p99Ms'
> & { readonly service: string; readonly version: string; readonly weight: number };

/** The indicators when the check ended: of the version, and of the route's others beside it. */
export interface SliSnapshot {
  readonly version: SliCounts;
  readonly others: readonly SliCounts[];
}

export interface CanaryReport {
  /** Every stage passed. */
  readonly ok: boolean;
  readonly route: string;
  /** Empty while they are not known. */
  readonly service: string;
  readonly version: string;
  readonly color: string;
  /** Where the probes went; empty when none were sent. */
  readonly gateway: string;
  readonly tookMs: number;
  readonly stages: readonly Stage[];
  /** Null when the version is not there. */
  readonly sli: SliSnapshot | null;
}

/**
 * Runs a stage and puts down what came of it.
 * @param check null: it rests on a stage that failed
 * @returns what the stage found; null when it did not pass
 */
export async function takeStage<T>(
  stages: Stage[],
  name: StageName,
  check: (() => Outcome<T> | Promise<Outcome<T>>) | null,
): Promise<T | null> {
  if (check === null) {
    const sentence = 'skipped: it rests on a stage that failed';
    stages.push({ name, state: 'skipped', sentence, facts: [], tookMs: 0 });
    return null;
  }
  const startedAtMs = nowMs();
  let outcome: Outcome<T>;
  try {
    outcome = await check();
  } catch (error) {
    outcome = { isOk: false, sentence: reasonOf(error) };
  }
  const { isOk, sentence, facts = [] } = outcome;
  stages.push({ name, state: isOk ? 'pass' : 'fail', sentence, facts, tookMs: Math.round(nowMs() - startedAtMs) });
  return outcome.isOk ? outcome.value : null;
}

/** The report as people read it, ending in a newline. */
export function reportText({ ok, route, service, version, stages }: CanaryReport): string {
  const lines = stages.flatMap(({ name, state, sentence, facts }) => [
    `${state.padEnd(8)}${name.padEnd(10)}${sentence}`,
    ...(state === 'fail' ? facts.map((fact) => `${' '.repeat(18)}${fact}`) : []),
  ]);
  const subject = version === '' ? `the canary of ${route}` : `${service} ${version} on ${route}`;
  const bad = stages.filter(({ state }) => state !== 'pass').length;
  const end = ok ? `${subject} is fit` : `${subject} is not fit: ${bad} of ${stages.length} stages did not pass`;
  return `${[...lines, end].map(visible).join('\n')}\n`;
}
