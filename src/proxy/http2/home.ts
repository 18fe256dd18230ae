/**
 * What the streams of an HTTP/2 connection need of it.
 */

import type { Asker } from '../forward/sides.ts';

export interface StreamHome extends Pick<Asker, 'lane' | 'lines'> {
  /** A client does not take its answer. */
  stalled(): void;
}
