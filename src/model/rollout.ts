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
  /** Fingerprint of the operator's split and canary: a new one is a new rollout. */
  readonly generation: string;
  /** Configuration revision that it was compiled from. */
  readonly revision: number;
}
