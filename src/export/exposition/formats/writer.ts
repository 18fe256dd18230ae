/**
 * What writes a page in one of the formats: families one after the other, sample by sample, ready in pieces.
 */

import type { FamilyHead, SampleSink } from '../../family.ts';

/** Size of the pieces, about. Each goes through the event loop, and through gzip's thread, once: smaller ones cost more of both. */
export const PIECE_BYTES = 262_144;

/** One page, and when it is closed and taken, the next one: its memory is used again. */
export interface PageWriter extends SampleSink {
  /** How many bytes `take` would give. */
  readonly waitingBytes: number;
  begin(family: FamilyHead): void;
  /** The family is complete. */
  end(): void;
  /** The page is. */
  close(): void;
  /** What is ready. Nothing of it is given twice, and its memory is written anew from the next call of any other method on. */
  take(): Buffer[];
}
