/**
 * What the SLO loop (`controller.ts`) keeps of each rollout, and what it gathers in a turn.
 */

import type { CommandResult, RolloutSpec } from '../../../model/rollout.ts';
import type { Decision } from '../../../model/slo.ts';
import type { Judgement } from '../../judgement.ts';
import type { Region } from '../../regions.ts';
import type { Tape } from '../../replay/tape.ts';
import type { RolloutRun } from '../run.ts';

/** Whether a canary is watched, is not for a while because of a defect (`halt.ts`), or is out. */
export type WatchState =
  | { readonly kind: 'progressing'; readonly judgement: Judgement }
  | {
      readonly kind: 'halted';
      readonly because: string;
      /** When it is judged again. */
      readonly againAtMs: number;
      /** When it is next tried to tell that it stands still: at once, and where that failed at `againAtMs`. */
      readonly tellAtMs: number;
    }
  | { readonly kind: 'rolled-back'; readonly decision: Decision };

/** One rollout as the loop keeps it. */
export interface Watch {
  spec: RolloutSpec;
  state: WatchState;
  run: RolloutRun;
  /** Takes down what both are told; null: nobody keeps tapes, or nothing is judged. */
  tape: Tape | null;
  /** It is new, and starts by itself if its plan says so. */
  isNew: boolean;
  /** Another gateway decides: nothing is judged here, and no tape is kept. */
  isLed: boolean;
}

/** An instant, and the shared memory that is to be read at it. */
export interface Moment {
  readonly nowMs: number;
  readonly regions: readonly Region[];
}

/** What is told of a turn, as it is gathered. */
export interface Told {
  readonly moves: Moving[];
  readonly overruled: Decision[];
  readonly shadows: Decision[];
  readonly refusals: { readonly route: string; readonly detail: string }[];
}

/** A rollout that moved. */
export type Moving = Extract<CommandResult, { kind: 'done' }>;
