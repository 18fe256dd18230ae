/**
 * Watches every version of the routes with `drift`, and says which of them drift, go offline and recover.
 *
 * Each EVALUATION_MS every version is graded by what it did since the last evaluation: by failures against the availability
 * objective of its route, and by failures and late answers against the latency objective; the worse grade counts. Counts
 * that tell nothing yet (`unknown`) are kept for the next evaluation, for at most KEPT_MS. Three grades in a row move a
 * version (grade.ts). Versions of one route are graded before any of them moves, so that each is compared with the others of
 * the same moment.
 *
 * What a rollout judges is left to it: both its versions while the canary has weight.
 * Time, weights and memory are handed in. Cost: nothing between evaluations; about 1 us per version at one.
 */

import type { DriftChange, DriftSpec, DriftStanding, SloIndicator } from '../../../model/slo.ts';
import { CELL } from '../../../model/tallies.ts';
import { type Region, RegionRoll } from '../../regions.ts';
import { CountReader, noCounts, type SliCounts } from '../counts.ts';
import { bringBack, type DriftState, EVALUATIONS, type Grade, gradeOf, nextDrift, STEADY } from './grade.ts';
import { driftSentence, type Seen } from './sentence.ts';

export const EVALUATION_MS = 10_000;
/** How long counts that tell nothing are added up. */
const KEPT_MS = 300_000;

const GRADES: readonly Grade[] = ['unknown', 'calm', 'mild', 'severe'];

/** What one evaluation saw. */
interface Look {
  readonly finished: number;
  readonly bad: number;
  readonly late: number;
  readonly fromMs: number;
  readonly toMs: number;
}

interface Watched {
  spec: DriftSpec;
  readonly reader: CountReader;
  state: DriftState;
  /** Why it is not steady; empty when it is. */
  sentence: string;
  /** Not graded yet. */
  news: SliCounts;
  newsSinceMs: number;
  /** Those that told something, newest last. */
  looks: Look[];
  grade: Grade;
}

/** What outlives the process: versions that are offline. */
export interface SavedDrift {
  /** `keyOf` a version. */
  readonly key: string;
  readonly sentence: string;
}

export class DriftingVersions {
  readonly #roll = new RegionRoll();
  readonly #byKey = new Map<string, Watched>();
  #byRoute: readonly (readonly Watched[])[] = [];
  #regions: readonly Region[] = [];
  #nextAtMs = 0;

  /** Takes in the versions of a configuration. One that is offline stays so, unless its route has no `drift` any more. */
  follow(specs: readonly DriftSpec[], nowMs: number): void {
    const before = new Map(this.#byKey);
    const routes = new Map<string, Watched[]>();
    this.#byKey.clear();
    for (const spec of specs) {
      const key = keyOf(spec);
      const watched = this.#adapt(before.get(key), spec, nowMs);
      this.#byKey.set(key, watched);
      routes.set(spec.route, [...(routes.get(spec.route) ?? []), watched]);
    }
    this.#byRoute = [...routes.values()];
  }

  /** One turn of the loop. Returns what changed. @param weightOf a dial's weight in force */
  turn(regions: readonly Region[], nowMs: number, weightOf: (dial: number) => number): DriftChange[] {
    const hasDeparted = this.#roll.departed(regions).length > 0;
    const readable = this.#roll.turn(regions);
    this.#regions = regions;
    const isDue = nowMs >= this.#nextAtMs;
    if (!isDue && !hasDeparted) return [];
    for (const { reader, news } of this.#byKey.values()) reader.read(readable, news);
    if (!isDue) return [];
    this.#nextAtMs = nowMs + EVALUATION_MS;
    return this.#byRoute.flatMap((versions) => evaluate(versions, nowMs, weightOf));
  }

  /** A person brings the versions of a route back that are offline. @returns what changed; nothing when none was */
  restore(route: string, by: string, reason: string): DriftChange[] {
    const changes: DriftChange[] = [];
    for (const watched of this.#byKey.values()) {
      if (watched.spec.route !== route || watched.state.kind !== 'offline') continue;
      const { service, version } = watched.spec;
      const why = reason === '' ? '' : ` (${reason})`;
      const sentence = `${service} ${version} on ${route} was restored by ${by}${why}; it was offline: ${watched.sentence}`;
      changes.push(moved(watched, bringBack(watched.state), { by, sentence }));
    }
    return changes;
  }

  /** By `keyOf`: every version that is not steady. */
  standings(): Map<string, DriftStanding> {
    const standings = new Map<string, DriftStanding>();
    for (const [key, { state, sentence }] of this.#byKey) {
      if (state.kind !== 'steady') standings.set(key, { kind: state.kind, sentence });
    }
    return standings;
  }

  /** Part of its weight that a version keeps in mild trouble. @param key of one that `standings` has */
  keepRatio(key: string): number {
    return this.#byKey.get(key)?.spec.drift.keepRatio ?? 1;
  }

  /** Cells of versions that are not steady, each with the share of its requests that is to be logged. */
  logged(): Map<number, number> {
    const cells = new Map<number, number>();
    for (const { spec, state } of this.#byKey.values()) {
      if (state.kind !== 'steady') cells.set(spec.cell, spec.drift.sampleRatio);
    }
    return cells;
  }

  /** Goes on where an earlier process stopped. False: there is no such version, or its route has no `drift` any more. */
  recall({ key, sentence }: SavedDrift, nowMs: number): boolean {
    const watched = this.#byKey.get(key);
    if (watched === undefined) return false;
    watched.state = { kind: 'offline', sinceMs: nowMs };
    watched.sentence = sentence;
    return true;
  }

  #adapt(before: Watched | undefined, spec: DriftSpec, nowMs: number): Watched {
    if (before?.reader.cell === spec.cell) {
      before.spec = spec;
      return before;
    }
    return {
      spec,
      reader: new CountReader(spec.cell, CELL.late, this.#regions),
      state: before?.state ?? STEADY,
      sentence: before?.sentence ?? '',
      news: noCounts(),
      newsSinceMs: nowMs,
      looks: [],
      grade: 'unknown',
    };
  }
}

/** `route/service/version`. */
export function keyOf({ route, service, version }: Pick<DriftSpec, 'route' | 'service' | 'version'>): string {
  return `${route}/${service}/${version}`;
}

type WeightOf = (dial: number) => number;

function evaluate(versions: readonly Watched[], nowMs: number, weightOf: WeightOf): DriftChange[] {
  const judged = versions.filter((watched) => {
    const { canaryDial } = watched.spec;
    const isJudgedElsewhere = canaryDial !== -1 && weightOf(canaryDial) > 0;
    if (isJudgedElsewhere) forget(watched, nowMs);
    else grade(watched, nowMs);
    return !isJudgedElsewhere;
  });
  return judged.flatMap((watched) => {
    const hasBetter = versions.some((other) => other !== watched && isBetter(other, weightOf));
    const next = nextDrift(watched.state, watched.grade, nowMs, hasBetter);
    if (next.kind === watched.state.kind) {
      watched.state = next;
      return [];
    }
    const sentence = driftSentence(watched.spec, next.kind, seenBy(watched));
    return [moved(watched, next, { by: 'evidence', sentence })];
  });
}

/** It gets traffic, is known, and is not severe. */
function isBetter({ spec, state, grade }: Watched, weightOf: WeightOf): boolean {
  return weightOf(spec.dial) > 0 && state.kind !== 'offline' && (grade === 'calm' || grade === 'mild');
}

function moved(
  watched: Watched,
  next: DriftState,
  { by, sentence }: Pick<DriftChange, 'by' | 'sentence'>,
): DriftChange {
  const { route, service, version } = watched.spec;
  const before = watched.state.kind;
  watched.state = next;
  watched.sentence = next.kind === 'steady' ? '' : sentence;
  return { route, service, version, before, after: next.kind, by, sentence };
}

/** What a rollout judged says nothing here. */
function forget(watched: Watched, nowMs: number): void {
  watched.news = noCounts();
  watched.newsSinceMs = nowMs;
  watched.looks = [];
  watched.grade = 'unknown';
}

function grade(watched: Watched, nowMs: number): void {
  const { finished, bad, late } = watched.news;
  const look = { finished, bad, late, fromMs: watched.newsSinceMs, toMs: nowMs };
  watched.grade = worst(watched.spec, look).grade;
  if (watched.grade === 'unknown' && nowMs - watched.newsSinceMs < KEPT_MS) return;
  if (watched.grade !== 'unknown') watched.looks = [...watched.looks, look].slice(-EVALUATIONS);
  watched.news = noCounts();
  watched.newsSinceMs = nowMs;
}

/** The worse of a look's grades, and whose it is. */
function worst({ slo }: DriftSpec, look: Look): { readonly grade: Grade; readonly indicator: SloIndicator } {
  const failed = gradeOf(countsOf(look, 'availability'), 1 - slo.availabilityRatio);
  if (slo.latency === null) return { grade: failed, indicator: 'availability' };
  const late = gradeOf(countsOf(look, 'latency'), 1 - slo.latency.targetRatio);
  const isLate = GRADES.indexOf(late) > GRADES.indexOf(failed);
  return isLate ? { grade: late, indicator: 'latency' } : { grade: failed, indicator: 'availability' };
}

/** A reading may bring a miss whose end came with the one before. */
function countsOf(
  { finished, bad, late }: Look,
  indicator: SloIndicator,
): { readonly good: number; readonly bad: number } {
  const missed = indicator === 'latency' ? bad + late : bad;
  return { good: Math.max(0, finished - missed), bad: missed };
}

/** The row of looks that moved it, in the terms of the indicator that was worst in the last of them. */
function seenBy({ spec, looks }: Watched): Seen {
  const sum = { finished: 0, bad: 0, late: 0, fromMs: looks[0]?.fromMs ?? 0, toMs: looks.at(-1)?.toMs ?? 0 };
  for (const { finished, bad, late } of looks) {
    sum.finished += finished;
    sum.bad += bad;
    sum.late += late;
  }
  const { indicator } = worst(spec, looks.at(-1) ?? sum);
  const targetRatio = indicator === 'latency' ? (spec.slo.latency?.targetRatio ?? 0) : spec.slo.availabilityRatio;
  return { indicator, targetRatio, counts: countsOf(sum, indicator), forMs: sum.toMs - sum.fromMs };
}
