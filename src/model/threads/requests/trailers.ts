/**
 * Limits of what may come behind a body.
 */

export interface TrailerLimits {
  /** Longest trailers of one body in bytes, with their line ends and the empty line, else 400 (502 for a response). */
  readonly trailerBytesMax: number;
  /** Most trailer fields of one body, else the same. */
  readonly trailerCountMax: number;
}

/** What may be configured at most: in memory there is room for so much behind a read. */
export const TRAILER_BYTES_LIMIT = 8192;
