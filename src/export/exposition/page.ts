/**
 * Renders a page in slices: pieces come out as they are ready, and none is made before the one before was taken.
 */

import type { Family, Reading } from '../family.ts';
import type { Slices } from './slices.ts';
import type { PageWriter } from './writer.ts';

/** Size of the pieces, about. */
export const PIECE_BYTES = 65_536;
/** Samples of one family on a page: more than a full configuration has of any (docs/METRICS.md). */
export const SAMPLES_MAX = 1_000_000;
/** Looking at the clock is dearer than most samples. */
const SAMPLES_PER_LOOK = 32;

/** What a page is made of. */
export interface PageParts {
  readonly families: readonly Family[];
  readonly reading: Reading;
  readonly writer: PageWriter;
  readonly slices: Slices;
  /** Told of each sample that had no room. */
  readonly onLeftOut: () => void;
  /** Another limit, for tests. */
  readonly samplesMax?: number;
}

/** Pieces of a page, in order. Rejects with what a family throws. */
export async function* renderPage(parts: PageParts): AsyncGenerator<Buffer> {
  const { families, reading, writer, slices, onLeftOut, samplesMax = SAMPLES_MAX } = parts;
  await slices.next();
  for (const family of families) {
    writer.begin(family);
    let count = 0;
    for (const sample of family.collect(reading)) {
      count += 1;
      if (count <= samplesMax) writer.sample(sample);
      else onLeftOut();
      if (count % SAMPLES_PER_LOOK !== 0) continue;
      if (writer.waitingBytes >= PIECE_BYTES) yield* writer.take();
      if (slices.isOver) await slices.next();
    }
    writer.end();
    if (writer.waitingBytes >= PIECE_BYTES) yield* writer.take();
    if (slices.isOver) await slices.next();
  }
  writer.close();
  yield* writer.take();
}
