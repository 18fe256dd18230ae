/**
 * What the main thread and the thread that parses say to each other.
 */

/** How the thread begins. */
export interface ParseSetup {
  /** Variables for `${NAME}`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A job. Documents and results are of the section that parses; nobody else looks into them. */
export interface ToParser {
  readonly id: number;
  readonly documents: unknown;
}

/** What came of a job; jobs are answered in their order. */
export interface FromParser {
  readonly id: number;
  readonly parsed: unknown;
}
