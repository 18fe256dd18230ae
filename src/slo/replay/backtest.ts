/**
 * Replays whole tapes under a policy, and sets what it comes to beside what was decided.
 */

import { canonicalJson } from '../../lib/text/canonical.ts';
import type { Decision, LoggedDecision } from '../../model/slo.ts';
import type { RevertDecision } from '../../model/threads/revision.ts';
import type { Segment } from '../../model/threads/state.ts';
import { rejudge } from '../rollout/revision/certificate.ts';
import { TapeReader } from './read.ts';
import { Replay, type Replayed, type Respec } from './replay.ts';

/** A piece of a tape, as far as a replay asks. */
export type Piece = Pick<Segment, 'watch' | 'route' | 'number' | 'hash' | 'bytes'>;

/** One tape: what happened and what would have. */
export interface TapeReplay {
  readonly watch: string;
  readonly route: string;
  /** Looks on it. */
  readonly ticks: number;
  readonly durationMs: number;
  readonly canary: { readonly finished: number; readonly bad: number };
  readonly recorded: readonly Decision[];
  readonly replayed: readonly Replayed[];
  /** Index of the first decision that differs; null when none does. */
  readonly differsAt: number | null;
}

export interface Backtest {
  readonly tapes: readonly TapeReplay[];
  readonly reverts: readonly RevertReplay[];
  readonly ticks: number;
  /** Segments that cannot be replayed, because those before them were let go. */
  readonly segmentsUnused: number;
}

/** A revert, judged again from its own evidence. */
export interface RevertReplay {
  readonly recorded: RevertDecision;
  /** Null: no evidence was kept. */
  readonly isSame: boolean | null;
}

interface Under {
  readonly route: string;
  readonly reader: TapeReader;
  replay: Replay | null;
  next: number;
}

/**
 * Replays every tape. Segments of a tape come in order; tapes may be mixed.
 * @param decisions of the log, in order; asked for once the segments have been read
 * @throws Error when a tape has rows that are not known here
 */
export function backtest(segments: Iterable<Piece>, decisions: Iterable<LoggedDecision>, respec: Respec): Backtest {
  const tapes = new Map<string, Under>();
  let segmentsUnused = 0;
  for (const segment of segments) {
    const { watch, route, number } = segment;
    const tape = tapes.get(watch) ?? { route, reader: new TapeReader(), replay: null, next: 1 };
    tapes.set(watch, tape);
    if (number === tape.next) feed(tape, segment, respec);
    else segmentsUnused += 1;
  }
  const all = [...decisions];
  const recorded = byWatch(all.filter((decision) => decision.kind !== 'revert'));
  const reverts = all.filter((decision) => decision.kind === 'revert').map(revertAgain);
  const replays = [...tapes].flatMap(([watch, tape]) => resultOf(watch, tape, recorded.get(watch) ?? []));
  return { tapes: replays, reverts, ticks: replays.reduce((sum, { ticks }) => sum + ticks, 0), segmentsUnused };
}

/** No policy decides on a revert, so it must come out the same to the last bit. */
function revertAgain(recorded: RevertDecision): RevertReplay {
  const judged = rejudge(recorded.certificate);
  if (judged === null) return { recorded, isSame: null };
  const { logE, track, finished, failed, limit } = recorded;
  return { recorded, isSame: canonicalJson(judged) === canonicalJson({ logE, track, finished, failed, limit }) };
}

function byWatch(decisions: Iterable<Decision>): Map<string, Decision[]> {
  const all = new Map<string, Decision[]>();
  for (const decision of decisions) {
    // One of an earlier release has no certificate.
    const watch = (decision as Partial<Decision>).certificate?.evidence?.watch;
    if (watch === undefined) continue;
    const one = all.get(watch) ?? [];
    all.set(watch, one);
    one.push(decision);
  }
  return all;
}

function feed(tape: Under, { watch, number: segment, hash, bytes }: Piece, respec: Respec): void {
  const here = { watch, segment, hash };
  tape.next += 1;
  for (const row of tape.reader.rows(bytes)) {
    if (tape.replay !== null) tape.replay.take(row, here);
    else if (row.kind === 'open') tape.replay = new Replay(row.open, respec);
    else throw new Error(`the tape ${watch} does not begin with its beginning`);
  }
}

function resultOf(watch: string, { route, replay }: Under, recorded: readonly Decision[]): TapeReplay[] {
  if (replay === null) return [];
  replay.finish();
  const { ticks, afterMs: durationMs, canary, decisions: replayed } = replay;
  const differsAt = differenceOf(recorded, replayed);
  return [{ watch, route, ticks, durationMs, canary, recorded, replayed, differsAt }];
}

function differenceOf(recorded: readonly Decision[], replayed: readonly Replayed[]): number | null {
  const count = Math.max(recorded.length, replayed.length);
  for (let n = 0; n < count; n++) {
    const [then, now] = [recorded[n], replayed[n]?.decision];
    if (then === undefined || now === undefined || canonicalJson(then) !== canonicalJson(now)) return n;
  }
  return null;
}
