/**
 * What a revert rests on: kept turn by turn while a route is watched, and judged again from what was kept.
 *
 * At most `TURNS_MAX` turns are kept of each route, 90 s; a conviction that comes later has no evidence to show.
 */

import type { RevertCertificate } from '../../../model/threads/revision.ts';
import { NO_COUNTS, pairOf, type RouteCounts, RouteRecord, type Track } from './record.ts';
import { RouteWatch } from './watch.ts';

/** The usual watch of 60 s, and half as much again. */
export const TURNS_MAX = 900;

/** The counts of one route and of those beside it since a change. */
export class Turns {
  #turns: (readonly number[])[] | null = [];

  add(afterMs: number, own: RouteCounts, others: RouteCounts): void {
    if (this.#turns === null) return;
    if (this.#turns.length === TURNS_MAX) this.#turns = null;
    else if (own.answered + own.finished + others.answered + others.finished === 0) this.#turns.push([afterMs]);
    else this.#turns.push([afterMs, ...countsOf(own), ...countsOf(others)]);
  }

  /** Null: there were too many. */
  get list(): readonly (readonly number[])[] | null {
    return this.#turns;
  }
}

/** Four counts in the order of a certificate. */
export function countsOf({ finished, bad, answered, turnedAway }: RouteCounts): readonly number[] {
  return [finished, bad, answered, turnedAway];
}

function countsFrom(list: readonly number[], at: number): RouteCounts {
  const [finished = 0, bad = 0, answered = 0, turnedAway = 0] = list.slice(at, at + 4);
  return { finished, bad, answered, turnedAway };
}

/** What a certificate leads to at its last turn. */
export interface Rejudged {
  readonly logE: number;
  readonly track: Track;
  readonly finished: number;
  readonly failed: number;
  readonly limit: number;
}

/** Judges a certificate again, by the gateway's own evidence; null: nothing was recorded. */
export function rejudge({ alpha, routes, blocks, unchanged, turns }: RevertCertificate): Rejudged | null {
  if (turns === null) return null;
  const record = new RouteRecord();
  for (const block of blocks) record.add(countsFrom(block, 0), block[4] ?? 0);
  const before = unchanged === null ? null : countsFrom(unchanged, 0);
  const watch = new RouteWatch({ record, unchanged: before, delta: alpha / (2 * routes) }, 0);
  let atMs = 0;
  for (const turn of turns) {
    atMs = turn[0] ?? 0;
    watch.add(turn.length > 1 ? countsFrom(turn, 1) : NO_COUNTS, turn.length > 1 ? countsFrom(turn, 5) : NO_COUNTS);
  }
  const { logE, track, failed } = watch.judge(atMs);
  const [finished] = pairOf(track, watch.seen);
  return { logE, track, finished, failed, limit: watch.limitOf(track) };
}
