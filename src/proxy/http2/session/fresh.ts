/**
 * Streams whose owners are to hear that something is kept, once all of a read was looked at: bodies that come in little frames go
 * on together. Hot path.
 */

import type { StreamOwner } from './terms.ts';

/** As far as a stream is told of. */
interface Fresh {
  /** Its owner is to hear of it. */
  isFresh: boolean;
  readonly isReset: boolean;
  readonly owner: Pick<StreamOwner, 'arrived'> | null;
}

export class FreshStreams {
  #streams: Fresh[] = [];

  /** Adding one that is in it does nothing. */
  add(stream: Fresh): void {
    if (stream.isFresh) return;
    stream.isFresh = true;
    this.#streams.push(stream);
  }

  /** Tells the owners of those that were not reset since. What is added meanwhile waits for the next time. */
  tellAll(): void {
    const streams = this.#streams;
    if (streams.length === 0) return;
    this.#streams = [];
    for (const stream of streams) {
      stream.isFresh = false;
      if (!stream.isReset) stream.owner?.arrived();
    }
  }
}
