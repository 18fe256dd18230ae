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
 *
 * Memory, dials and clocks are handed in, so that a test drives it on virtual time.
 * Cost: docs/verdicts.md "Cost".
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
import { type Known, limitsOf, movedDecision, overruledDecision, shadowDecision } from './rollout/decision.ts';
import { type BudgetReading, budgetOf, NO_BUDGET, type RolloutInput } from './rollout/gates.ts';
import type { Controller, ControllerDeps, RolloutView, Standing, TickResult } from './rollout/loop/loop.ts';
import type { Moment, Moving, Told, Watch, WatchState } from './rollout/loop/watch.ts';
import { IDLE, type Moved, percentOf, turn } from './rollout/machine.ts';
import { RolloutRun } from './rollout/run.ts';
import { decisionOf, fromState, savedOf } from './rollout/saved.ts';
import { stateSentence } from './rollout/sentence.ts';
import { holdsFor, shareAnew, storeShare } from './rollout/shares.ts';
import { shadowStatus, statusOf } from './rollout/view.ts';
import { READ_GAP_MS_MAX } from './users.ts';
import type { ShadowView } from './verdict/score/shadows.ts';
import { culpritOf, isLatencyStronger } from './verdict/verdict.ts';

/** Starts with no rollout known; the first tick finds them. */
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

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
    this.#notary = new Notary(deps);
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
    const told: Told = { moves: [], shadows: [], refusals: [] };
    const overruled: Decision[] = [];
    const moment = { nowMs, regions };
    this.#follow(moment, overruled);
    for (const watch of this.#watches.values()) this.#lead(watch, moment);
    this.#start(moment, told);
    this.#note(events);
    for (const watch of this.#watches.values()) {
      const { state } = watch;
      if (state.kind !== 'progressing' || watch.isLed) continue;
      const { judgement } = state;
      if (skippedMs !== 0) {
        judgement.skip(regions, nowMs, skippedMs);
        watch.run.passOver(skippedMs);
      } else this.#judge(watch, judgement, { moment, told });
      // What is rolled back is judged no more; whoever else moved the canary's weight began a step as well.
      if (watch.state === state) judgement.weigh(this.#deps.weightOf(watch.spec.canary.dial), regions, nowMs);
    }
    const moves = told.moves.map(({ decision }) => decision);
    const decisions = [...overruled, ...moves, ...told.shadows].toSorted((a, b) => a.id - b.id);
    return { decisions, holds: told.moves.flatMap(({ holds }) => holds), refusals: told.refusals, events, skippedMs };
  }

  command(command: RolloutCommand, nowMs: number): CommandResult {
    return this.#obey(command, this.#between(Math.floor(nowMs)));
  }

  #obey(command: RolloutCommand, moment: Moment): CommandResult {
    const watch = this.#watches.get(command.route);
    if (watch === undefined) return notFound(command, this.#deps.rollouts());
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
    if (spec?.generation === saved.generation) tape?.seal();
    return this.#goOn(saved, this.#between(Math.floor(atMs)), isFirst);
  }

  view(): readonly RolloutView[] {
    const nowMs = this.#deps.nowMs();
    return [...this.#watches.values()].map((watch) => {
      const { spec, run, state } = watch;
      const known =
        state.kind === 'rolled-back' ? state : ({ kind: state.kind, verdict: state.judgement.verdict(spec) } as const);
      const input = this.#input(watch, nowMs, { budget: this.#budgetOf(spec, nowMs) });
      const shadows = state.kind === 'progressing' ? state.judgement.shadows() : [];
      const status = { ...statusOf(spec, run.rollout, input, known), shadows: shadows.map(shadowStatus) };
      return { route: spec.route, status: { stable: spec.stable.version, canary: spec.canary.version, ...status } };
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
      if (watch === undefined) {
        const tape = this.#openTape(spec, moment.nowMs);
        const state = this.#fresh(spec, moment, tape);
        this.#watches.set(spec.route, { spec, state, run: new RolloutRun(), tape, isNew: true, isLed: false });
        continue;
      }
      const before = watch.spec;
      watch.spec = spec;
      if (spec === before) continue;
      const isNew = spec.generation !== before.generation;
      const isOther = watch.state.kind === 'progressing' && !isComparable(spec, before);
      if (isNew || isOther) forgetLatency(before, this.#deps.setLatency);
      const weight = this.#deps.weightOf(spec.canary.dial);
      watch.tape?.spec({ spec, weight, isFresh: isNew || isOther, isNew }, moment.nowMs);
      if (isNew) this.#renew(watch, moment.nowMs, decisions);
      else if (isOther && watch.state.kind === 'progressing') watch.run.rebase(watch.state.judgement.requests);
      if (isNew || isOther) watch.state = this.#fresh(spec, moment, watch.tape);
      else if (watch.state.kind === 'progressing') watch.state.judgement.follow(spec, moment.nowMs);
    }
    if (this.#watches.size === specs.length) return;
    const routes = new Set(specs.map(({ route }) => route));
    for (const [route, watch] of this.#watches) {
      if (routes.has(route)) continue;
      watch.tape?.seal();
      this.#watches.delete(route);
      forgetLatency(watch.spec, this.#deps.setLatency);
    }
  }

  /** Another split or canary is another rollout: it begins idle, and what was under way is told to have ended. */
  #renew(watch: Watch, nowMs: number, decisions: Decision[]): void {
    if (watch.state.kind === 'rolled-back' || watch.run.rollout.state.kind !== 'idle') {
      decisions.push(this.#overruled(watch));
    }
    watch.tape?.seal();
    watch.run = new RolloutRun();
    watch.tape = this.#openTape(watch.spec, nowMs);
    watch.isNew = true;
  }

  #fresh(spec: RolloutSpec, { nowMs, regions }: Moment, tape: Tape | null): WatchState {
    const weight = this.#deps.weightOf(spec.canary.dial);
    const { setLatency } = this.#deps;
    return { kind: 'progressing', judgement: new Judgement(spec, regions, { nowMs, weight, setLatency, tape }) };
  }

  #openTape(spec: RolloutSpec, nowMs: number, rollout = IDLE, rolledBackBy: Decision | null = null): Tape | null {
    return this.#notary.open(spec, { nowMs, rollout, rolledBackBy });
  }

  #note(events: readonly BadEvent[]): void {
    if (events.length === 0) return;
    const byCell = new Map<number, Judgement>();
    for (const { state } of this.#watches.values()) {
      if (state.kind !== 'progressing') continue;
      for (const cell of state.judgement.cells) byCell.set(cell, state.judgement);
    }
    for (const event of events) byCell.get(event.cell)?.note(event);
  }

  /** New rollouts whose plan says so start by themselves, once. */
  #start(moment: Moment, told: Told): void {
    for (const watch of this.#watches.values()) {
      if (!watch.isNew || watch.isLed) continue;
      const { plan, route } = watch.spec;
      const isAutomatic = plan !== null && plan.autoStart;
      if (isAutomatic && this.#deps.fleet?.mayStart(route) === false) continue;
      watch.isNew = false;
      if (!isAutomatic) continue;
      const start = { name: 'start', route, by: 'configuration', reason: '', isFix: false } as const;
      const result = this.#obey(start, moment);
      if (result.kind === 'done') told.moves.push(result);
      else told.refusals.push({ route, detail: result.detail });
    }
  }

  #judge(watch: Watch, judgement: Judgement, { moment, told }: { readonly moment: Moment; readonly told: Told }): void {
    const { spec, run } = watch;
    const { nowMs, regions } = moment;
    const isUnderWay = spec.plan !== null && run.rollout.state.kind !== 'idle';
    const budget = isUnderWay ? this.#budgetOf(spec, nowMs) : NO_BUDGET;
    if (isUnderWay) watch.tape?.budget(budget, false);
    const isConvicted = judgement.look(spec, regions, nowMs) && judgement.isConvicted(spec);
    if (!isConvicted) this.#tellShadows(watch, judgement, told);
    if (!isConvicted && !isUnderWay) return;
    const moved = turn(run.rollout, this.#input(watch, nowMs, { budget, isConvicted }), spec);
    if (moved !== null) told.moves.push(this.#move(watch, moved, moment, ''));
    if (isConvicted) this.#tellShadows(watch, judgement, told);
  }

  /** Policies that do not act: what they would have done is written down. */
  #tellShadows({ spec, tape }: Watch, judgement: Judgement, { shadows }: Told): void {
    for (const policy of judgement.decideShadows()) {
      const weight = this.#weightOf(spec);
      const { verdict } = judgement.shadows().find((one) => one.policy === policy) as ShadowView;
      const [weightBefore, weightAfter] = [weight, weight];
      const measured = { decidedAtMs: this.#deps.nowMs(), switchedInMs: 0, weightBefore, weightAfter, why: '' };
      const known = { verdict, limits: judgement.limits, noticed: judgement };
      shadows.push(shadowDecision(spec, policy, known, this.#notary.note(tape, verdict, measured, policy.name)));
    }
  }

  /** The machine has decided: the dials follow at once, and the decision says why. */
  #move(watch: Watch, moved: Moved, moment: Moment, by: string): Moving {
    const { spec, run } = watch;
    const before = run.rollout;
    const percent = percentOf(moved.rollout);
    const decidedAtMs = this.#deps.nowMs();
    const weightBefore = this.#weightOf(spec);
    storeShare(spec, percent, this.#deps);
    const switchedInMs = this.#deps.nowMs() - decidedAtMs;
    const known = this.#known(watch);
    const isBreach = moved.trigger === 'evidence' || moved.trigger === 'burn';
    const culprit = isLatencyStronger(known.verdict) ? null : culpritOf(known.verdict);
    const blamed = culprit?.route ?? spec.route;
    const why = isBreach ? (this.#deps.explain?.(blamed, known.verdict) ?? '') : '';
    const measured = { decidedAtMs, switchedInMs, weightBefore, weightAfter: this.#weightOf(spec), why };
    const facts = this.#notary.note(watch.tape, known.verdict, measured, null);
    const decision = movedDecision(spec, { before, moved, by }, known, facts);
    this.#settle(watch, moved, decision, moment);
    return { kind: 'done', decision, holds: holdsFor(spec, percent, decision.sentence) };
  }

  /** Who is rolled back is not watched; who comes back is watched anew; another weight is a step of the evidence. */
  #settle(watch: Watch, { rollout, kind }: Moved, decision: Decision, moment: Moment): void {
    const { spec, run, state } = watch;
    if (rollout.state.kind === 'rolled-back') {
      watch.state = { kind: 'rolled-back', decision };
      forgetLatency(spec, this.#deps.setLatency);
    } else if (state.kind === 'rolled-back') watch.state = this.#fresh(spec, moment, watch.tape);
    else state.judgement.weigh(this.#deps.weightOf(spec.canary.dial), moment.regions, moment.nowMs);
    run.become(rollout, kind === 'start', watch.state.kind === 'progressing' ? watch.state.judgement.requests : null);
  }

  /** A rollout of an earlier process, or as another gateway says; null: of another generation. */
  #goOn(saved: SavedRollout, moment: Moment, isFirst: boolean): RouteHold[] | null {
    const { route, decision } = saved;
    const watch = this.#watches.get(route);
    const rollout = watch === undefined ? null : fromState(saved, watch.spec.generation, moment.nowMs);
    if (watch === undefined || rollout === null) return null;
    const { spec } = watch;
    watch.isNew &&= isFirst;
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
    watch.tape = watch.isLed ? null : this.#openTape(spec, moment.nowMs, rollout, rolledBackBy);
    if (rolledBackBy !== null) watch.state = { kind: 'rolled-back', decision: rolledBackBy };
    else watch.state = this.#fresh(spec, moment, watch.tape);
  }

  /** The operator has changed what was rolled back or under way. */
  #overruled(watch: Watch): Decision {
    const { spec, state, run } = watch;
    const weightAfter = this.#weightOf(spec);
    const isRolledBack = state.kind === 'rolled-back';
    const weightBefore = isRolledBack ? state.decision.weightAfter : weightAfter;
    const known = this.#known(watch);
    const measured = { decidedAtMs: this.#deps.nowMs(), switchedInMs: 0, weightBefore, weightAfter, why: '' };
    const facts = this.#notary.note(watch.tape, known.verdict, measured, null);
    return overruledDecision(spec, isRolledBack ? null : run.rollout, known, facts);
  }

  #known({ spec, state }: Watch): Known {
    if (state.kind === 'rolled-back') {
      return { verdict: state.decision.verdict, limits: limitsOf(state.decision), noticed: null };
    }
    const { judgement } = state;
    return { verdict: judgement.verdictNow(spec), limits: judgement.limits, noticed: judgement };
  }

  /** The canary's weight in the operator's units. */
  #weightOf(spec: RolloutSpec): number {
    return this.#deps.weightOf(spec.canary.dial) / spec.weightScale;
  }
}
