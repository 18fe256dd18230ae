/**
 * A log made of a history: the lines that a state directory would hold.
 */

import { canonicalJson } from '#src/lib/text/canonical.ts';
import type { LoggedDecision } from '#src/model/slo.ts';
import type { LogLine, Segment } from '#src/model/threads/state.ts';
import { chained, GENESIS } from '#src/state/chain.ts';

/** Decisions chained one after another, the head, and the tapes. */
export function linesOf(decisions: readonly LoggedDecision[], segments: readonly Segment[]): LogLine[] {
  let previous = GENESIS;
  const rows = decisions.map((decision, n): LogLine => {
    const body = canonicalJson(decision);
    const hash = chained(previous, body);
    const row = { kind: 'decision', seq: n + 1, previous, hash, body } as const;
    previous = hash;
    return row;
  });
  const head: LogLine = { kind: 'head', seq: rows.length, hash: previous };
  const tapes = segments.toSorted((a, b) => (a.watch === b.watch ? a.number - b.number : a.watch < b.watch ? -1 : 1));
  return [...rows, head, ...tapes.map((segment) => ({ kind: 'segment', ...segment }) as const)];
}
