/**
 * What the SLO loop (`controller.ts`) is handed, and what it can be asked.
 */

import type {
  CommandResult,
  RolloutCommand,
  RolloutSpec,
  RolloutState,
  RouteHold,
  SavedRollout,
} from '../../../model/rollout.ts';
import type { Decision, Verdict } from '../../../model/slo.ts';
import type { RolloutStatus } from '../../../model/status.ts';
import type { FleetRole } from '../../../model/threads/fleet.ts';
import type { Segment } from '../../../model/threads/state.ts';
import type { BadEvent } from '../../events.ts';
import type { SetLatency } from '../../latency/watch.ts';
import type { Region } from '../../regions.ts';
import type { Elsewhere } from '../../verdict/endpoints/attempts.ts';
import type { BudgetReading } from '../gates.ts';

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
  /** What the objectives of a route say; without it nothing is counted and nothing fires. */
  readonly budgetOf?: (route: string, nowMs: number) => BudgetReading | null;
  /** Who decides on a rollout of several gateways; without it this one does. */
  readonly fleet?: FleetGuide;
  /** Takes the tapes' segments (replay/tape.ts), at once and without throwing; without it nothing is recorded. */
  readonly tapes?: (segment: Segment) => void;
  /** Hears of a defect that halted the judgement of a route's rollout (`halt.ts`), or in showing it; without it that is thrown on. */
  readonly broken?: (route: string, error: unknown) => void;
  /** Who is behind a rollback that nobody asked for, in words; empty when nobody stands out. */
  readonly explain?: (route: string, verdict: Verdict) => string;
  /** The process's monotonic clock, the one that stamps events. */
  readonly nowMs: () => number;
  /** Wall clock for people, ISO 8601. */
  readonly wallTime: () => string;
}

/** What a gateway of a fleet is told before it decides. */
export interface FleetGuide {
  /** A follower neither judges nor moves anything by itself; alone, it judges as a leader does. */
  readonly roleOf: (route: string) => FleetRole;
  /** Whether a rollout may start by itself now; else it is asked again in the next turn. */
  readonly mayStart: (route: string) => boolean;
  /** What the others told of the endpoints of a canary that is led here. */
  readonly attemptsElsewhere: (route: string) => Elsewhere;
}

/** What one turn of the loop did. */
export interface TickResult {
  /** Every decision, already executed. */
  readonly decisions: readonly Decision[];
  /** Weights that are to be held from now on; the dials have them already. */
  readonly holds: readonly RouteHold[];
  /** Rollouts that were to start by themselves and may not. */
  readonly refusals: readonly { readonly route: string; readonly detail: string }[];
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

/** Where a rollout stands, and which one it is. */
export interface Standing {
  readonly generation: string;
  readonly state: RolloutState;
}

/** Numbers of decisions. */
export interface Numbers {
  continueAfter(decisionId: number): void;
  next(): number;
}

/** The loop. */
export interface Controller {
  /** One turn. `nowMs`: monotonic, the clock of the events. */
  tick(nowMs: number): TickResult;
  view(): readonly RolloutView[];
  /** Does what a person or a source asks for, or says why not. */
  command(command: RolloutCommand, nowMs: number): CommandResult;
  /** After a change of configuration: shares that go on under other weights. Returns what to hold; the dials have it. */
  shareAnew(): RouteHold[];
  /**
   * Follows another gateway, which has decided where a rollout of this generation stands; returns what to hold, null: there is none.
   * @param isFirst nobody has moved it yet, so it may still start by itself
   */
  follow(saved: SavedRollout, nowMs: number, isFirst: boolean): readonly RouteHold[] | null;
  /** Hands on what the tapes have gathered. */
  seal(): void;
  /** Of decisions: they go on after those of earlier processes, and others than the loop's take theirs here. */
  readonly numbers: Numbers;
  /** Every rollout's memory, for the state store. */
  save(nowMs: number): SavedRollout[];
  /** That of one route; null: it has none. Cost: O(1). */
  saved(route: string, nowMs: number): SavedRollout | null;
  /** Where the rollout of a route stands; null: it has none. Cost: O(1), for every turn. */
  standing(route: string): Standing | null;
  /**
   * Goes on where an earlier process stopped, also one whose memory is found late. Memories of other generations are left out.
   * @returns the weights to hold; the dials have them already
   * @throws SluiceError SLU_STATE_INVALID; rollouts before it are restored
   */
  restore(saved: readonly SavedRollout[], nowMs: number): RouteHold[];
  /** Bad events that the rings could not hold, since the start. */
  readonly eventsLost: number;
}
