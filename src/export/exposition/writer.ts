/**
 * What writes a page in one of the formats: families one after the other, sample by sample, ready in pieces.
 */

import type { Family, Sample } from '../family.ts';

/** One page. */
export interface PageWriter {
  /** About how many bytes `take` would give. */
  readonly waitingBytes: number;
  begin(family: Pick<Family, 'name' | 'help' | 'type'>): void;
  sample(sample: Sample): void;
  /** The family is complete. */
  end(): void;
  /** The page is. */
  close(): void;
  /** What is ready. Nothing of it is given twice. */
  take(): Buffer[];
}
