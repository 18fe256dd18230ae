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
import { type Region, RegionRoll } from './regions.ts';
import { justChanged, obey, unknownRoute } from './rollout/commands.ts';
import { type DecisionDetails, decisionOf, NOTHING_DETECTED, namesOf, noticedBy } from './rollout/decision.ts';
import { NO_BUDGET, type RolloutInput } from './rollout/gates.ts';
import type { Controller, ControllerDeps, RolloutView, TickResult } from './rollout/loop.ts';
import { type Moved, percentOf, turn } from './rollout/machine.ts';
import { RolloutRun } from './rollout/run.ts';
import { fromState, toState } from './rollout/saved.ts';
import { movedSentence, stateSentence, supersededSentence } from './rollout/sentence.ts';
import { store, weightsFor } from './rollout/shares.ts';
import { statusOf } from './rollout/view.ts';
import { READ_GAP_MS_MAX } from './users.ts';
import { resumeSentence, rollbackSentence } from './verdict/sentence.ts';

type WatchState =
  | { readonly kind: 'progressing'; readonly judgement: Judgement }
  | { readonly kind: 'rolled-back'; readonly decision: Decision };

interface Watch {
  spec: RolloutSpec;
  state: WatchState;
  run: RolloutRun;
  /** It is new, and starts by itself if its plan says so. */
  isNew: boolean;
}

/** An instant, and the shared memory that is to be read at it. */
interface Moment {
  readonly nowMs: number;
  readonly regions: readonly Region[];
}

/** What is told of a turn, as it is gathered. */
interface Told {
  readonly moves: Moving[];
  readonly refusals: { readonly route: string; readonly detail: string }[];
}

type Moving = Extract<CommandResult, { kind: 'done' }>;

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
  #decisionCount = 0;

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
  }

  get eventsLost(): number {
    return this.#events.lost;
  }

  tick(nowMs: number): TickResult {
    const current = this.#deps.regions();
    const regions = this.#roll.turn(current);
    const events = this.#events.drain(current);
    const skippedMs = this.#gap(nowMs);
    const told: Told = { moves: [], refusals: [] };
    const overruled: Decision[] = [];
    const moment = { nowMs, regions };
    this.#follow(moment, overruled);
    this.#start(moment, told);
    this.#note(events);
    for (const watch of this.#watches.values()) {
      const { state } = watch;
      if (state.kind !== 'progressing') continue;
      const { judgement } = state;
      if (skippedMs !== 0) {
        judgement.skip(regions, nowMs);
        watch.run.passOver(skippedMs);
      } else this.#judge(watch, judgement, { moment, told });
      // What is rolled back is judged no more; whoever else moved the canary's weight began a step as well.
      if (watch.state === state) judgement.weigh(this.#deps.weightOf(watch.spec.canary.dial), regions, nowMs);
    }
    const decisions = [...overruled, ...told.moves.map(({ decision }) => decision)];
    return { decisions, holds: told.moves.map(({ hold }) => hold), refusals: told.refusals, events, skippedMs };
  }

  command(command: RolloutCommand, nowMs: number): CommandResult {
    return this.#obey(command, this.#between(nowMs));
  }

  #obey(command: RolloutCommand, moment: Moment): CommandResult {
    const watch = this.#watches.get(command.route);
    if (watch === undefined) return { kind: 'unknown', detail: unknownRoute(command.route, [...this.#watches.keys()]) };
    const { spec, run } = watch;
    // A configuration that came since the last turn: its dials are set, and this watch does not know them yet.
    if (!this.#deps.rollouts().includes(spec)) return { kind: 'refused', detail: justChanged(spec.route) };
    const moved = obey(run.rollout, command, this.#input(watch, moment.nowMs), spec);
    if ('refused' in moved) return { kind: 'refused', detail: `${command.name} ${spec.route}: ${moved.refused}` };
    return this.#move(watch, moved, moment, command.by);
  }

  continueAfter(decisionId: number): void {
    this.#decisionCount = Math.max(this.#decisionCount, decisionId);
  }

  save(nowMs: number): SavedRollout[] {
    return [...this.#watches.values()].map(({ spec: { route, generation }, run, state }) => {
      const badCaused = state.kind === 'progressing' ? run.badCaused(state.judgement.requests) : 0;
      const decision = state.kind === 'rolled-back' ? state.decision : null;
      return toState(run.rollout, { route, generation, decision }, { nowMs, badCaused });
    });
  }

  restore(saved: readonly SavedRollout[], nowMs: number): RouteHold[] {
    const moment = this.#between(nowMs);
    this.#follow(moment, []);
    return saved.flatMap((one) => {
      const watch = this.#watches.get(one.route);
      const rollout = watch === undefined ? null : fromState(one, watch.spec.generation, nowMs);
      return watch === undefined || rollout === null ? [] : this.#goOn(watch, rollout, one.decision, moment);
    });
  }

  view(): readonly RolloutView[] {
    const nowMs = this.#deps.nowMs();
    return [...this.#watches.values()].map((watch) => {
      const { spec, run, state } = watch;
      const known =
        state.kind === 'rolled-back' ? state : ({ kind: state.kind, verdict: state.judgement.verdict(spec) } as const);
      const status = statusOf(spec, run.rollout, this.#input(watch, nowMs), known);
      return { route: spec.route, status: { stable: spec.stable.version, canary: spec.canary.version, ...status } };
    });
  }

  /** What the machine is told. `isConvicted`: null when nothing is judged. */
  #input({ spec, run, state }: Watch, nowMs: number, isConvicted: boolean | null = null): RolloutInput {
    const judgement = state.kind === 'progressing' ? state.judgement : null;
    const budget = this.#deps.budgetOf?.(spec.route, nowMs) ?? NO_BUDGET;
    return run.input(spec, judgement, { nowMs, isConvicted, budget });
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

  /** Brings the watches in line with the snapshot in force. */
  #follow(moment: Moment, decisions: Decision[]): void {
    const specs = this.#deps.rollouts();
    for (const spec of specs) {
      const watch = this.#watches.get(spec.route);
      if (watch === undefined) {
        const state = this.#fresh(spec, moment);
        this.#watches.set(spec.route, { spec, state, run: new RolloutRun(), isNew: true });
        continue;
      }
      const before = watch.spec;
      watch.spec = spec;
      if (spec === before) continue;
      const isNew = spec.generation !== before.generation;
      if (isNew) this.#renew(watch, decisions);
      const isOther = watch.state.kind === 'progressing' && !isComparable(spec, before);
      if (isNew || isOther) this.#forgetThresholds(before);
      if (isOther && watch.state.kind === 'progressing') watch.run.rebase(watch.state.judgement.requests);
      if (isNew || isOther) watch.state = this.#fresh(spec, moment);
    }
    if (this.#watches.size === specs.length) return;
    for (const [route, watch] of this.#watches) {
      if (specs.some((spec) => spec.route === route)) continue;
      this.#watches.delete(route);
      this.#forgetThresholds(watch.spec);
    }
  }

  /** Nobody judges these versions any more, so workers need not compare. */
  #forgetThresholds({ canary, stable }: RolloutSpec): void {
    this.#deps.setLatency(canary.unit, null);
    this.#deps.setLatency(stable.unit, null);
  }

  /** Another split or canary is another rollout: it begins idle, and what was under way is told to have ended. */
  #renew(watch: Watch, decisions: Decision[]): void {
    if (watch.state.kind === 'rolled-back' || watch.run.rollout.state.kind !== 'idle') {
      decisions.push(this.#overruled(watch));
    }
    watch.run = new RolloutRun();
    watch.isNew = true;
  }

  #fresh(spec: RolloutSpec, { nowMs, regions }: Moment): WatchState {
    const weight = this.#deps.weightOf(spec.canary.dial);
    const { setLatency } = this.#deps;
    return { kind: 'progressing', judgement: new Judgement(spec, regions, { nowMs, weight, setLatency }) };
  }

  #note(events: readonly BadEvent[]): void {
    if (events.length === 0) return;
    const byCell = new Map<number, Judgement>();
    for (const { spec, state } of this.#watches.values()) {
      if (state.kind === 'progressing') byCell.set(spec.canary.cell, state.judgement);
    }
    for (const event of events) byCell.get(event.cell)?.note(event);
  }

  /** New rollouts whose plan says so start by themselves, once. */
  #start(moment: Moment, told: Told): void {
    for (const watch of this.#watches.values()) {
      if (!watch.isNew) continue;
      watch.isNew = false;
      const { plan, route } = watch.spec;
      if (plan === null || !plan.autoStart) continue;
      const start = { name: 'start', route, by: 'configuration', reason: '', isFix: false } as const;
      const result = this.#obey(start, moment);
      if (result.kind === 'done') told.moves.push(result);
      else told.refusals.push({ route, detail: result.detail });
    }
  }

  #judge(watch: Watch, judgement: Judgement, { moment, told }: { readonly moment: Moment; readonly told: Told }): void {
    const { spec, run } = watch;
    const { nowMs, regions } = moment;
    const isConvicted = judgement.look(spec, regions, nowMs) && judgement.isConvicted(spec);
    if (!isConvicted && (spec.plan === null || run.rollout.state.kind === 'idle')) return;
    const moved = turn(run.rollout, this.#input(watch, nowMs, isConvicted), spec);
    if (moved !== null) told.moves.push(this.#move(watch, moved, moment, ''));
  }

  /** The machine has decided: the dials follow at once, and the decision says why. */
  #move(watch: Watch, moved: Moved, moment: Moment, by: string): Moving {
    const { spec, run, state } = watch;
    const before = run.rollout;
    const weights = weightsFor(spec, percentOf(moved.rollout));
    const decidedAtMs = this.#deps.nowMs();
    const weightBefore = this.#weightOf(spec);
    store(spec, weights, this.#deps);
    const switchedInMs = this.#deps.nowMs() - decidedAtMs;
    const judgement = state.kind === 'progressing' ? state.judgement : null;
    const verdict = state.kind === 'progressing' ? state.judgement.verdictNow(spec) : state.decision.verdict;
    const isDetected = moved.kind === 'rollback' && judgement !== null;
    const sentence =
      moved.trigger === 'evidence'
        ? rollbackSentence(namesOf(spec), verdict, spec.alpha)
        : movedSentence(spec, before, moved, by);
    const isBreach = moved.trigger === 'evidence' || moved.trigger === 'burn';
    const why = isBreach ? (this.#deps.explain?.(spec.route, verdict) ?? '') : '';
    const decision = this.#decide(spec, {
      kind: moved.kind,
      trigger: moved.trigger,
      sentence: why === '' ? sentence : `${sentence}; ${why}`,
      verdict,
      weightBefore,
      weightAfter: this.#weightOf(spec),
      switchedInMs,
      ...(isDetected ? noticedBy(judgement, decidedAtMs) : NOTHING_DETECTED),
    });
    this.#settle(watch, moved, decision, moment);
    const { route, generation } = spec;
    return { kind: 'done', decision, hold: { route, generation, because: decision.sentence, weights } };
  }

  /** Who is rolled back is not watched; who comes back is watched anew; another weight is a step of the evidence. */
  #settle(watch: Watch, { rollout, kind }: Moved, decision: Decision, moment: Moment): void {
    const { spec, run, state } = watch;
    if (rollout.state.kind === 'rolled-back') {
      watch.state = { kind: 'rolled-back', decision };
      this.#forgetThresholds(spec);
    } else if (state.kind === 'rolled-back') watch.state = this.#fresh(spec, moment);
    else state.judgement.weigh(this.#deps.weightOf(spec.canary.dial), moment.regions, moment.nowMs);
    run.become(rollout, kind === 'start', watch.state.kind === 'progressing' ? watch.state.judgement.requests : null);
  }

  /** A rollout of an earlier process. */
  #goOn(watch: Watch, rollout: Rollout, decision: Decision | null, moment: Moment): RouteHold[] {
    const { spec } = watch;
    watch.run = new RolloutRun(rollout);
    watch.isNew = false;
    const weights = weightsFor(spec, percentOf(rollout));
    store(spec, weights, this.#deps);
    if (rollout.state.kind === 'rolled-back' && decision !== null) watch.state = { kind: 'rolled-back', decision };
    else watch.state = this.#fresh(spec, moment);
    const because = decision?.sentence ?? stateSentence(spec, rollout, moment.nowMs);
    return [{ route: spec.route, generation: spec.generation, because, weights }];
  }

  /** The operator has changed what was rolled back or under way; its verdict is shown once more, as what was overruled. */
  #overruled({ spec, state, run }: Watch): Decision {
    const weightAfter = this.#weightOf(spec);
    const shared = {
      kind: 'resume',
      trigger: 'configuration',
      weightAfter,
      switchedInMs: 0,
      ...NOTHING_DETECTED,
    } as const;
    if (state.kind === 'rolled-back') {
      const { verdict, weightAfter: weightBefore } = state.decision;
      const sentence = resumeSentence(namesOf(spec), weightAfter);
      return this.#decide(spec, { ...shared, sentence, verdict, weightBefore });
    }
    const sentence = supersededSentence(spec, run.rollout);
    const verdict = state.judgement.verdictNow(spec);
    return this.#decide(spec, { ...shared, sentence, verdict, weightBefore: weightAfter });
  }

  /** The canary's weight in the operator's units. */
  #weightOf(spec: RolloutSpec): number {
    return this.#deps.weightOf(spec.canary.dial) / spec.weightScale;
  }

  #decide(spec: RolloutSpec, details: Omit<DecisionDetails, 'id' | 'at'>): Decision {
    this.#decisionCount += 1;
    return decisionOf(spec, { id: this.#decisionCount, at: this.#deps.wallTime(), ...details });
  }
}
