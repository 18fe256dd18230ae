/**
 * The SLO loop: looks at every rollout each 100 ms, takes a bad canary out with one store, and moves the others' machines.
 *
 * ```
 *                 split or canary changed            evidence convicts, or abort
 *   (none) ───────────▶ progressing ─────────────────────────────────▶ rolled-back
 *                          ▲   │ weight changed: a step                    │
 *                          └───┘                                           │
 *                          ▲    split or canary changed, start, undo       │
 *                          └───────────────────────────────────────────────┘
 * ```
 * This is the judge's part: who is watched, and who is not any more. Where a rollout with steps stands is its machine's
 * (rollout/machine.ts), which every turn and every command moves; the dials follow in the same call, by one path (`#move`).
 *
 * A rolled-back rollout is not judged again before the operator changes it (its generation) or a person starts it again.
 * When the loop itself was held up for longer than READ_GAP_MS_MAX, or its clock stepped back, the time in between is let
 * pass unjudged: evidence gathered while traffic, weights and dependencies may have changed unseen convicts nobody.
 * What one rollout's turn throws halts that rollout alone (rollout/loop/halt.ts); the others go on being judged.
 * Memory, dials and clocks are handed in, so that a test drives it on virtual time. Cost: docs/verdicts.md "Cost".
 */

import type { CommandResult, Rollout, RolloutCommand, RolloutSpec, RouteHold, SavedRollout } from '../model/rollout.ts';
import type { Decision } from '../model/slo.ts';
import { type BadEvent, EventReader } from './events.ts';
import { isComparable, Judgement } from './judgement.ts';
import { forgetLatency } from './latency/watch.ts';
import { RegionRoll } from './regions.ts';
import { Notary } from './replay/notary.ts';
import type { Tape } from './replay/tape.ts';
import { justChanged, notFound, obey } from './rollout/commands.ts';
import { type BudgetReading, budgetOf, NO_BUDGET, type RolloutInput } from './rollout/gates.ts';
import { Executor } from './rollout/loop/executor.ts';
import { becauseOf, halt, isDue, standStill, unseen, wayOut } from './rollout/loop/halt.ts';
import type { Controller, ControllerDeps, RolloutView, Standing, TickResult } from './rollout/loop/loop.ts';
import type { Moment, Moving, Told, Watch, WatchState } from './rollout/loop/watch.ts';
import { IDLE, type Moved, percentOf, turn } from './rollout/machine.ts';
import { RolloutRun } from './rollout/run.ts';
import { decisionOf, fromState, savedOf } from './rollout/saved.ts';
import { stateSentence } from './rollout/sentence.ts';
import { holdsFor, shareAnew, storeShare } from './rollout/shares.ts';
import { brokenView, viewOf } from './rollout/view.ts';
import { READ_GAP_MS_MAX } from './users.ts';

/** Starts with no rollout known; the first tick, or command, finds them. */
export function createController(deps: ControllerDeps): Controller {
  return new Loop(deps);
}

class Loop implements Controller {
  readonly #deps: ControllerDeps;
  readonly #watches = new Map<string, Watch>();
  readonly #roll = new RegionRoll();
  readonly #events = new EventReader();
  #lastMs: number | null = null;
  readonly #notary: Notary;
  readonly #executor: Executor;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#notary = new Notary(deps);
    this.#executor = new Executor(deps, this.#notary);
  }

  get eventsLost(): number {
    return this.#events.lost;
  }

  tick(atMs: number): TickResult {
    // Whole ms: a tape holds a time in one byte, and everything that is asked of time is slower than that.
    const nowMs = Math.floor(atMs);
    const current = this.#deps.regions();
    const regions = this.#roll.turn(current);
    const events = this.#events.drain(current);
    const skippedMs = this.#gap(nowMs);
    const told: Told = { moves: [], overruled: [], shadows: [], refusals: [] };
    const moment = { nowMs, regions };
    this.#follow(moment, told.overruled);
    this.#each(moment, (watch) => this.#lead(watch, moment));
    this.#each(moment, (watch) => this.#start(watch, moment, told));
    this.#note(events, moment);
    this.#each(moment, (watch) => this.#turn(watch, moment, skippedMs, told));
    this.#each(moment, (watch) => {
      const moved = standStill(watch, nowMs);
      if (moved !== null) told.moves.push(this.#move(watch, moved, moment, ''));
    });
    const moves = told.moves.map(({ decision }) => decision);
    const decisions = [...told.overruled, ...moves, ...told.shadows].toSorted((a, b) => a.id - b.id);
    return { decisions, holds: told.moves.flatMap(({ holds }) => holds), refusals: told.refusals, events, skippedMs };
  }

  /** The same for every rollout; a defect in one halts that one. */
  #each(moment: Moment, act: (watch: Watch) => void): void {
    for (const watch of this.#watches.values()) this.#contain(watch, moment, act);
  }

  #contain(watch: Watch, { nowMs }: Moment, act: (watch: Watch) => void): void {
    try {
      act(watch);
    } catch (error) {
      this.#halt(watch, error, nowMs);
    }
  }

  #halt(watch: Watch, error: unknown, nowMs: number): void {
    if (this.#deps.broken === undefined) throw error;
    halt(watch, error, nowMs);
    this.#deps.broken(watch.spec.route, error);
  }

  #turn(watch: Watch, moment: Moment, skippedMs: number, told: Told): void {
    const { nowMs, regions } = moment;
    const { state } = watch;
    if (watch.isLed) return;
    if (isDue(watch, nowMs)) this.#takeUp(watch, watch.run.rollout, moment);
    if (state.kind !== 'progressing') return;
    const { judgement } = state;
    if (skippedMs !== 0) {
      judgement.skip(regions, nowMs, skippedMs);
      watch.run.passOver(skippedMs);
    } else this.#judge(watch, judgement, { moment, told });
    // What is rolled back is judged no more; whoever else moved the canary's weight began a step as well.
    if (watch.state === state) judgement.weigh(this.#deps.weightOf(watch.spec.canary.dial), regions, nowMs);
  }

  command(command: RolloutCommand, nowMs: number): CommandResult {
    const moment = this.#between(Math.floor(nowMs));
    const spec = this.#deps.rollouts().find(({ route }) => route === command.route);
    const watch = this.#watches.get(command.route) ?? (spec && this.#meet(spec, moment));
    if (watch === undefined) return notFound(command, this.#deps.rollouts());
    try {
      const result = this.#obey(watch, command, moment);
      watch.isNew &&= result.kind !== 'done';
      return result;
    } catch (error) {
      this.#halt(watch, error, moment.nowMs);
      if (command.name === 'abort' && watch.state.kind === 'halted') {
        return this.#move(watch, wayOut(watch, command, moment.nowMs), moment, command.by);
      }
      return { kind: 'refused', detail: `${command.name} ${command.route}: ${becauseOf(error)}; abort takes it out` };
    }
  }

  #obey(watch: Watch, command: RolloutCommand, moment: Moment): CommandResult {
    const { spec, run } = watch;
    // A configuration that came since the last turn: its dials are set, and this watch does not know them yet.
    if (!this.#deps.rollouts().includes(spec)) return { kind: 'refused', detail: justChanged(spec.route) };
    const budget = this.#budgetOf(spec, moment.nowMs);
    const moved = obey(run.rollout, command, this.#input(watch, moment.nowMs, { budget }), spec);
    if ('refused' in moved) return { kind: 'refused', detail: `${command.name} ${spec.route}: ${moved.refused}` };
    // What is refused changes nothing, and may be sent again and again.
    watch.tape?.budget(budget, true);
    watch.tape?.command(command, moment.nowMs);
    return this.#move(watch, moved, moment, command.by);
  }

  seal(): void {
    for (const { tape } of this.#watches.values()) tape?.seal();
  }

  get numbers(): Notary {
    return this.#notary;
  }

  shareAnew(): RouteHold[] {
    return this.#deps.rollouts().flatMap((spec) => {
      const watch = this.#watches.get(spec.route);
      return watch === undefined ? [] : shareAnew(watch.spec, spec, watch.run.rollout, this.#deps);
    });
  }

  save(nowMs: number): SavedRollout[] {
    return [...this.#watches.values()].map((watch) => savedOf(watch, nowMs));
  }

  saved(route: string, nowMs: number): SavedRollout | null {
    const watch = this.#watches.get(route);
    return watch === undefined ? null : savedOf(watch, nowMs);
  }

  standing(route: string): Standing | null {
    const watch = this.#watches.get(route);
    return watch === undefined ? null : { generation: watch.spec.generation, state: watch.run.rollout.state };
  }

  restore(saved: readonly SavedRollout[], atMs: number): RouteHold[] {
    const moment = this.#between(Math.floor(atMs));
    this.#follow(moment, []);
    return saved.flatMap((one) => this.#goOn(one, moment, false) ?? []);
  }

  follow(saved: SavedRollout, atMs: number, isFirst: boolean): RouteHold[] | null {
    const { tape, spec } = this.#watches.get(saved.route) ?? {};
    // Its dials have other weights already than this watch knows of: the next turn takes them in.
    if (spec === undefined || !this.#deps.rollouts().includes(spec)) return null;
    if (spec.generation === saved.generation) tape?.seal();
    return this.#goOn(saved, this.#between(Math.floor(atMs)), isFirst);
  }

  view(): readonly RolloutView[] {
    const nowMs = this.#deps.nowMs();
    return [...this.#watches.values()].map((watch) => {
      try {
        return viewOf(watch, this.#input(watch, nowMs, { budget: this.#budgetOf(watch.spec, nowMs) }));
      } catch (error) {
        // Who only looks halts nobody.
        if (this.#deps.broken === undefined) throw error;
        this.#deps.broken(watch.spec.route, error);
        return brokenView(watch, error, nowMs);
      }
    });
  }

  /** What the machine is told. `isConvicted`: null when nothing is judged. */
  #input(
    { spec, run, state }: Watch,
    nowMs: number,
    { budget, isConvicted = null }: { readonly budget: BudgetReading; readonly isConvicted?: boolean | null },
  ): RolloutInput {
    const judgement = state.kind === 'progressing' ? state.judgement : null;
    return run.input(spec, judgement, { nowMs, isConvicted, budget });
  }

  #budgetOf(spec: RolloutSpec, nowMs: number): BudgetReading {
    return budgetOf(spec, (route) => this.#deps.budgetOf?.(route, nowMs) ?? null);
  }

  /** Time since the last tick when it is too long, or negative, to be one; else 0. */
  #gap(nowMs: number): number {
    const sinceMs = this.#lastMs === null ? 0 : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    return sinceMs < 0 || sinceMs > READ_GAP_MS_MAX ? sinceMs : 0;
  }

  /** Between two turns: what has left since the last one is still to be read. */
  #between(nowMs: number): Moment {
    const current = this.#deps.regions();
    return { nowMs, regions: [...current, ...this.#roll.departed(current)] };
  }

  /** Who begins to judge begins with no evidence, and on a tape of its own: what others gathered is not there to be shown. */
  #lead(watch: Watch, moment: Moment): void {
    const isLed = this.#deps.fleet?.roleOf(watch.spec.route) === 'follower';
    if (isLed === watch.isLed && !(isLed && watch.tape !== null)) return;
    watch.tape?.seal();
    watch.tape = null;
    watch.isLed = isLed;
    if (!isLed) this.#takeUp(watch, watch.run.rollout, moment);
  }

  /** Brings the watches in line with the snapshot in force. */
  #follow(moment: Moment, decisions: Decision[]): void {
    const specs = this.#deps.rollouts();
    for (const spec of specs) {
      const watch = this.#watches.get(spec.route);
      if (watch?.spec === spec) continue;
      if (watch !== undefined) this.#contain(watch, moment, () => this.#adapt(watch, spec, moment, decisions));
      else this.#meet(spec, moment);
    }
    if (this.#watches.size === specs.length) return;
    const routes = new Set(specs.map(({ route }) => route));
    for (const [route, watch] of this.#watches) {
      if (routes.has(route)) continue;
      this.#watches.delete(route);
      watch.tape?.seal();
      forgetLatency(watch.spec, this.#deps.setLatency);
    }
  }

  #meet(spec: RolloutSpec, moment: Moment): Watch {
    const added = unseen(spec);
    this.#watches.set(spec.route, added);
    this.#contain(added, moment, () => this.#takeUp(added, IDLE, moment));
    return added;
  }

  /** Another split or canary is another rollout: it begins idle, and what was under way is told to have ended. */
  #adapt(watch: Watch, spec: RolloutSpec, moment: Moment, decisions: Decision[]): void {
    const before = { ...watch };
    watch.spec = spec;
    const isNew = spec.generation !== before.spec.generation;
    if (isNew) Object.assign(watch, { ...unseen(spec), isLed: before.isLed });
    const judgement = before.state.kind === 'progressing' ? before.state.judgement : null;
    const isOther = judgement !== null && !isComparable(spec, before.spec);
    if (isNew || isOther) forgetLatency(before.spec, this.#deps.setLatency);
    const weight = this.#deps.weightOf(spec.canary.dial);
    before.tape?.spec({ spec, weight, isFresh: isNew || isOther, isNew }, moment.nowMs);
    if (isNew) {
      const isBegun = before.state.kind === 'rolled-back' || before.run.rollout.state.kind !== 'idle';
      if (isBegun) decisions.push(this.#executor.overruled({ ...before, spec }));
      before.tape?.seal();
      this.#takeUp(watch, IDLE, moment);
    } else if (isOther) {
      watch.run.rebase(judgement.requests);
      watch.state = this.#fresh(spec, moment, watch.tape);
    } else judgement?.follow(spec, moment.nowMs);
  }

  #fresh(spec: RolloutSpec, { nowMs, regions }: Moment, tape: Tape | null): WatchState {
    const weight = this.#deps.weightOf(spec.canary.dial);
    const { setLatency, fleet } = this.#deps;
    const start = { nowMs, weight, setLatency, tape, elsewhere: fleet?.attemptsElsewhere(spec.route) };
    return { kind: 'progressing', judgement: new Judgement(spec, regions, start) };
  }

  #note(events: readonly BadEvent[], moment: Moment): void {
    if (events.length === 0) return;
    const byCell = new Map<number, Watch>();
    for (const watch of this.#watches.values()) {
      if (watch.state.kind !== 'progressing') continue;
      for (const cell of watch.state.judgement.cells) byCell.set(cell, watch);
    }
    for (const event of events) {
      const watch = byCell.get(event.cell);
      if (watch?.state.kind !== 'progressing') continue;
      const { judgement } = watch.state;
      this.#contain(watch, moment, () => judgement.note(event));
    }
  }

  /** New rollouts whose plan says so start by themselves, once; what is not judged, or is not idle any more, does not. */
  #start(watch: Watch, moment: Moment, told: Told): void {
    watch.isNew &&= watch.run.rollout.state.kind === 'idle';
    if (!watch.isNew || watch.isLed || watch.state.kind === 'halted') return;
    const { plan, route } = watch.spec;
    const isAutomatic = plan?.autoStart === true;
    if (isAutomatic && this.#deps.fleet?.mayStart(route) === false) return;
    const start = { name: 'start', route, by: 'configuration', reason: '', isFix: false } as const;
    const result = isAutomatic ? this.#obey(watch, start, moment) : null;
    watch.isNew = false;
    if (result?.kind === 'done') told.moves.push(result);
    else if (result !== null) told.refusals.push({ route, detail: result.detail });
  }

  #judge(watch: Watch, judgement: Judgement, { moment, told }: { readonly moment: Moment; readonly told: Told }): void {
    const { spec, run } = watch;
    const { nowMs, regions } = moment;
    const isUnderWay = spec.plan !== null && run.rollout.state.kind !== 'idle';
    const budget = isUnderWay ? this.#budgetOf(spec, nowMs) : NO_BUDGET;
    if (isUnderWay) watch.tape?.budget(budget, false);
    const elsewhere = this.#deps.fleet?.attemptsElsewhere(spec.route);
    const isConvicted = judgement.look(spec, regions, nowMs, elsewhere) && judgement.isConvicted(spec);
    if (!isConvicted) this.#tellShadows(watch, judgement, told);
    if (!isConvicted && !isUnderWay) return;
    const moved = turn(run.rollout, this.#input(watch, nowMs, { budget, isConvicted }), spec);
    if (moved !== null) told.moves.push(this.#move(watch, moved, moment, ''));
    if (isConvicted) this.#tellShadows(watch, judgement, told);
  }

  /** Policies that do not act: what they would have done is written down. */
  #tellShadows(watch: Watch, judgement: Judgement, { shadows }: Told): void {
    for (const policy of judgement.decideShadows()) shadows.push(this.#executor.shadow(watch, judgement, policy));
  }

  /** The machine has decided: the dials follow at once, the decision says why, and the watch goes on from there. */
  #move(watch: Watch, moved: Moved, moment: Moment, by: string): Moving {
    return this.#executor.move(watch, moved, by, (decision) => this.#settle(watch, moved, decision, moment));
  }

  /** Who is rolled back is not watched; who comes back is watched anew; another weight is a step of the evidence. */
  #settle(watch: Watch, { rollout, kind }: Moved, decision: Decision, moment: Moment): void {
    const { spec, run, state } = watch;
    if (rollout.state.kind === 'rolled-back') {
      watch.state = { kind: 'rolled-back', decision };
      forgetLatency(spec, this.#deps.setLatency);
    } else if (state.kind === 'rolled-back') watch.state = this.#fresh(spec, moment, watch.tape);
    else if (state.kind === 'progressing') {
      state.judgement.weigh(this.#deps.weightOf(spec.canary.dial), moment.regions, moment.nowMs);
    } else if (decision.trigger !== 'defect') {
      watch.tape = this.#notary.open(spec, { nowMs: moment.nowMs, rollout, rolledBackBy: null });
      watch.state = this.#fresh(spec, moment, watch.tape);
    }
    const isAnew = kind === 'start' || watch.state !== state;
    run.become(rollout, isAnew, watch.state.kind === 'progressing' ? watch.state.judgement.requests : null);
  }

  /** A rollout of an earlier process, or as another gateway says; null: of another generation. */
  #goOn(saved: SavedRollout, moment: Moment, isFirst: boolean): RouteHold[] | null {
    const { route, decision, isStartOwed = false } = saved;
    const watch = this.#watches.get(route);
    const rollout = watch === undefined ? null : fromState(saved, watch.spec.generation, moment.nowMs);
    if (watch === undefined || rollout === null) return null;
    const { spec } = watch;
    watch.isNew &&= isFirst || isStartOwed;
    const percent = percentOf(rollout);
    storeShare(spec, percent, this.#deps);
    this.#takeUp(watch, rollout, moment, decision);
    const because = decision?.sentence ?? stateSentence(spec, rollout, moment.nowMs);
    return holdsFor(spec, percent, because);
  }

  /** Watches a rollout where it stands, from nothing; its weights are in force. @param decision the one that it stands at */
  #takeUp(watch: Watch, rollout: Rollout, moment: Moment, decision = decisionOf(watch.state)): void {
    const { spec } = watch;
    watch.run = new RolloutRun(rollout);
    const rolledBackBy = rollout.state.kind === 'rolled-back' ? decision : null;
    watch.tape = watch.isLed ? null : this.#notary.open(spec, { nowMs: moment.nowMs, rollout, rolledBackBy });
    if (rolledBackBy !== null) watch.state = { kind: 'rolled-back', decision: rolledBackBy };
    else watch.state = this.#fresh(spec, moment, watch.tape);
  }
}
