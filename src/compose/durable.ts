/**
 * Composition of what outlives the process: budgets, rollouts, decisions and revisions, from the state store and into it.
 *
 * ```
 * start:      store ─▶ recalled decisions, rollouts with their holds, budgets     before the first turn
 * decision:   the decision and where it left its rollout, in one transaction      at once
 * flush:      what workers counted is read, then written:
 *             budgets that counted something, at most BUDGETS_PER_FLUSH           every 0.8 s
 *             every rollout                                                       every ROLLOUTS_MS
 * close:      everything
 * ```
 * What was saved and cannot be read is told and left out: a start never fails for it. Where the state opens only while the
 * gateway serves, budgets become the sum of what was saved and what was counted since, and a saved rollout goes on unless
 * this process has moved it; until then nothing is written. What a running gateway handed over is newer than any file, and
 * so is what this process has kept since it first read its own: a file that opens then is written to, and not believed.
 */

import { bothClocks, nowMs, wallTime } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import { canonicalJson } from '../lib/text/canonical.ts';
import type { SavedRollout } from '../model/rollout.ts';
import type { LoggedDecision } from '../model/slo.ts';
import type { Given } from '../model/threads/handover.ts';
import type { Revert } from '../model/threads/revision.ts';
import type {
  LoadedState,
  LogLine,
  PassedState,
  SavedBudget,
  Segment,
  StateStatus,
  Unwritten,
} from '../model/threads/state.ts';
import type { SloEngine } from '../slo/budget/engine.ts';
import { BUDGET_FORMAT, fromBytes, toBytes } from '../slo/budget/ledger/saved.ts';
import type { SavedObjective } from '../slo/budget/objective.ts';
import { evidenceOf, Reels } from '../slo/replay/reel.ts';
import { chained, GENESIS } from '../state/chain.ts';
import { formatLine } from '../state/read.ts';
import { StateStore } from '../state/store.ts';
import type { Rollouts } from './rollouts.ts';
import type { Defects } from './watches/defects.ts';

/** 3 MB a flush: 256 objectives that count are saved every time, 10,000 in half a minute. */
const BUDGETS_PER_FLUSH = 256;
/** Times on a step are saved this often, besides every decision. */
const ROLLOUTS_MS = 10_000;
const ALL_WRITTEN: Unwritten = { decisions: [], segments: [], segmentsLost: new Map() };

/** What a process has let go of, for the next one. */
export interface Suspended {
  /** That one finds everything in its directory. */
  readonly isInDirectory: boolean;
  /** All of it as it was then, whether it is in the directory or not. */
  readonly passed: () => PassedState;
}

/** Keeps rows among the budgets, under keys of its own. */
export interface Keeper {
  /** Everything that is to outlive the process. */
  save(): ReadonlyMap<string, SavedBudget>;
  /** Whether a row is its own; then it is taken in. @throws Error when it cannot be read */
  recall(key: string, row: SavedBudget): boolean;
  /** Every row was recalled. */
  recalled?(): void;
}

export interface DurableDeps {
  readonly log: Log;
  readonly slos: SloEngine;
  readonly rollouts: () => Rollouts;
  /** What is saved beside budgets, in rows like theirs. */
  readonly keepers: () => readonly Keeper[];
  /** Takes in everything that the workers have counted so far. */
  readonly look: () => void;
  /** Where what a part throws ends: what can be saved is saved. */
  readonly defects: Pick<Defects, 'contain'>;
  /** For tests; default: the store's. */
  readonly retryMs?: number;
}

export class Durable {
  readonly #deps: DurableDeps;
  #store: StateStore;
  #directory: string | null = null;
  readonly #reels = new Reels();
  /** What the file holds was not read yet, or not for the last time: it is to be added to what this process has. */
  #isApart = false;
  /** What the process before decided without knowing what the file holds. */
  #inherited: readonly LoggedDecision[] = [];
  /** What was not written when the state was let go of. */
  #unwritten = ALL_WRITTEN;
  #rolloutsSavedAtMs = nowMs();

  constructor(deps: DurableDeps) {
    this.#deps = deps;
    this.#store = this.#freshStore();
  }

  /** How the state stands. */
  get status(): StateStatus {
    return this.#store.status;
  }

  /**
   * Reads what is in `directory` (null: everything is in memory). Never rejects.
   * @param given by a running gateway; it is asked for what should be in the directory and is not to be read
   * @returns what is to be restored instead of what was read; null: nothing
   */
  async open(directory: string | null, given: Pick<Given, 'state' | 'ask'> | null = null): Promise<PassedState | null> {
    this.#directory = directory;
    await this.#store.open(directory);
    if (given === null || given.state !== null || directory === null) return given?.state ?? null;
    const { health, loaded } = this.#store;
    // A damaged file was moved aside for one with nothing in it, as where the directory was emptied.
    const isFound =
      health.kind === 'durable' && loaded.budgets.size + loaded.rollouts.length + loaded.decisions.length > 0;
    return isFound ? null : given.ask();
  }

  /**
   * Hands out what was read; once the configuration is followed, before anybody is served.
   * @param given what a running gateway has handed over, instead of what was read; null: nothing
   */
  restore(given: PassedState | null = null): void {
    if (given !== null) {
      this.#handOut(given);
      if (given.isPartial) this.#addFile(given);
      this.#saveAll();
      this.#store.takeUp(given.unwritten);
      return;
    }
    // What is in the file by the time it can be written may be more than what could be read now.
    this.#isApart = this.#store.health.kind === 'unavailable';
    if (this.#isApart) this.#deps.slos.keepApart(nowMs());
    this.#handOut(this.#store.loaded);
  }

  /** To what a process handed over that never read the file; as far as that can be read now, and again when it opens. */
  #addFile({ unwritten }: PassedState): void {
    this.#inherited = unwritten.decisions;
    this.#isApart = true;
    this.#deps.slos.keepApart(nowMs());
    if (this.#store.health.kind === 'durable') this.#takeOver(this.#store.loaded, true);
    else if (this.#store.loaded.decisions.length + this.#store.loaded.budgets.size > 0)
      this.#addOut(this.#store.loaded);
  }

  /** Keeps a segment of a tape: on the disk, or within bounds in memory. */
  readonly keepSegment = (segment: Segment): void => {
    if (this.#store.health.kind === 'memory') this.#reels.keep(segment);
    else this.#store.keep(segment);
  };

  /** The log of this process as it is exported; null when it is in the state directory. */
  exported(decisions: readonly LoggedDecision[]): string | null {
    if (this.#store.health.kind !== 'memory') return null;
    this.#deps.rollouts().seal();
    return linesOf(decisions, this.#reels)
      .map((line) => `${formatLine(line)}\n`)
      .join('');
  }

  /** Keeps what is no budget, and outlives the process like one. */
  readonly keep = (budgets: ReadonlyMap<string, SavedBudget>): void => this.#store.saveBudgets(budgets);

  /** Writes a decision down, and where it left the route's rollout. */
  readonly decided = (decision: LoggedDecision, rollout: SavedRollout | null): void => {
    if (this.#store.health.kind !== 'memory') this.#store.append(decision, rollout);
    else this.#reels.decided(decision);
  };

  /** Writes down that a configuration was reverted. */
  reverted(revert: Revert): void {
    this.#deps.rollouts().reverted(revert);
  }

  /**
   * Writes what is to be kept, within two seconds, and lets go. What the workers counted after the last turn of the loop is in
   * their memory still. Idempotent.
   */
  close(): Promise<void> {
    const { look, rollouts, defects } = this.#deps;
    for (const act of [look, () => rollouts().seal(), () => this.#saveAll()]) defects.contain('state', act);
    return this.#store.close();
  }

  /**
   * Writes what is to be kept and lets go of the directory, until `resume`.
   * @param directory that the next process opens
   */
  async suspend(directory: string | null): Promise<Suspended> {
    await this.close();
    const isElsewhere = directory !== this.#directory;
    const isInDirectory = !isElsewhere && this.#store.isWritten;
    this.#unwritten = this.#store.leave();
    return { isInDirectory, passed: () => this.#passed(isElsewhere) };
  }

  #passed(isElsewhere: boolean): PassedState {
    const { slos, rollouts } = this.#deps;
    const budgets = new Map([...savedBudgets(slos.save(nowMs())), ...this.#kept()]);
    const isPartial = this.#isApart && !isElsewhere;
    const unwritten = isElsewhere ? withoutTapes(this.#unwritten) : this.#unwritten;
    return { budgets, rollouts: rollouts().save(), decisions: rollouts().decisions, unwritten, isPartial };
  }

  /** Keeps again what is decided from now on, and what could not be written before. */
  async resume(): Promise<void> {
    this.#store = this.#freshStore();
    await this.#store.open(this.#directory);
    this.#deps.defects.contain('state', () => {
      if (!this.#isApart) this.#saveAll();
      else if (this.#store.health.kind === 'durable') this.#takeOver(this.#store.loaded, true);
    });
    this.#store.takeUp(this.#unwritten);
    this.#unwritten = ALL_WRITTEN;
  }

  #freshStore(): StateStore {
    const { defects } = this.#deps;
    return new StateStore({
      log: this.#deps.log,
      collect: () => defects.contain('state', () => this.#collect()),
      late: (loaded, isOwn) => defects.contain('state', () => this.#takeOver(loaded, isOwn)),
      renewed: () => defects.contain('state', () => this.#saveAll()),
      wallTime,
      ...(this.#deps.retryMs === undefined ? {} : { retryMs: this.#deps.retryMs }),
    });
  }

  #kept(): Map<string, SavedBudget> {
    return new Map(this.#deps.keepers().flatMap((keeper) => [...keeper.save()]));
  }

  /** Each part by itself: what one throws keeps no other from being saved. */
  #saveAll(): void {
    const { slos, rollouts, keepers, defects } = this.#deps;
    defects.contain('state', () => this.#saveBudgets(slos.save(nowMs())));
    defects.contain('state', () => this.#store.saveRollouts(rollouts().save()));
    for (const keeper of keepers()) defects.contain('state', () => this.#store.saveBudgets(keeper.save()));
  }

  /** The state opened, or could be read, only now. */
  #takeOver(loaded: LoadedState, isOwn: boolean): void {
    const isAdded = this.#isApart;
    if (isAdded) this.#addOut(loaded);
    if (isOwn) {
      this.#deps.slos.settle();
      this.#isApart = false;
    }
    this.#saveAll();
    const { budgets, rollouts, decisions } = loaded;
    const counts = { budgets: budgets.size, rollouts: rollouts.length, decisions: decisions.length };
    this.#deps.log.warn('state_late', {
      ...counts,
      isOwn,
      now: isAdded ? 'added to what was counted and decided since the start' : 'older than what is known, and replaced',
    });
  }

  /** Hands out what a file held, beside what was decided without it. */
  #addOut(loaded: LoadedState): void {
    this.#handOut({ ...loaded, decisions: [...loaded.decisions, ...this.#inherited] });
  }

  /** Each part by itself: what is written afterwards takes the place of what was read, of budgets above all. */
  #handOut({ budgets, rollouts, decisions }: LoadedState): void {
    const { contain } = this.#deps.defects;
    contain('state', () => this.#deps.rollouts().recall(decisions));
    for (const rollout of rollouts) {
      this.#try('rollout', rollout.route, () => this.#deps.rollouts().restore(rollout, this.#inherited));
    }
    const { wallMs } = bothClocks();
    for (const [id, budget] of budgets) this.#try('budget', id, () => this.#restoreBudget(id, budget, wallMs));
    for (const keeper of this.#deps.keepers()) contain('state', () => keeper.recalled?.());
  }

  #collect(): void {
    this.#deps.look();
    const atMs = nowMs();
    this.#saveBudgets(this.#deps.slos.saveNews(atMs, BUDGETS_PER_FLUSH));
    if (atMs - this.#rolloutsSavedAtMs < ROLLOUTS_MS) return;
    this.#rolloutsSavedAtMs = atMs;
    this.#store.saveRollouts(this.#deps.rollouts().save());
  }

  #saveBudgets(saved: readonly SavedObjective[]): void {
    this.#store.saveBudgets(savedBudgets(saved));
  }

  #restoreBudget(id: string, budget: SavedBudget, wallMs: number): void {
    if (this.#deps.keepers().some((keeper) => keeper.recall(id, budget))) return;
    const { format, bytes, at } = budget;
    if (format !== BUDGET_FORMAT) throw new Error(`format ${format} is not ${BUDGET_FORMAT}`);
    const unknown = this.#deps.slos.restore([fromBytes(id, bytes)], nowMs(), wallMs - Date.parse(at));
    if (unknown.length > 0) this.#deps.log.info('budget_stale', { objective: id });
  }

  #try(what: 'rollout' | 'budget', name: string, restore: () => void): void {
    try {
      restore();
    } catch (error) {
      this.#deps.log.error('state_invalid', { what, name, error });
    }
  }
}

function savedBudgets(saved: readonly SavedObjective[]): Map<string, SavedBudget> {
  const at = new Date(bothClocks().wallMs).toISOString();
  return new Map(saved.map((one) => [one.id, { format: BUDGET_FORMAT, bytes: toBytes(one), at }]));
}

/** A log that nobody has written down: its chain is made when somebody asks. */
function linesOf(decisions: readonly LoggedDecision[], reels: Reels): LogLine[] {
  let previous = GENESIS;
  const rows = decisions.map((decision, n): LogLine => {
    const body = canonicalJson(decision);
    const hash = chained(previous, body);
    const row = { kind: 'decision', seq: n + 1, previous, hash, body } as const;
    previous = hash;
    return row;
  });
  const head: LogLine = { kind: 'head', seq: rows.length, hash: previous };
  const letGo = reels.missing(decisions).map((loss): LogLine => ({ kind: 'letGo', ...loss }));
  return [...rows, head, ...letGo, ...reels.segments.map((segment): LogLine => ({ kind: 'segment', ...segment }))];
}

/** In another directory the beginnings of their tapes are not there. */
function withoutTapes({ decisions }: Unwritten): Unwritten {
  const segmentsLost = new Map<string, { readonly route: string; readonly segments: number }>();
  for (const { route, certificate } of decisions) {
    const evidence = evidenceOf({ certificate });
    if (evidence !== null) segmentsLost.set(evidence.watch, { route, segments: evidence.segment });
  }
  return { decisions, segments: [], segmentsLost };
}
