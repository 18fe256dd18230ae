/**
 * What came of attempts after the first.
 */

/** Attempts of a version after the first of their exchanges, since start. */
export interface RetryCounts {
  /** After one that failed; of rescues there is `rescued`. */
  readonly made: number;
  /** Beside one that was slow. */
  readonly hedged: number;
  /** Not made: the retry budget was empty. */
  readonly skipped: number;
}
