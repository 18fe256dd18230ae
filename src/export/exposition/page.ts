/**
 * Renders a page in slices: pieces come out as they are ready, and none is made before the one before was taken.
 */

import { nowMs } from '../../lib/clock.ts';
import { type Family, type HistogramValue, inRows, type Reading, type SampleSink } from '../family.ts';
import { type PageWriter, PIECE_BYTES } from './formats/writer.ts';
import type { LabelSet } from './labels.ts';
import type { Slices } from './slices.ts';

/** Samples of one family on a page: more than a full configuration has of any (docs/METRICS.md). */
export const SAMPLES_MAX = 1_000_000;
/** Looking at the clock is dearer than most rows, which are samples of one version. */
const ROWS_PER_LOOK = 16;

/** What a page is made of. */
export interface PageParts {
  readonly families: readonly Family[];
  readonly reading: Reading;
  readonly writer: PageWriter;
  readonly slices: Slices;
  /** From when on there is no time for rests, by `lib/clock.ts`. */
  readonly hurriesAtMs: number;
  /** Told of each sample that had no room. */
  readonly onLeftOut: () => void;
  /** Another limit, for tests. */
  readonly samplesMax?: number;
}

/** Pieces of a page, in order. A piece is good until the next one is asked for. Rejects with what a family throws. */
export async function* renderPage(parts: PageParts): AsyncGenerator<Buffer> {
  const { families, reading, writer, slices, hurriesAtMs, onLeftOut, samplesMax = SAMPLES_MAX } = parts;
  const next = (): Promise<void> => slices.next(nowMs() >= hurriesAtMs);
  await next();
  for (const family of families.map(inRows)) {
    const sink = new Limited(writer, samplesMax, onLeftOut);
    writer.begin(family);
    const rows = family.rows(reading);
    // By number: an iterator that is held over a wait makes an object for each step.
    for (let n = 0; n < rows.length; n++) {
      family.write(rows[n], sink, reading);
      if (n % ROWS_PER_LOOK !== 0) continue;
      if (writer.waitingBytes >= PIECE_BYTES) yield* writer.take();
      if (slices.isOver) await next();
    }
    writer.end();
    if (writer.waitingBytes >= PIECE_BYTES) yield* writer.take();
    if (slices.isOver) await next();
  }
  writer.close();
  yield* writer.take();
}

/** Takes so many samples of a family. */
class Limited implements SampleSink {
  readonly #writer: PageWriter;
  readonly #onLeftOut: () => void;
  #room: number;

  constructor(writer: PageWriter, room: number, onLeftOut: () => void) {
    this.#writer = writer;
    this.#room = room;
    this.#onLeftOut = onLeftOut;
  }

  add(labels: LabelSet, shared: LabelSet, value: number | HistogramValue): void {
    this.#room -= 1;
    if (this.#room >= 0) this.#writer.add(labels, shared, value);
    else this.#onLeftOut();
  }
}
