/**
 * Which grade each thing that can run short calls for, by fixed thresholds. Pure.
 *
 * ```
 *               lean    shedding   refusing
 * eventLoop       -       1 x        8 x      of the configured delay, lasting three looks
 * heap          0.80     0.90       0.96      of V8's limit for the thread, lasting three looks
 * memory        0.80     0.88       0.95      of the process's limit
 * descriptors   0.80     0.90       0.96      of the soft limit
 * connections   0.80       -          -       of limits.connectionsMax, per worker
 * requests        -      0.90         -       of the same
 * ```
 * What helps differs: closing idle connections frees memory and descriptors and no processor time, and connections that are
 * full of idle ones need nothing else. A grade is held down to `HOLD` of its threshold, so that it does not flutter.
 *
 * Memory that is held but does not grow is no danger, and an allocator may hold for long what it was given in a bad
 * moment: such memory calls for no more than lean, or a gateway without a request would go on refusing them.
 */

import { GRADE, type SignalName } from '../../model/threads/load/saturation.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** Of the refusing threshold of an event loop over that of shedding. */
const REFUSING_DELAYS = 8;
/** A grade is held until its signal is below this part of its threshold. */
const HOLD = { eventLoop: 0.5, other: 0.95 };

/** Values from which on the grades lean, shedding and refusing are called for. */
type Thresholds = readonly [lean: number, shedding: number, refusing: number];

const RATIOS: Readonly<Record<Exclude<SignalName, 'eventLoop'>, Thresholds>> = {
  heap: [0.8, 0.9, 0.96],
  memory: [0.8, 0.88, 0.95],
  descriptors: [0.8, 0.9, 0.96],
  connections: [0.8, NEVER, NEVER],
  requests: [NEVER, 0.9, NEVER],
};

/** One thing that can run short, as it is now. */
export interface Signal {
  readonly name: SignalName;
  /** Of the event loop a time in ms, else the used share of a limit. */
  readonly value: number;
  /** It takes more than it did a while ago. Only asked of memory. */
  readonly isGrowing: boolean;
  /** The value in words, with its limit. */
  readonly text: string;
}

/** Numbers of the grades that a signal calls for, and that it lets go of nothing below. */
export interface Call {
  readonly level: number;
  readonly hold: number;
}

/** @param delayMs how late an event loop may be */
export function callOf({ name, value, isGrowing }: Signal, delayMs: number): Call {
  const thresholds: Thresholds = name === 'eventLoop' ? [NEVER, delayMs, REFUSING_DELAYS * delayMs] : RATIOS[name];
  const most = name === 'memory' && !isGrowing ? GRADE.lean : GRADE.refusing;
  const part = name === 'eventLoop' ? HOLD.eventLoop : HOLD.other;
  return {
    level: Math.min(most, reached(value, thresholds, 1)),
    hold: Math.min(most, reached(value, thresholds, part)),
  };
}

/** The highest grade whose threshold the value has reached. */
function reached(value: number, thresholds: Thresholds, part: number): number {
  return thresholds.findLastIndex((threshold) => value >= threshold * part) + 1;
}
