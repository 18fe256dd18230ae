/**
 * How outcomes count: error classes of HTTP, and their weights. Hot path.
 *
 * Whether an exchange is good or bad is the table of `reason.ts`; the class says what kind of error it was, for reports:
 *
 * | class     | what                                                          | HTTP                         | weight |
 * |-----------|---------------------------------------------------------------|------------------------------|--------|
 * | client    | the request was wrong; trying again changes nothing           | 4xx                          | 1.0    |
 * | transient | not now; trying again may help                                | 408, 425, 429, 502, 503, 504 | 0.3    |
 * | server    | the service is wrong                                          | other 5xx                    | 2.5    |
 *
 * Classes and effects are independent: most client errors are good events, and still worth a count.
 * Source: docs/ARCHITECTURE.md "Objectives and budgets".
 */

import { REASON, REASONS, type Reason, type ReasonRow } from './reason.ts';

/** In the order of their counters. */
export const ERROR_CLASSES = ['client', 'transient', 'server'] as const;

export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** How much an error of each class weighs in the weighted error count. */
export type ErrorWeights = Readonly<Record<ErrorClass, number>>;

/** Number of a class in `ERROR_CLASSES`; NO_ERROR is none of them. */
export const NO_ERROR = -1;
const CLIENT = 0;
const TRANSIENT = 1;
const SERVER = 2;

/** Class of every reason but `none`, by its number. */
const CLASS_OF_REASON = Int8Array.from(REASONS, classOfRow);

function classOfRow({ status, fault, retry }: ReasonRow, reason: number): number {
  // A client that went away made no error, and told of none.
  if (reason === REASON.none || reason === REASON.clientClosed) return NO_ERROR;
  if (status === 429 || status === 503 || retry !== 'never') return TRANSIENT;
  return fault === 'client' ? CLIENT : SERVER;
}

/** Class number of an outcome, or NO_ERROR. Cost: O(1), allocates nothing. */
export function errorClassOf(reason: Reason, status: number): number {
  return reason === REASON.none ? errorClassOfStatus(status) : (CLASS_OF_REASON[reason] as number);
}

/** Class number of an upstream's status, or NO_ERROR. */
export function errorClassOfStatus(status: number): number {
  if (status < 400) return NO_ERROR;
  switch (status) {
    case 408:
    case 425:
    case 429:
    case 502:
    case 503:
    case 504:
      return TRANSIENT;
    default:
      return status < 500 ? CLIENT : SERVER;
  }
}

/** The sum of errors by class, each with its weight. */
export function weightedErrors(counts: Readonly<Record<ErrorClass, number>>, weights: ErrorWeights): number {
  return counts.client * weights.client + counts.transient * weights.transient + counts.server * weights.server;
}
