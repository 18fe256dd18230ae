/**
 * Keeps tapes in memory, where there is no state directory: of every route the newest ones, within REEL_BYTES_MAX.
 *
 * The oldest go: first whole tapes of earlier rollouts, in the end the beginning of the present one. With a decision that is
 * not kept any more goes what it rests on. What is missing is known without a list: segments are numbered from 1, and a
 * decision names the last one that it rests on.
 */

import type { EvidenceRef, LoggedDecision } from '../../model/slo.ts';
import type { Segment } from '../../model/threads/state.ts';
import { DECISIONS_MAX } from '../decisions.ts';

/** Per route: 3 hours of a rollout at 1,000 requests per second, days of one with little traffic. */
export const REEL_BYTES_MAX = 4 * 1024 * 1024;
/** Over all routes. */
export const REELS_BYTES_MAX = 32 * 1024 * 1024;

/** A tape that lacks its first segments, or all of them. */
export interface Loss {
  readonly watch: string;
  readonly route: string;
  readonly segments: number;
}

export class Reels {
  /** Segments by route, oldest first. */
  readonly #byRoute = new Map<string, Segment[]>();
  /** The newest decisions of this process, at most DECISIONS_MAX. */
  readonly #decided: LoggedDecision[] = [];
  #bytes = 0;

  keep(segment: Segment): void {
    const kept = this.#byRoute.get(segment.route) ?? [];
    this.#byRoute.set(segment.route, kept);
    kept.push(segment);
    this.#bytes += segment.bytes.length;
    while (sizeOf(kept) > REEL_BYTES_MAX) this.#drop(kept);
    while (this.#bytes > REELS_BYTES_MAX) this.#drop(this.#largest());
  }

  /** A decision was made. The oldest is kept no longer when there are too many: a tape that tells of it would prove nothing. */
  decided(decision: LoggedDecision): void {
    this.#decided.push(decision);
    if (this.#decided.length <= DECISIONS_MAX) return;
    const { route, ...oldest } = this.#decided.shift() as LoggedDecision;
    const evidence = evidenceOf(oldest);
    const kept = this.#byRoute.get(route) ?? [];
    const rest = kept.filter(({ watch, number }) => watch !== evidence?.watch || number > evidence.segment);
    this.#bytes -= sizeOf(kept) - sizeOf(rest);
    this.#byRoute.set(route, rest);
  }

  /** Everything there is, tape after tape. */
  get segments(): readonly Segment[] {
    return [...this.#byRoute.values()].flat();
  }

  /** What is missing of the tapes that are there, and of those that `decisions` name. */
  missing(decisions: readonly LoggedDecision[]): Loss[] {
    const losses = new Map<string, Loss>();
    for (const decision of decisions) {
      const evidence = evidenceOf(decision);
      if (evidence === null) continue;
      const { watch, segment: segments } = evidence;
      losses.set(watch, { watch, route: decision.route, segments });
    }
    const begun = new Set<string>();
    for (const { watch, route, number } of this.segments) {
      if (begun.has(watch)) continue;
      begun.add(watch);
      if (number > 1) losses.set(watch, { watch, route, segments: number - 1 });
      else losses.delete(watch);
    }
    return [...losses.values()];
  }

  #drop(kept: Segment[]): void {
    this.#bytes -= kept.shift()?.bytes.length ?? 0;
  }

  #largest(): Segment[] {
    let largest: Segment[] = [];
    for (const kept of this.#byRoute.values()) if (sizeOf(kept) > sizeOf(largest)) largest = kept;
    return largest;
  }
}

function sizeOf(kept: readonly Segment[]): number {
  return kept.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Null of a decision without a tape: a revert has none, nor one of a release before tapes. */
export function evidenceOf({ certificate }: Partial<Pick<LoggedDecision, 'certificate'>>): EvidenceRef | null {
  return certificate !== undefined && 'evidence' in certificate ? (certificate.evidence ?? null) : null;
}
