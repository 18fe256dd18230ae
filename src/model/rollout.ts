/**
 * What the judge of a rollout needs to know of the snapshot in force.
 */

/** One side of the comparison. Indexes are those of the tallies and dials. */
export interface RolloutArm {
  readonly version: string;
  /** Cell of route x version. */
  readonly cell: number;
  readonly dial: number;
  /** Unit slot of the user bitmaps, never -1: a rollout is judged in both units. */
  readonly unit: number;
  /** Slots of its endpoints in the tallies. */
  readonly endpoints: readonly number[];
}

/** One canary under judgement. A route has at most one. */
export interface RolloutSpec {
  readonly route: string;
  readonly service: string;
  readonly stable: RolloutArm;
  readonly canary: RolloutArm;
  /** Bound on the probability of ever rolling back a canary that is not worse. */
  readonly alpha: number;
  /** Tolerated relative risk r of the null hypothesis p_canary <= r * p_stable. */
  readonly toleratedRatio: number;
  /** Fewest bad canary requests before a rollback. */
  readonly badMin: number;
  /** Error ratio a of the null hypothesis p_canary <= a, below which no canary is convicted of failures; 0 = none. */
  readonly absoluteFloor: number;
  /** What the canary's latency may exceed stable's by, as a share and, at least, in ms. */
  readonly latencyTolerance: number;
  readonly latencyFloorMs: number;
  /** Promotion: chance to pass a canary that is worse than both limits, and the limits (relative and absolute). */
  readonly promotion: {
    readonly beta: number;
    readonly ratioMax: number;
    readonly errorRatioMax: number;
  };
  /** Fingerprint of the operator's split and canary: a new one is a new rollout. */
  readonly generation: string;
  /** Configuration revision that it was compiled from. */
  readonly revision: number;
}
