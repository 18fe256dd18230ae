/**
 * Nouns of rollouts: what the judge needs to know of them, their states, the commands that people give, what is shown.
 */

import type { RolloutConfig, RolloutPlan, RolloutStep } from './config.ts';
import type { BudgetPolicyConfig, Decision, DriftChange, SloConfig } from './slo.ts';

/** Endpoints of a canary that are told apart, those included that have just gone; of a canary with more, none is. */
export const ENDPOINTS_TOLD_APART_MAX = 256;

/** One side of the comparison. Indexes are those of the tallies and dials. */
export interface RolloutArm {
  readonly version: string;
  /** Cell of route x version. */
  readonly cell: number;
  readonly dial: number;
  /** Unit slot of the user bitmaps, never -1: a rollout is judged in both units. */
  readonly unit: number;
  /** Slots of its endpoints in the tallies; of the canary's leading route alone, else empty. */
  readonly endpoints: readonly number[];
  /** Their addresses, in the same order: the name that stays while slots change. Absent on tapes of earlier releases. */
  readonly addresses?: readonly string[];
  /** The operator's weight as a dial has it: times `weightScaleOf`. */
  readonly weight: number;
}

/** How sure one must be of a canary, either way. */
export interface JudgePolicy {
  /** Bound on the probability of ever rolling back a canary that is not worse. */
  readonly alpha: number;
  /** Tolerated relative risk r of the null hypothesis p_canary <= r * p_stable. */
  readonly toleratedRatio: number;
  /** Fewest bad canary requests before a rollback. */
  readonly badMin: number;
  /** Error ratio a of the null hypothesis p_canary <= a, below which no canary is convicted of failures; 0 = none. */
  readonly absoluteFloor: number;
  /** Promotion: chance to pass a canary that is worse than both limits, and the limits (relative and absolute). */
  readonly promotion: {
    readonly beta: number;
    readonly ratioMax: number;
    readonly errorRatioMax: number;
  };
}

/** A policy that judges beside the one in force and never acts. */
export interface ShadowPolicy extends JudgePolicy {
  readonly name: string;
}

/** One route of a rollout, with its two versions there. */
export interface RolloutRoute {
  readonly route: string;
  readonly stable: RolloutArm;
  readonly canary: RolloutArm;
}

/** One canary under judgement, named by its leading route. A route has at most one, its own or another one's. */
export interface RolloutSpec extends JudgePolicy, RolloutRoute {
  /** Further routes that it moves and judges, without endpoints: these are looked at once. Absent where it has one route. */
  readonly companions?: readonly RolloutRoute[];
  readonly service: string;
  /** What the canary's latency may exceed stable's by, as a share and, at least, in ms. */
  readonly latencyTolerance: number;
  readonly latencyFloorMs: number;
  readonly shadows: readonly ShadowPolicy[];
  /** Null: it is only watched. */
  readonly plan: RolloutPlan | null;
  /** Dial units per unit of weight (`weightScaleOf`). */
  readonly weightScale: number;
  /** Share of bad requests that the route's availability objective allows. */
  readonly budgetRatio: number;
  readonly budgetPolicy: BudgetPolicyConfig;
  /** Fingerprint of the operator's split and canary: a new one is a new rollout. */
  readonly generation: string;
  /** Configuration revision that it was compiled from. */
  readonly revision: number;
}

/** The numbers of a rollout's policy, without the indexes of a snapshot: what a forecast needs. */
export type RolloutPolicy = Pick<
  RolloutSpec,
  | 'alpha'
  | 'toleratedRatio'
  | 'badMin'
  | 'absoluteFloor'
  | 'latencyTolerance'
  | 'latencyFloorMs'
  | 'promotion'
  | 'plan'
  | 'budgetRatio'
>;

/** All routes of a rollout, the leading one first. */
export function routesOf(spec: RolloutRoute & Pick<RolloutSpec, 'companions'>): readonly RolloutRoute[] {
  return spec.companions === undefined ? [spec] : [spec, ...spec.companions];
}

/** A route that the rollout of another one moves. */
export interface LedRoute {
  /** Name of the leading route. */
  readonly by: string;
  /** The leading route's. */
  readonly rollout: RolloutConfig;
}

/** What moves the weights of a route: its own rollout, or the one that lists it; null: neither. */
export function rolloutOn<T>(route: { readonly rollout: T | null; readonly led?: { readonly rollout: T } }): T | null {
  return route.rollout ?? route.led?.rollout ?? null;
}

/**
 * Dials of a route with steps, or whose versions keep a part of their weight when they drift, count thousandths of a weight,
 * so that 1 % of any weight is a whole number.
 */
const FINE_WEIGHT_SCALE = 1000;

/** Dial units per unit of weight on a route with this rollout and these objectives. */
export function weightScaleOf(route: {
  readonly rollout: Pick<RolloutConfig, 'plan'> | null;
  readonly led?: { readonly rollout: Pick<RolloutConfig, 'plan'> };
  readonly slo: Pick<SloConfig, 'drift'> | null;
}): number {
  const rollout = rolloutOn(route);
  const hasSteps = rollout !== null && rollout.plan !== null;
  const hasDrift = route.slo !== null && route.slo.drift !== null;
  return hasSteps || hasDrift ? FINE_WEIGHT_SCALE : 1;
}

/** Where the operator's weights of a route come from, when they are apart from the route. */
export interface WeightsOrigin {
  /** What problems call it: `consul sluice/weights/shop`. */
  readonly document: string;
  /** Of this document, of its store's own making. */
  readonly revision: string;
  readonly reason: string;
  /** What the route itself says, by `backendRefs`. */
  readonly ownWeights: readonly number[];
  /** Whether the document gives the weight; else the route does. */
  readonly isSet: readonly boolean[];
}

/** An operator replaces the weights document of a route. */
export interface WeightsCommand {
  readonly route: string;
  /** By version, or by `service/version`; what is not named has the route's own weight. */
  readonly weights: Readonly<Record<string, number>>;
  /** What was read before: the document must still have it. */
  readonly revision: string;
  readonly by: string;
  readonly reason: string;
}

/** What became of it. */
export type WeightsAnswer =
  | { readonly kind: 'written'; readonly document: string; readonly revision: string }
  /** Somebody else has written since; nothing was changed. `present`: what is kept now, null where that is not known. */
  | {
      readonly kind: 'conflict';
      readonly detail: string;
      readonly present: { readonly revision: string; readonly weights: WeightsCommand['weights'] | null } | null;
    }
  /**
   * unknown: no such route · invalid: not weights of this route · refused: cannot be written, and why ·
   * unavailable: certainly not written, try again · unconfirmed: perhaps written, look again
   */
  | {
      readonly kind: 'unknown' | 'invalid' | 'refused' | 'unavailable' | 'unconfirmed';
      readonly detail: string;
    };

/** Weights to hold on a route against the operator's: all of them at once, none = the operator's are in force again. */
export interface RouteHold {
  readonly route: string;
  readonly generation: string;
  readonly because: string;
  /** Dial units. */
  readonly weights: readonly { readonly version: string; readonly weight: number }[];
}

/** What a person, or a source, may ask of a rollout. */
export const ROLLOUT_COMMANDS = ['start', 'pause', 'resume', 'promote', 'abort', 'undo'] as const;

export type RolloutCommandName = (typeof ROLLOUT_COMMANDS)[number];

export interface RolloutCommand {
  readonly name: RolloutCommandName;
  readonly route: string;
  /** Where it came from: `api`, `configuration`. */
  readonly by: string;
  /** For the log; empty = none was given. */
  readonly reason: string;
  /** Labels the rollout a fix, which an exhausted budget does not stop. Needs a reason. */
  readonly isFix: boolean;
}

/**
 * What became of a command. `unknown`: there is no such rollout; `refused`: not in this state, and what to do instead;
 * `waiting`: it is done as soon as another rollout lets go of the release window.
 */
export type CommandResult =
  | { readonly kind: 'done'; readonly decision: Decision; readonly holds: readonly RouteHold[] }
  | { readonly kind: 'unknown' | 'refused' | 'waiting'; readonly detail: string };

/** A person brings the versions of a route back that are offline because they drifted. */
export interface RestoreCommand {
  readonly name: 'restore';
  readonly route: string;
  readonly by: string;
  readonly reason: string;
}

/** `refused`: none was offline. */
export type RestoreResult =
  | { readonly kind: 'restored'; readonly changes: readonly DriftChange[] }
  | { readonly kind: 'refused'; readonly detail: string };

/** Who or what moved a rollout. `defect`: the gateway's own program failed at it (`model/threads/load/defects.ts`). */
export const ROLLOUT_TRIGGERS = [
  'evidence',
  'burn',
  'gates',
  'policy',
  'budget',
  'person',
  'configuration',
  'defect',
] as const;

export type RolloutTrigger = (typeof ROLLOUT_TRIGGERS)[number];

/** Who or what makes a rollout stand still. */
export const PAUSERS = ['person', 'policy', 'budget', 'defect'] as const;

export type Pauser = (typeof PAUSERS)[number];

/** What is rolled out, and where. */
export interface RolloutSubject {
  readonly stable: string;
  readonly canary: string;
  /** All routes that it moves and judges, the leading one first; absent where that is its own alone. */
  readonly routes?: readonly string[];
}

/** Where a rollout stands. `sinceMs`: monotonic, when the canary got its present weight. `step`: index of the ladder. */
export type RolloutState =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'progressing';
      readonly step: number;
      readonly sinceMs: number;
      /** When the wait for this step's gates began, for the longest wait. */
      readonly waitingSinceMs: number;
    }
  | {
      readonly kind: 'paused';
      readonly step: number;
      readonly sinceMs: number;
      readonly pausedAtMs: number;
      readonly by: Pauser;
      readonly because: string;
    }
  | { readonly kind: 'baking'; readonly step: number; readonly sinceMs: number }
  | { readonly kind: 'succeeded'; readonly step: number; readonly sinceMs: number }
  | { readonly kind: 'rolled-back'; readonly sinceMs: number; readonly by: RolloutTrigger };

export type RolloutStateName = RolloutState['kind'];

export const ROLLOUT_STATES: readonly RolloutStateName[] = [
  'idle',
  'progressing',
  'paused',
  'baking',
  'succeeded',
  'rolled-back',
];

/** A rollout's whole memory. */
export interface Rollout {
  readonly state: RolloutState;
  /** Steps of this run, an extra small one in front when the budget asks for it. Empty before the first start. */
  readonly ladder: readonly RolloutStep[];
  /** Why it is labeled a fix; empty when it is not. */
  readonly fixReason: string;
  /** Bad events that the budget had left when it started; null when nothing was counted. */
  readonly leftAtStart: number | null;
  /** Bad requests that it caused before this process began. */
  readonly spentBefore: number;
  /** What `undo` goes back to: the state before the last command, forgotten when the rollout moves by itself. */
  readonly undo: RolloutUndo | null;
}

export interface RolloutUndo extends Omit<Rollout, 'undo'> {
  readonly command: RolloutCommandName;
}

/** A rollout for the state store, in JSON: times are lengths, because the monotonic clock ends with the process. */
export interface SavedRollout {
  readonly format: 1;
  readonly route: string;
  readonly generation: string;
  readonly rollout: SavedMemory & { readonly undo: (SavedMemory & { readonly command: RolloutCommandName }) | null };
  /** The decision that rolled it back, when it is. */
  readonly decision: Decision | null;
  /** It is to start by itself, and has not yet: another one has the window. */
  readonly isStartOwed?: boolean;
}

export type SavedMemory = Omit<Rollout, 'undo' | 'state'> & { readonly state: SavedState };

/** A state whose times are ms ago. */
export interface SavedState {
  readonly kind: RolloutStateName;
  readonly step?: number;
  readonly forMs?: number;
  readonly waitingForMs?: number;
  readonly pausedForMs?: number;
  readonly by?: RolloutTrigger;
  readonly because?: string;
}

/** One gate of a step, as it stands. */
export interface RolloutGate {
  readonly name: 'evidence' | 'dwell' | 'requests' | 'alerts' | 'budget';
  readonly isPassed: boolean;
  /** In ms for `dwell`, requests for `requests`; null where there is no number. */
  readonly needed: number | null;
  readonly seen: number | null;
  readonly sentence: string;
}

/** The traffic that a forecast is made for. */
export interface ForecastTraffic {
  /** Of the whole route. */
  readonly requestsPerSecond: number;
  /** Share of stable's requests that fail. */
  readonly errorRatio: number;
  /** Stable's latency, taken for log-normal; null: only failures are forecast. */
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number } | null;
}

/** How a fault of the canary would be found on a step. Null: never. */
export interface ForecastFinding {
  /** Share of the canary's requests that fail, or by how much all of them are slower. */
  readonly fault: { readonly errorRatio: number } | { readonly slowdown: number };
  /** Mean time to the rollback. */
  readonly seconds: number | null;
  /** Canary requests that fail, or are slow, until then. */
  readonly harmed: number | null;
  /** Within the step's stay. */
  readonly isInTime: boolean;
}

export interface ForecastStep {
  readonly percent: number;
  readonly canaryRps: number;
  /** Mean stay of a healthy canary: until time, requests and evidence suffice; null: for ever. */
  readonly staySeconds: number | null;
  /** Smallest error ratio that is found within the stay, on average; null: none is, nobody is left to compare with. */
  readonly smallestErrorRatio: number | null;
  readonly findings: readonly ForecastFinding[];
}

/** What a rollout's policy can find, how fast, and at what harm. */
export interface Forecast {
  readonly route: string;
  readonly traffic: ForecastTraffic;
  /** Error ratio that the policy lets pass on purpose, and the one that the objective allows. */
  readonly toleratedErrorRatio: number;
  readonly allowedErrorRatio: number;
  readonly steps: readonly ForecastStep[];
  /** Mean time of a healthy canary to the last step; null: it never gets there by itself. */
  readonly rampSeconds: number | null;
  /**
   * Useful weights to start with, in percent: the least that finds a canary which spends the budget ten times too fast
   * within the first step's time, null when none does; the most that a canary failing everything may have.
   */
  readonly start: { readonly least: number | null; readonly most: number };
  readonly warnings: readonly string[];
  readonly sentence: string;
}

/** What a forecast is asked for, as texts: names and numbers that have yet to be checked. */
export interface ForecastQuestion {
  /** Null: of every route with a rollout. */
  readonly route: string | null;
  /** Requests per second of the route; null: as measured. */
  readonly rps: string | null;
  /** Share of stable's requests that fail; null: as measured. */
  readonly errors: string | null;
  /** Stable's median and 99th percentile in ms, both or none; null: as measured. */
  readonly p50: string | null;
  readonly p99: string | null;
}

/** `unknown`: there is no such rollout; `refused`: what is wrong with the question. */
export type ForecastAnswer =
  | { readonly kind: 'done'; readonly forecasts: readonly Forecast[] }
  | { readonly kind: 'unknown' | 'refused'; readonly detail: string };
