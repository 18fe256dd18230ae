/**
 * The SLO loop: looks at every rollout each 100 ms and takes a bad canary out with one store.
 *
 * ```
 *                 split or canary changed            evidence convicts
 *   (none) ───────────▶ progressing ─────────────────────────────────▶ rolled-back
 *                          ▲   │ weight changed: a step                    │
 *                          └───┘                                           │
 *                          ▲         split or canary changed               │
 *                          └───────────────────────────────────────────────┘
 * ```
 * A rolled-back rollout is not judged again before the operator changes it (its generation). When the loop itself was
 * held up for longer than READ_GAP_MS_MAX, or its clock stepped back, the time in between is let pass unjudged: evidence
 * gathered while traffic, weights and dependencies may have changed unseen convicts nobody.
 *
 * Memory, dials and clocks are handed in, so that a test drives it on virtual time.
 * Cost: docs/verdicts.md "Cost".
 */

import type { RolloutSpec } from '../model/rollout.ts';
import type { Decision, Verdict } from '../model/slo.ts';
import type { RolloutStatus } from '../model/status.ts';
import { type BadEvent, EventReader } from './events.ts';
import { Judgement } from './judgement.ts';
import type { SetLatency } from './latency/watch.ts';
import { type Region, RegionRoll } from './regions.ts';
import { READ_GAP_MS_MAX } from './users.ts';
import { progressSentence, type RolloutNames, resumeSentence, rollbackSentence } from './verdict/sentence.ts';

/** What the loop reads and moves. */
export interface ControllerDeps {
  /** Shared memory of the workers that are alive. */
  readonly regions: () => readonly Region[];
  /** Rollouts of the snapshot in force, at most one per route. */
  readonly rollouts: () => readonly RolloutSpec[];
  readonly weightOf: (dial: number) => number;
  readonly setDial: (dial: number, weight: number) => void;
  /** Stores the latency thresholds of a unit slot for the workers. */
  readonly setLatency: SetLatency;
  /** The process's monotonic clock, the one that stamps events. */
  readonly nowMs: () => number;
  /** Wall clock for people, ISO 8601. */
  readonly wallTime: () => string;
}

/** What one turn of the loop did. */
export interface TickResult {
  /** Every decision, already executed. */
  readonly decisions: readonly Decision[];
  /** Bad events of all versions since the last tick. */
  readonly events: readonly BadEvent[];
  /** Length of a gap that was let pass unjudged; 0 when there was none. */
  readonly skippedMs: number;
}

/** A rollout as the status shows it. */
export interface RolloutView {
  readonly route: string;
  readonly status: RolloutStatus;
}

type WatchState =
  | { readonly kind: 'progressing'; readonly judgement: Judgement }
  | { readonly kind: 'rolled-back'; readonly decision: Decision };

interface Watch {
  spec: RolloutSpec;
  state: WatchState;
}

export interface Controller {
  /** One turn. `nowMs`: monotonic, the clock of the events. */
  tick(nowMs: number): TickResult;
  view(): readonly RolloutView[];
  /** Bad events that the rings could not hold, since the start. */
  readonly eventsLost: number;
}

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
    const decisions: Decision[] = [];
    this.#follow(regions, nowMs, decisions);
    this.#note(events);
    for (const watch of this.#watches.values()) {
      if (watch.state.kind !== 'progressing') continue;
      const { judgement } = watch.state;
      if (skippedMs !== 0) judgement.skip(regions, nowMs);
      else if (judgement.look(watch.spec, regions, nowMs) && judgement.isConvicted(watch.spec)) {
        decisions.push(this.#rollBack(watch, judgement));
      }
      judgement.weigh(this.#deps.weightOf(watch.spec.canary.dial), regions, nowMs);
    }
    return { decisions, events, skippedMs };
  }

  view(): readonly RolloutView[] {
    return [...this.#watches.values()].map(({ spec, state }) => ({
      route: spec.route,
      status: {
        stable: spec.stable.version,
        canary: spec.canary.version,
        state: state.kind,
        ...(state.kind === 'rolled-back'
          ? { verdict: state.decision.verdict, sentence: state.decision.sentence }
          : progressOf(spec, state.judgement)),
      },
    }));
  }

  /** Time since the last tick when it is too long, or negative, to be one; else 0. */
  #gap(nowMs: number): number {
    const sinceMs = this.#lastMs === null ? 0 : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    return sinceMs < 0 || sinceMs > READ_GAP_MS_MAX ? sinceMs : 0;
  }

  /** Brings the watches in line with the snapshot in force. */
  #follow(regions: readonly Region[], nowMs: number, decisions: Decision[]): void {
    const specs = this.#deps.rollouts();
    for (const spec of specs) {
      const watch = this.#watches.get(spec.route);
      if (watch === undefined) {
        this.#watches.set(spec.route, { spec, state: this.#fresh(spec, regions, nowMs) });
        continue;
      }
      const before = watch.spec;
      watch.spec = spec;
      if (spec === before) continue;
      const isNew = spec.generation !== before.generation;
      if (isNew && watch.state.kind === 'rolled-back') decisions.push(this.#resume(spec, watch.state.decision));
      if (isNew || (watch.state.kind === 'progressing' && !isComparable(spec, before))) {
        watch.state = this.#fresh(spec, regions, nowMs);
      }
    }
    if (this.#watches.size === specs.length) return;
    for (const route of this.#watches.keys()) {
      if (!specs.some((spec) => spec.route === route)) this.#watches.delete(route);
    }
  }

  #fresh(spec: RolloutSpec, regions: readonly Region[], nowMs: number): WatchState {
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

  #rollBack(watch: Watch, judgement: Judgement): Decision {
    const { spec } = watch;
    const decidedAtMs = this.#deps.nowMs();
    const weightBefore = this.#deps.weightOf(spec.canary.dial);
    this.#deps.setDial(spec.canary.dial, 0);
    const switchedInMs = this.#deps.nowMs() - decidedAtMs;
    const verdict = judgement.verdict(spec) as Verdict;
    const decision = this.#decide('rollback', spec, {
      sentence: rollbackSentence(namesOf(spec), verdict, spec.alpha),
      verdict,
      weightBefore,
      weightAfter: 0,
      detectedInMs: judgement.detectedInMs(decidedAtMs),
      switchedInMs,
      sampleRequestIds: judgement.sampleRequestIds,
    });
    watch.state = { kind: 'rolled-back', decision };
    return decision;
  }

  /** The operator has overruled the rollback; its verdict is shown once more, as what was overruled. */
  #resume(spec: RolloutSpec, rollback: Decision): Decision {
    const weight = this.#deps.weightOf(spec.canary.dial);
    return this.#decide('resume', spec, {
      sentence: resumeSentence(namesOf(spec), weight),
      verdict: rollback.verdict,
      weightBefore: rollback.weightAfter,
      weightAfter: weight,
      detectedInMs: -1,
      switchedInMs: 0,
      sampleRequestIds: [],
    });
  }

  #decide(kind: Decision['kind'], spec: RolloutSpec, details: DecisionDetails): Decision {
    this.#decisionCount += 1;
    return {
      id: this.#decisionCount,
      at: this.#deps.wallTime(),
      kind,
      route: spec.route,
      service: spec.service,
      canary: spec.canary.version,
      stable: spec.stable.version,
      alpha: spec.alpha,
      toleratedRatio: spec.toleratedRatio,
      revision: spec.revision,
      ...details,
    };
  }
}

type DecisionDetails = Pick<
  Decision,
  'sentence' | 'verdict' | 'weightBefore' | 'weightAfter' | 'detectedInMs' | 'switchedInMs' | 'sampleRequestIds'
>;

function progressOf(spec: RolloutSpec, judgement: Judgement): Pick<RolloutStatus, 'verdict' | 'sentence'> {
  const verdict = judgement.verdict(spec);
  if (verdict === null) return { verdict, sentence: `${spec.route}: ${spec.canary.version} is watched from now on` };
  return { verdict, sentence: progressSentence(namesOf(spec), verdict) };
}

function namesOf({ route, stable, canary }: RolloutSpec): RolloutNames {
  return { route, stable: stable.version, canary: canary.version };
}

/** Whether evidence gathered under one spec counts under the other: same cells, units and null hypothesis. */
function isComparable(a: RolloutSpec, b: RolloutSpec): boolean {
  if (!hasSameHypotheses(a, b)) return false;
  if (a.canary.cell !== b.canary.cell || a.stable.cell !== b.stable.cell) return false;
  return a.canary.unit === b.canary.unit && a.stable.unit === b.stable.unit;
}

/** Whether both are judged by the same numbers; alpha and badMin only say how sure one must be. */
function hasSameHypotheses(a: RolloutSpec, b: RolloutSpec): boolean {
  return (
    a.toleratedRatio === b.toleratedRatio &&
    a.absoluteFloor === b.absoluteFloor &&
    a.latencyTolerance === b.latencyTolerance &&
    a.latencyFloorMs === b.latencyFloorMs &&
    a.promotion.beta === b.promotion.beta &&
    a.promotion.ratioMax === b.promotion.ratioMax &&
    a.promotion.errorRatioMax === b.promotion.errorRatioMax &&
    a.canary.endpoints.length === b.canary.endpoints.length &&
    a.canary.endpoints.every((endpoint, n) => endpoint === b.canary.endpoints[n])
  );
}
