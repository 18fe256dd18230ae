/**
 * What the streams of an HTTP/2 connection need of it.
 */

import type { Asker } from '../forward/sides.ts';

/** @typeParam S a stream of it. */
export interface StreamHome<S> extends Pick<Asker, 'lane' | 'lines'> {
  /** A stream is gone, and everything of it. */
  over(stream: S): void;
  /** The gateway resets a stream, and not because of its client. */
  ownReset(): void;
  /** A client does not take its answer. */
  stalled(): void;
}
