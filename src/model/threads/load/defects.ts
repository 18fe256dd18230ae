/**
 * Nouns of defects: exceptions of the gateway's own program that nothing expected, contained where they came up.
 */

/** Documented in docs/problems.md. */
export const DEFECT_CODE = 'SLU1925';

/**
 * Parts of the control plane that are contained one by one. `elsewhere`: what came up outside of all of them, in a timer or
 * in a promise that nobody waits for.
 */
export const DEFECT_PARTS = [
  'counts',
  'rollouts',
  'fleet',
  'revisions',
  'objectives',
  'drifts',
  'endpoints',
  'configuration',
  'alerts',
  'state',
  'elsewhere',
] as const;

export type DefectPart = (typeof DEFECT_PARTS)[number];

/** One kind of defect since the start: the same error at the same place of the program. */
export interface DefectStatus {
  readonly code: typeof DEFECT_CODE;
  readonly part: DefectPart;
  /** Route, service or source that it was about the last time; empty: none. */
  readonly about: string;
  /** What it is and where in the program, `TypeError at judgement.ts:68:5`; never its message, which may quote a secret. */
  readonly kind: string;
  readonly count: number;
  /** Wall clocks, ISO 8601. */
  readonly firstAt: string;
  readonly lastAt: string;
}

/** What came up since the start. */
export interface DefectsStatus {
  /** All of them, also those of kinds for which there was no room. */
  readonly counts: Readonly<Record<DefectPart, number>>;
  /** Oldest kind first. */
  readonly kinds: readonly DefectStatus[];
}
