/**
 * What is wrong with a configuration document, and the control plane's error type.
 *
 * A document is refused with every problem at once; each says where, what was expected, what was found and how to mend it.
 */

import type { Config } from './config.ts';

/** One fault in a configuration document. */
export interface Problem {
  /** Stable code, `SLU1001`; documented in docs/problems.md. */
  readonly code: string;
  /** File name as the user gave it. */
  readonly file: string;
  /** 1-based; 0 when the document has no position to show (an empty file). */
  readonly line: number;
  readonly column: number;
  /** Path into the document, `routes[0].backendRefs[1].weight`; empty for the document itself. */
  readonly path: string;
  readonly expected: string;
  readonly got: string;
  /** How to mend it, or empty. */
  readonly hint: string;
}

/** What reading a configuration document gives: a configuration, perhaps with warnings, or every problem. */
export type ParseResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly warnings: readonly Problem[];
      /** Content hash of the configuration, where it was computed already. */
      readonly hash?: string;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `gateway.yaml:5:15: SLU1012 routes[0].slo.availability: expected a ratio below 1, got 99.9 (did you mean 0.999?)` */
export function formatProblem(problem: Problem): string {
  const where = `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? '' : ` ${problem.path}:`;
  const hint = problem.hint === '' ? '' : ` (${problem.hint})`;
  return `${where}: ${problem.code}${path} expected ${problem.expected}, got ${problem.got}${hint}`;
}

/** Codes of the errors that the control plane throws. Match on these, never on messages. */
export type ErrorCode =
  | 'SLU_CONFIG_INVALID'
  | 'SLU_CONFIG_UNREADABLE'
  | 'SLU_SOURCE_UNAVAILABLE'
  | 'SLU_PORT_IN_USE'
  | 'SLU_LISTEN_FAILED'
  | 'SLU_WORKER_FAILED'
  | 'SLU_CELLS_EXHAUSTED'
  | 'SLU_STATE_INVALID'
  | 'SLU_RESTART_FAILED'
  | 'SLU_LOG_UNREADABLE'
  | 'SLU_USAGE';

/** An operational error of the control plane. */
export class SluiceError extends Error {
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; problems?: readonly Problem[] } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.problems = options.problems ?? [];
  }
}

/** That nobody can say whether a configuration is sound, as a problem: something else failed on the way. */
export function failedProblem(file: string, error: unknown): Problem {
  const code = error instanceof SluiceError ? error.code : 'SLU_CONFIG_INVALID';
  const got = error instanceof Error ? error.message : String(error);
  const hint = 'it is tried again, and counts as refused until then';
  return { code, file, line: 0, column: 0, path: '', expected: 'a configuration that can be put in force', got, hint };
}

/** A document that could not even be read, as a problem. */
export function unreadableProblem(file: string, { code, message }: SluiceError): Problem {
  const expected = 'a document that can be read';
  return { code, file, line: 0, column: 0, path: '', expected, got: message, hint: '' };
}
