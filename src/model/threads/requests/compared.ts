/**
 * Nouns of mirrors that compare: what workers take of the answers to one request, and what came of comparing them.
 */

import type { BackendRef } from '../../config.ts';

/** A copy of some requests goes to another version; its answer is thrown away, or compared first. */
export interface MirrorFilter extends Pick<BackendRef, 'service' | 'version'> {
  /** Share of the route's requests, 0..1. */
  readonly ratio: number;
  /** Absent, not null, where answers are only thrown away. */
  readonly compare?: CompareConfig;
}

/** How answers of a mirror are compared with those that clients got. */
export interface CompareConfig {
  /** Longest body of an answer that is compared, as it comes. */
  readonly bodyBytesMax: number;
  /** Headers that may differ, in lower case, besides those that always may. */
  readonly ignoreHeaders: readonly string[];
}

/** An answer, as its upstream gave it. */
export interface TakenAnswer {
  readonly status: number;
  /** First line and fields, Latin-1, each with its CRLF. */
  readonly head: string;
  /** Content codings included, chunks not. In memory of its own. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** The answers to one request. */
export interface TakenAnswers {
  readonly route: string;
  /** `service/version` that the copy went to. */
  readonly candidate: string;
  /** The client's. */
  readonly primary: TakenAnswer;
  /** To the same request, of the same version. */
  readonly second: TakenAnswer;
  readonly mirrored: TakenAnswer;
}

/**
 * Why a request that was drawn is not compared. `busy`: no place for another comparison or copy, or its version has none to spare.
 * `memory`: none of `limits.compareBytesMax`. `too_long`: an answer longer than `bodyBytesMax`; `no_answer`: there was none, or not in
 * time; `truncated`: nobody can tell whether it is whole: it ended early, or with its connection; each with `mirror_` when it was the
 * mirror's. `other_version`: the client was answered by another version than the one that is compared.
 */
export const UNCOMPARED_REASONS = [
  'busy',
  'memory',
  'too_long',
  'mirror_too_long',
  'no_answer',
  'mirror_no_answer',
  'truncated',
  'mirror_truncated',
  'other_version',
] as const;

export type UncomparedReason = (typeof UNCOMPARED_REASONS)[number];

/** Requests that were drawn and are not compared, by reason. */
export type Uncompared = Readonly<Record<UncomparedReason, number>>;

/** The first reasons: there was no room, or an answer is longer than is taken. The others: there was no whole answer. */
const SKIPPED_REASONS = UNCOMPARED_REASONS.slice(0, 4);

/** Counts to begin with. */
export function noneUncompared(): Record<UncomparedReason, number> {
  return Object.fromEntries(UNCOMPARED_REASONS.map((reason) => [reason, 0])) as Record<UncomparedReason, number>;
}

/** Those that were skipped, and those that failed. */
export function sumsOf(uncompared: Uncompared): { readonly skipped: number; readonly failed: number } {
  const sumOf = (reasons: readonly UncomparedReason[]): number =>
    reasons.reduce((sum, reason) => sum + uncompared[reason], 0);
  const skipped = sumOf(SKIPPED_REASONS);
  return { skipped, failed: sumOf(UNCOMPARED_REASONS) - skipped };
}

/** Answers of a comparison, each of up to `bodyBytesMax`. */
export const COMPARED_ANSWERS = 3;

/** What a worker has taken since its last batch. */
export interface ComparedBatch {
  readonly answers: readonly TakenAnswers[];
  /** By route. */
  readonly uncompared: ReadonlyMap<string, Uncompared>;
}

/**
 * What two answers can differ in: the status; a header; the type of a JSON value, its presence included; a JSON value of the
 * same type; a body of another form, or one that is not read as JSON.
 */
export const DIFFERENCE_KINDS = ['status', 'header', 'type', 'value', 'body'] as const;

export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** One place at which answers differ. */
export interface DifferenceStatus {
  readonly kind: DifferenceKind;
  /** Name of the header, or path of the JSON value (`$.items[].price`); empty of others. `…`: places beyond those that are kept. */
  readonly path: string;
  /** Statuses, types, or forms of the latest difference of the candidate: never a value. Empty where there is only that it differs. */
  readonly from: string;
  readonly to: string;
  /** Requests that were compared since the place is known of. */
  readonly compared: number;
  /** Of these the candidate's answer differs from the client's in so many, and the second one of the same version. */
  readonly candidate: number;
  readonly second: number;
  /** More than chance: the candidate differs where the version does not differ from itself. */
  readonly isReal: boolean;
}

/** What is known of the mirror of one route. */
export interface MirrorStatus {
  readonly route: string;
  /** `service/version` */
  readonly candidate: string;
  /** ISO 8601: when comparing began. */
  readonly since: string;
  readonly compared: number;
  /** Of those that are not compared: no room, or an answer longer than is taken; an answer that did not come, or not whole. */
  readonly skipped: number;
  readonly failed: number;
  readonly uncompared: Uncompared;
  /** Real differences first, then those that the candidate has most often, of `SHOWN_MIN` requests; at most `DIFFERENCES_SHOWN`. */
  readonly differences: readonly DifferenceStatus[];
  /** Real ones among all, those that are not shown included. */
  readonly real: number;
  /** Compared requests whose answers differ really, by kind of difference, from when that was found on. */
  readonly differed: Readonly<Record<DifferenceKind, number>>;
  /** One line for people. */
  readonly sentence: string;
}

/** Requests in which answers have differed at a place that is shown without being real: a key that is data seldom comes so often. */
export const SHOWN_MIN = 10;
/** Places in the status of one mirror. */
export const DIFFERENCES_SHOWN = 50;
