/**
 * State on its way from one process to the next: cut into messages of so many rows, and put together again.
 *
 * In the forms of the state's file, so that a later release reads what an earlier one says. A part of busy budgets, 12 KB each, has
 * 1.1 MB as JSON. Rows of lookups and of revisions are longer: 64 lookups of 10,000 addresses made 5.8 MB. Most is what is kept of the two
 * altogether, 16 MiB each unless `revisions.bytesMax` is more, and a third longer in base64.
 */

import type { PassedBudget, PassedSegment, StatePart } from '../../model/threads/handover.ts';
import type { PassedState, Segment, Unwritten } from '../../model/threads/state.ts';

export const BUDGETS_PER_PART = 64;
export const ROLLOUTS_PER_PART = 256;
export const DECISIONS_PER_PART = 64;
/** Of 60 KB at most. */
export const SEGMENTS_PER_PART = 12;
export const LOSSES_PER_PART = 1024;

const NOTHING: StatePart = { budgets: [], rollouts: [], decisions: [] };

/** The state in pieces, in order. */
export function partsOf({ budgets, rollouts, decisions, unwritten, isPartial }: PassedState): StatePart[] {
  const passed = [...budgets].map(([key, { format, bytes, at }]): PassedBudget => {
    return { key, format, base64: Buffer.from(bytes).toString('base64'), at };
  });
  return [
    ...pieces(passed, BUDGETS_PER_PART).map((piece) => ({ ...NOTHING, budgets: piece })),
    ...pieces(rollouts, ROLLOUTS_PER_PART).map((piece) => ({ ...NOTHING, rollouts: piece })),
    ...pieces(decisions, DECISIONS_PER_PART).map((piece) => ({ ...NOTHING, decisions: piece })),
    ...unwrittenParts(unwritten).map((part) => ({ ...NOTHING, unwritten: part })),
    ...(isPartial ? [{ ...NOTHING, isPartial }] : []),
  ];
}

function unwrittenParts({ decisions, segments, segmentsLost }: Unwritten): NonNullable<StatePart['unwritten']>[] {
  const passed = segments.map(({ bytes, ...segment }): PassedSegment => {
    return { ...segment, base64: Buffer.from(bytes).toString('base64') };
  });
  const losses = [...segmentsLost].map(([watch, loss]) => ({ watch, ...loss }));
  return [
    ...pieces(decisions, DECISIONS_PER_PART).map((piece) => ({ decisions: piece })),
    ...pieces(passed, SEGMENTS_PER_PART).map((piece) => ({ segments: piece })),
    ...pieces(losses, LOSSES_PER_PART).map((piece) => ({ losses: piece })),
  ];
}

/** The state that the pieces make. */
export function joined(parts: readonly StatePart[]): PassedState {
  const budgets = parts.flatMap((part) => part.budgets);
  const unwritten = parts.flatMap((part) => part.unwritten ?? []);
  const losses = unwritten.flatMap((part) => part.losses ?? []);
  return {
    budgets: new Map(
      budgets.map(({ key, format, base64, at }) => {
        return [key, { format, bytes: new Uint8Array(Buffer.from(base64, 'base64')), at }];
      }),
    ),
    rollouts: parts.flatMap((part) => part.rollouts),
    decisions: parts.flatMap((part) => part.decisions),
    unwritten: {
      decisions: unwritten.flatMap((part) => part.decisions ?? []),
      segments: unwritten.flatMap((part) => part.segments ?? []).map(segmentOf),
      segmentsLost: new Map(losses.map(({ watch, ...loss }) => [watch, loss])),
    },
    isPartial: parts.some((part) => part.isPartial === true),
  };
}

function segmentOf({ base64, ...segment }: PassedSegment): Segment {
  return { ...segment, bytes: new Uint8Array(Buffer.from(base64, 'base64')) };
}

function pieces<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size));
}
