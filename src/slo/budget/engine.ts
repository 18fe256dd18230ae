/**
 * The SLO engine: counts the exchanges of every route and service with objectives, and of the gateway, and tells of their alerts.
 *
 * Each turn of the loop (100 ms) looks at a tenth of the sources, so that each is looked at once a second and 10,000 of them
 * cost no turn more than 1,000. One that is idle is read and evaluated only when its windows slide (totals/activity.ts). When a
 * worker has left, all of them are read in that turn, because its memory is there for the last time.
 *
 * ```
 * cells of the workers ─▶ CountReader ─▶ Objective (availability) ─▶ ring ─▶ burn rates ─▶ alerts
 *                                    ├─▶ Objective (latency)      ─▶ ring ─▶ …
 *             health, breakers ─▶ Score ─▶ Objective (of seconds)   ─▶ ring ─▶ …
 * ```
 * A source whose turn throws costs the others nothing; until one succeeds no rollout of its route passes the gate of alerts.
 * What an objective counted outlives a change of its target, calendar or policy, and goes with its route, its service or
 * its latency threshold. Clocks and memory are handed in.
 * Cost: docs/ARCHITECTURE.md "Objectives and budgets".
 */

import { ERROR_CLASSES } from '../../model/sli.ts';
import type { AlertChange, SloScope, SloSource } from '../../model/slo.ts';
import type { SloStatus } from '../../model/status.ts';
import { CELL } from '../../model/tallies.ts';
import type { ObjectiveTrouble, ObjectiveTroubles } from '../../model/threads/load/alerts.ts';
import { DEFECT_CODE } from '../../model/threads/load/defects.ts';
import { type Region, RegionRoll } from '../regions.ts';
import { Activity } from '../totals/activity.ts';
import { errorsOf, ObjectiveReading } from '../totals/objective-reading.ts';
import { NO_SURROUNDINGS, type Score, type Surroundings, scoreFor } from './composite/score.ts';
import { addWorth, CountReader, clearCounts, noCounts, type SliCounts } from './counts.ts';
import type { Instant } from './ledger/ledger.ts';
import {
  type FastBurn,
  Objective,
  type ObjectiveBudget,
  type ObjectiveSpec,
  objectiveId,
  type SavedObjective,
  specsOf,
} from './objective.ts';

const NO_BURNS: readonly FastBurn[] = [];
/** In place of an alert, where nobody can tell whether one fires. */
const BROKEN = `its objectives are not counted, by a defect of the gateway (${DEFECT_CODE})`;

/** Turns in which every source is looked at once. */
export const SLICES = 10;
/** Troubles that are told one by one. */
export const TROUBLES_MAX = 500;

/** What is left to a route of its budgets. */
export interface BudgetLeft {
  /** Of the objective with least; null when nothing was counted. */
  readonly remainingRatio: number | null;
  readonly fast: readonly FastBurn[];
}

/** One route or service: its cells, and the objectives that share their counts. */
interface Watched {
  readonly source: SloSource;
  readonly readers: readonly CountReader[];
  readonly objectives: readonly Objective[];
  /** Of the last of them, whose events are seconds; null when there is none. */
  readonly score: Score | null;
  /** Errors by class since the engine began to count; null before the first. */
  errors: Float64Array | null;
  /** Its last turn threw: what it says may be old. */
  isBroken: boolean;
}

type SurroundingsOf = (source: SloSource) => Surroundings;
/** Hears of a defect in the turn of one source, `route/checkout`. */
type SourceBroken = (source: string, error: unknown) => void;

export class SloEngine {
  readonly #roll = new RegionRoll();
  /** By `scope/name`, and the same in order for the slices. */
  readonly #byKey = new Map<string, Watched>();
  /** Of those the routes, by name. */
  #ofRoute = new Map<string, Watched>();
  /** Of those the ones with a score whose being low has consequences. */
  #scored: readonly Watched[] = [];
  #watched: Watched[] = [];
  /** Who of them is to be looked at. */
  #activity = new Activity([]);
  /** Routes that were looked at since somebody asked. */
  readonly #moved = new Set<string>();
  #regions: readonly Region[] = [];
  #turn = 0;
  /** When counts began to be kept apart; null: they are not. */
  #apartSinceMs: number | null = null;
  /** Whom `saveNews` looks at next. */
  #saveAt = 0;
  /** Made when somebody asks for them. */
  #readings: readonly ObjectiveReading[] | null = null;
  /** Made when one is restored, for all that are until the next turn. */
  #byId: ReadonlyMap<string, Objective> | null = null;
  /** Alerts that ended because their objective did. */
  #ended: AlertChange[] = [];
  /** What one source counted in this turn, and one cell of it: one object for all. */
  readonly #news = noCounts();
  readonly #ofCell = noCounts();
  readonly #surroundingsOf: SurroundingsOf;
  readonly #broken: SourceBroken | undefined;

  /** @param surroundingsOf what else a source's score is made of; asked once a second. @param broken absent: thrown on */
  constructor(surroundingsOf: SurroundingsOf = () => NO_SURROUNDINGS, broken?: SourceBroken) {
    this.#surroundingsOf = surroundingsOf;
    this.#broken = broken;
  }

  /** Takes in the objectives of a configuration. What a new one's cells counted so far is the past. */
  follow(sources: readonly SloSource[]): void {
    const kept = new Set<string>();
    this.#readings = null;
    this.#byId = null;
    this.#watched = sources.map((source) => {
      const key = `${source.scope}/${source.name}`;
      kept.add(key);
      const watched = this.#adapt(this.#byKey.get(key) ?? null, source);
      this.#byKey.set(key, watched);
      return watched;
    });
    this.#activity = new Activity(sources.map(({ cells }) => cells));
    this.#ofRoute = new Map(
      this.#watched.flatMap((one) => (one.source.scope === 'route' ? [[one.source.name, one]] : [])),
    );
    this.#scored = this.#watched.filter(({ source }) => (source.slo.composite?.whileBelow ?? null) !== null);
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
    this.#byId = null;
    const isAll = wantsAll || this.#roll.departed(regions).length > 0;
    const readable = this.#roll.turn(regions);
    this.#regions = regions;
    const slice = this.#turn++ % SLICES;
    this.#activity.turn(readable);
    for (let n = isAll ? 0 : slice; n < this.#watched.length; n += isAll ? 1 : SLICES) {
      if (this.#activity.isDue(n, now.nowMs) || isAll) this.#contain(n, readable, now, changes);
    }
    return changes;
  }

  /** Every objective, in the order of the sources. Cost: about 5 us each. */
  status(now: Instant): SloStatus[] {
    return this.#watched.flatMap((watched) => statusesOf(watched, now));
  }

  /** Every objective to be read again and again; the same ones until there are others. */
  get readings(): readonly ObjectiveReading[] {
    this.#readings ??= this.#watched.flatMap((watched) =>
      watched.objectives.map((objective) => new ObjectiveReading(objective, watched)),
    );
    return this.#readings;
  }

  /** What is wrong now, as of each objective's last evaluation. Cost: about 0.5 us each; 10,000 that all fire, 15 ms. */
  troubles(): ObjectiveTroubles {
    const found: ObjectiveTrouble[] = [];
    let unsaid = 0;
    for (const { objectives } of this.#watched) {
      for (const objective of objectives) unsaid += objective.troubles(found, TROUBLES_MAX);
    }
    return { found, unsaid };
  }

  /** Sources whose score is too low, and says that something follows. */
  strained(): SloSource[] {
    return this.#scored.flatMap(({ source, score }) => (score?.isBelow === true ? [source] : []));
  }

  /** The objectives of one route or service; none when it has none. Cost: about 5 us each. */
  statusOf(scope: SloScope, name: string, now: Instant): SloStatus[] {
    const watched = this.#byKey.get(`${scope}/${name}`);
    return watched === undefined ? [] : statusesOf(watched, now);
  }

  /** What rollouts of a route ask of its objectives; null when it has none. Cost: about 1 us. */
  budgetOf(route: string, nowMs: number): ObjectiveBudget | null {
    const objectives = this.#ofRoute.get(route)?.objectives ?? [];
    const budgets = objectives.map((objective) => objective.budget(nowMs));
    // The first objective is availability: its events are what a rollout's bad requests are counted in.
    const [first] = budgets;
    if (first === undefined) return null;
    const ratios = budgets.flatMap(({ remainingRatio }) => remainingRatio ?? []);
    const broken = this.#ofRoute.get(route)?.isBroken === true ? BROKEN : null;
    return {
      remainingRatio: ratios.length === 0 ? null : Math.min(...ratios),
      remainingEvents: first.remainingEvents,
      alert: budgets.find(({ alert }) => alert !== null)?.alert ?? broken,
    };
  }

  /** What is left to a route, for the order in which requests are refused; null when it has no objectives. Cost: well below 1 us. */
  leftOf(route: string, nowMs: number): BudgetLeft | null {
    const objectives = this.#ofRoute.get(route)?.objectives;
    if (objectives === undefined) return null;
    let left: number | null = null;
    let fast: FastBurn[] | null = null;
    for (let n = 0; n < objectives.length; n++) {
      const objective = objectives[n] as Objective;
      const ratio = objective.remainingRatio(nowMs);
      if (ratio !== null && (left === null || ratio < left)) left = ratio;
      const burn = objective.fastBurn;
      if (burn !== null) (fast ??= []).push(burn);
    }
    return { remainingRatio: left, fast: fast ?? NO_BURNS };
  }

  /** Routes of which `leftOf` may say something else than when this was asked last. */
  takeMoved(): readonly string[] {
    const moved = [...this.#moved];
    this.#moved.clear();
    return moved;
  }

  /** Requests that a route's objectives counted in the last five minutes; null when it has none. */
  recentRequests(route: string, nowMs: number): number | null {
    return this.#ofRoute.get(route)?.objectives[0]?.recentEvents(nowMs) ?? null;
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
   * It is not certain what earlier processes saved: until `settle`, what was counted and is from now on is kept apart as well, so
   * that `restore` may come later, and again.
   */
  keepApart(nowMs: number): void {
    this.#apartSinceMs = nowMs;
    for (const objective of this.#objectives()) objective.keepApart(nowMs);
  }

  /** What is known of earlier processes is all there will be. */
  settle(): void {
    this.#apartSinceMs = null;
    for (const objective of this.#objectives()) objective.settle();
  }

  /**
   * Goes on where an earlier process stopped, `awayMs` ago by the wall clock. Before the first turn, or while counts are
   * kept apart.
   * @returns ids that no objective has now
   * @throws SluiceError SLU_STATE_INVALID when bytes cannot be read; objectives before it are restored
   */
  restore(saved: readonly SavedObjective[], nowMs: number, awayMs: number): string[] {
    const byId = (this.#byId ??= this.#indexed());
    for (const one of saved) byId.get(one.id)?.restore(one, nowMs, awayMs);
    return saved.map(({ id }) => id).filter((id) => !byId.has(id));
  }

  /** What is restored is to be looked at. */
  #indexed(): Map<string, Objective> {
    this.#activity.setAllDue();
    return new Map(this.#objectives().map((objective) => [objective.id, objective]));
  }

  #objectives(): Objective[] {
    return this.#watched.flatMap(({ objectives }) => objectives);
  }

  #contain(n: number, regions: readonly Region[], now: Instant, changes: AlertChange[]): void {
    const watched = this.#watched[n] as Watched;
    this.#activity.setDue(n, Number.NEGATIVE_INFINITY);
    if (watched.source.scope === 'route') this.#moved.add(watched.source.name);
    try {
      this.#look(watched, regions, now, changes);
      watched.isBroken = false;
      this.#activity.setDue(n, dueAtMs(watched));
    } catch (error) {
      if (this.#broken === undefined) throw error;
      watched.isBroken = true;
      for (const counts of [this.#news, this.#ofCell]) clearCounts(counts);
      this.#broken(`${watched.source.scope}/${watched.source.name}`, error);
    }
  }

  #look(watched: Watched, regions: readonly Region[], now: Instant, changes: AlertChange[]): void {
    const { objectives, score } = watched;
    const news = this.#news;
    const hasNews = this.#read(watched, regions);
    if (hasNews) keepErrors(watched, news);
    for (let n = 0; hasNews && n < objectives.length; n++) {
      const objective = objectives[n] as Objective;
      if (!objective.isOfSeconds) objective.count(news, now);
    }
    if (score !== null) this.#count(watched, score, now);
    if (hasNews) clearCounts(news);
    for (let n = 0; n < objectives.length; n++) {
      const changed = (objectives[n] as Objective).evaluate(now.nowMs);
      for (let i = 0; i < changed.length; i++) changes.push(changed[i] as AlertChange);
    }
  }

  #read({ source, readers }: Watched, regions: readonly Region[]): boolean {
    let hasNews = false;
    for (let n = 0; n < readers.length; n++) {
      const reader = readers[n] as CountReader;
      if (source.values === undefined) {
        if (reader.read(regions, this.#news)) hasNews = true;
      } else if (reader.read(regions, this.#ofCell)) {
        addWorth(this.#news, this.#ofCell, source.values[n] as number);
        clearCounts(this.#ofCell);
        hasNews = true;
      }
    }
    return hasNews;
  }

  #count({ source, objectives }: Watched, score: Score, now: Instant): void {
    const isGood = score.look(this.#news, () => this.#surroundingsOf(source), now.nowMs);
    if (isGood === null) return;
    for (const objective of objectives) if (objective.isOfSeconds) objective.count(isGood ? GOOD : BAD, now);
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
    const { errors = null, isBroken = false } = before ?? {};
    return { source, readers, objectives, score: scoreFor(source.slo, before?.score ?? null), errors, isBroken };
  }

  #begin(spec: ObjectiveSpec): Objective {
    const objective = new Objective(spec);
    if (this.#apartSinceMs !== null) objective.keepApart(this.#apartSinceMs);
    return objective;
  }

  #retire(objectives: readonly Objective[]): void {
    this.#ended.push(...objectives.flatMap((objective) => objective.retire()));
  }
}

/** One second. */
const GOOD = { finished: 1, bad: 0, late: 0 };
const BAD = { finished: 1, bad: 1, late: 0 };

/** When it is to be evaluated though nothing happened: a second of a score is one that counts. */
function dueAtMs({ objectives, score }: Watched): number {
  if (score !== null) return Number.NEGATIVE_INFINITY;
  return Math.min(...objectives.map(({ slidesAtMs }) => slidesAtMs));
}

function statusesOf({ source, objectives, errors, score }: Watched, now: Instant): SloStatus[] {
  const counted = errorsOf(errors, source.slo);
  const scored = score?.status() ?? null;
  return objectives.map((objective) => objective.status(now, counted, objective.isOfSeconds ? scored : null));
}

function keepErrors(watched: Watched, { errors }: SliCounts): void {
  for (let n = 0; n < errors.length; n++) {
    const more = errors[n] as number;
    if (more === 0) continue;
    watched.errors ??= new Float64Array(ERROR_CLASSES.length);
    watched.errors[n] = (watched.errors[n] as number) + more;
  }
}
