/**
 * The SLO engine: counts the exchanges of every route and service with objectives, and tells of their alerts.
 *
 * Each turn of the loop (100 ms) looks at a tenth of the sources, so that each is read and evaluated once a second and
 * 10,000 of them cost no turn more than 1,000. When a worker has left, all of them are read in that turn, because its
 * memory is there for the last time.
 *
 * ```
 * cells of the workers ─▶ CountReader ─▶ Objective (availability) ─▶ ring ─▶ burn rates ─▶ alerts
 *                                    └─▶ Objective (latency)      ─▶ ring ─▶ …
 * ```
 * What an objective counted outlives a change of its target, calendar or policy, and goes with its route, its service or
 * its latency threshold. Clocks and memory are handed in.
 * Cost: docs/ARCHITECTURE.md "Objectives and budgets".
 */

import { ERROR_CLASSES, type ErrorClass, weightedErrors } from '../../model/sli.ts';
import type { AlertChange, SloSource } from '../../model/slo.ts';
import type { SloStatus } from '../../model/status.ts';
import { CELL } from '../../model/tallies.ts';
import { type Region, RegionRoll } from '../regions.ts';
import { CountReader, noCounts, type SliCounts } from './counts.ts';
import type { Instant } from './ledger.ts';
import { Objective, type ObjectiveBudget, type ObjectiveSpec, objectiveId, type SavedObjective } from './objective.ts';

/** Turns in which every source is looked at once. */
export const SLICES = 10;

/** One route or service: its cells, and the objectives that share their counts. */
interface Watched {
  readonly source: SloSource;
  readonly readers: readonly CountReader[];
  readonly objectives: readonly Objective[];
  /** Errors by class since the engine began to count; null before the first. */
  errors: Float64Array | null;
}

export class SloEngine {
  readonly #roll = new RegionRoll();
  /** By `scope/name`, and the same in order for the slices. */
  readonly #byKey = new Map<string, Watched>();
  #watched: Watched[] = [];
  #regions: readonly Region[] = [];
  #turn = 0;
  #isApart = false;
  /** Whom `saveNews` looks at next. */
  #saveAt = 0;
  /** Alerts that ended because their objective did. */
  #ended: AlertChange[] = [];
  /** What one source counted in this turn: one object for all. */
  readonly #news = noCounts();

  /** Takes in the objectives of a configuration. What a new one's cells counted so far is the past. */
  follow(sources: readonly SloSource[]): void {
    const kept = new Set<string>();
    this.#watched = sources.map((source) => {
      const key = `${source.scope}/${source.name}`;
      kept.add(key);
      const watched = this.#adapt(this.#byKey.get(key) ?? null, source);
      this.#byKey.set(key, watched);
      return watched;
    });
    for (const [key, { objectives }] of this.#byKey) {
      if (kept.has(key)) continue;
      this.#byKey.delete(key);
      this.#retire(objectives);
    }
  }

  /**
   * One turn of the loop. Returns the alerts that began or ended.
   * @param wantsAll looks at every source, also when it is not their turn: before what was counted is written
   */
  turn(regions: readonly Region[], now: Instant, wantsAll = false): AlertChange[] {
    const changes = this.#ended;
    this.#ended = [];
    const isAll = wantsAll || this.#roll.departed(regions).length > 0;
    const readable = this.#roll.turn(regions);
    this.#regions = regions;
    const slice = this.#turn++ % SLICES;
    for (let n = isAll ? 0 : slice; n < this.#watched.length; n += isAll ? 1 : SLICES) {
      this.#look(this.#watched[n] as Watched, readable, now, changes);
    }
    return changes;
  }

  /** Every objective, in the order of the sources. Cost: about 5 us each. */
  status(now: Instant): SloStatus[] {
    return this.#watched.flatMap(({ source, objectives, errors }) => {
      const counted = errorsOf(errors, source);
      return objectives.map((objective) => objective.status(now, counted));
    });
  }

  /** What rollouts of a route ask of its objectives; null when it has none. Cost: about 1 us. */
  budgetOf(route: string, nowMs: number): ObjectiveBudget | null {
    const objectives = this.#byKey.get(`route/${route}`)?.objectives ?? [];
    const budgets = objectives.map((objective) => objective.budget(nowMs));
    // The first objective is availability: its events are what a rollout's bad requests are counted in.
    const [first] = budgets;
    if (first === undefined) return null;
    const ratios = budgets.flatMap(({ remainingRatio }) => remainingRatio ?? []);
    return {
      remainingRatio: ratios.length === 0 ? null : Math.min(...ratios),
      remainingEvents: first.remainingEvents,
      alert: budgets.find(({ alert }) => alert !== null)?.alert ?? null,
    };
  }

  /** Requests that a route's objectives counted in the last five minutes; null when it has none. */
  recentRequests(route: string, nowMs: number): number | null {
    return this.#byKey.get(`route/${route}`)?.objectives[0]?.recentEvents(nowMs) ?? null;
  }

  /** What is to outlive the process: every objective that has counted something. */
  save(nowMs: number): SavedObjective[] {
    return this.#watched.flatMap(({ objectives }) => objectives.flatMap((objective) => objective.save(nowMs) ?? []));
  }

  /**
   * Objectives that counted something since they were saved, at most about `max`; the next call goes on behind them.
   */
  saveNews(nowMs: number, max: number): SavedObjective[] {
    const saved: SavedObjective[] = [];
    for (let n = 0; n < this.#watched.length && saved.length < max; n++) {
      this.#saveAt = (this.#saveAt + 1) % this.#watched.length;
      for (const objective of (this.#watched[this.#saveAt] as Watched).objectives) {
        const one = objective.isUnsaved ? objective.save(nowMs) : null;
        if (one !== null) saved.push(one);
      }
    }
    return saved;
  }

  /**
   * It is not certain what earlier processes saved: until `settle`, what is counted is kept apart as well, so that
   * `restore` may come later, and again.
   */
  keepApart(): void {
    this.#isApart = true;
    for (const objective of this.#objectives()) objective.keepApart();
  }

  /** What is known of earlier processes is all there will be. */
  settle(): void {
    this.#isApart = false;
    for (const objective of this.#objectives()) objective.settle();
  }

  /**
   * Goes on where an earlier process stopped, `awayMs` ago by the wall clock. Before the first turn, or while counts are
   * kept apart.
   * @returns ids that no objective has now
   * @throws SluiceError SLU_STATE_INVALID when bytes cannot be read; objectives before it are restored
   */
  restore(saved: readonly SavedObjective[], nowMs: number, awayMs: number): string[] {
    const byId = new Map(this.#objectives().map((objective) => [objective.id, objective]));
    for (const one of saved) byId.get(one.id)?.restore(one, nowMs, awayMs);
    return saved.map(({ id }) => id).filter((id) => !byId.has(id));
  }

  #objectives(): Objective[] {
    return this.#watched.flatMap(({ objectives }) => objectives);
  }

  #look(watched: Watched, regions: readonly Region[], now: Instant, changes: AlertChange[]): void {
    const { readers, objectives } = watched;
    const news = this.#news;
    let hasNews = false;
    for (let n = 0; n < readers.length; n++) {
      if ((readers[n] as CountReader).read(regions, news)) hasNews = true;
    }
    if (hasNews) {
      keepErrors(watched, news);
      for (let n = 0; n < objectives.length; n++) (objectives[n] as Objective).count(news, now);
      clear(news);
    }
    for (let n = 0; n < objectives.length; n++) {
      const changed = (objectives[n] as Objective).evaluate(now.nowMs);
      for (let i = 0; i < changed.length; i++) changes.push(changed[i] as AlertChange);
    }
  }

  #adapt(before: Watched | null, source: SloSource): Watched {
    const lateWord = source.scope === 'route' ? CELL.late : CELL.serviceLate;
    const knownReaders = new Map(before?.readers.map((reader) => [reader.cell, reader]));
    const readers = source.cells.map(
      (cell) => knownReaders.get(cell) ?? new CountReader(cell, lateWord, this.#regions),
    );
    const known = new Map(before?.objectives.map((objective) => [objective.id, objective]));
    const objectives = specsOf(source).map((spec) => {
      const objective = known.get(objectiveId(spec));
      if (objective === undefined) return this.#begin(spec);
      known.delete(objective.id);
      objective.spec = spec;
      return objective;
    });
    this.#retire([...known.values()]);
    return { source, readers, objectives, errors: before?.errors ?? null };
  }

  #begin(spec: ObjectiveSpec): Objective {
    const objective = new Objective(spec);
    if (this.#isApart) objective.keepApart();
    return objective;
  }

  #retire(objectives: readonly Objective[]): void {
    this.#ended.push(...objectives.flatMap((objective) => objective.retire()));
  }
}

function specsOf({ scope, name, slo }: SloSource): ObjectiveSpec[] {
  const { availabilityRatio, latency } = slo;
  const base = { scope, name, slo };
  const specs: ObjectiveSpec[] = [
    { ...base, indicator: 'availability', targetRatio: availabilityRatio, thresholdMs: null },
  ];
  if (latency === null) return specs;
  const { targetRatio, thresholdMs } = latency;
  return [...specs, { ...base, indicator: 'latency', targetRatio, thresholdMs }];
}

function clear(counts: SliCounts): void {
  counts.finished = 0;
  counts.bad = 0;
  counts.late = 0;
  counts.errors.fill(0);
}

function keepErrors(watched: Watched, { errors }: SliCounts): void {
  for (let n = 0; n < errors.length; n++) {
    const more = errors[n] as number;
    if (more === 0) continue;
    watched.errors ??= new Float64Array(ERROR_CLASSES.length);
    watched.errors[n] = (watched.errors[n] as number) + more;
  }
}

function errorsOf(errors: Float64Array | null, { slo }: SloSource): SloStatus['errors'] {
  const entries = ERROR_CLASSES.map((errorClass, n) => [errorClass, errors?.[n] ?? 0] as const);
  const counts = Object.fromEntries(entries) as Record<ErrorClass, number>;
  return { ...counts, weighted: weightedErrors(counts, slo.errorWeights) };
}
