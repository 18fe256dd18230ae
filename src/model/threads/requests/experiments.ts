/**
 * Nouns of users: what they are told apart by, and the A/B experiments of a route.
 *
 * Source: docs/routing.md "Experiments".
 */

/** Experiments of one route. */
export const EXPERIMENTS_MAX = 8;
/** Groups of one experiment. */
export const GROUPS_MIN = 2;
export const GROUPS_MAX = 16;

/** Where a user key comes from, the header in lower case; the first that is present wins. */
export interface StickyConfig {
  readonly header: string | null;
  readonly cookie: string | null;
  readonly clientIp: boolean;
}

/** Users are put into groups, and upstreams are told the group. */
export interface ExperimentConfig {
  /** All that the draw depends on besides the user key. */
  readonly id: string;
  /** Lower-case name of the header that tells the group. */
  readonly header: string;
  /** Share of users that are in it, 0..1. */
  readonly ratio: number;
  /** Weights are relative shares of those users, not all 0. */
  readonly groups: readonly { readonly name: string; readonly weight: number }[];
  /** Null: the route's user key. */
  readonly key: StickyConfig | null;
}
