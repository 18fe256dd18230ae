/**
 * HTTP/2 towards clients: what is configured of it, and what is counted besides what is counted of every request.
 */

import type { ListenerConfig } from '../tls.ts';

/** Limits of a client's HTTP/2 connection. */
export interface Http2Limits {
  /** Most streams that are open at a time; further ones are refused. */
  readonly http2StreamsMax: number;
  /** Most frames of a kind that costs more than it brings, at once; then the connection is closed. */
  readonly http2AbuseMax: number;
}

/** Whether a listener speaks HTTP/2: with TLS if nothing is said, as clients choose by ALPN; without only where it is asked for. */
export function speaksHttp2({ tls, http2 }: ListenerConfig): boolean {
  return http2 ?? tls !== undefined;
}

/**
 * Why the gateway closed a connection with GOAWAY and an error. The first ones are budgets of frames (`limits.http2AbuseMax`,
 * docs/HTTP2.md): `resets`: streams that the client began and took back (CVE-2023-44487). `forced_resets`: streams that it made
 * the gateway reset: malformed requests, more than may be open, frames that a stream may not have (CVE-2025-8671).
 * `priorities`: frames about priority, and of unknown types. `empty_frames`: DATA without data that ends nothing.
 * `continuations`: a header block in too many frames, or too long. `stalled`: something was begun and not completed in time, our
 * SETTINGS were not acknowledged, or nothing was read. `protocol`: a connection error. The order is that of the words in shared
 * memory; new ones go to the end.
 */
export const HTTP2_ABUSES = [
  'resets',
  'forced_resets',
  'pings',
  'settings',
  'priorities',
  'window_updates',
  'empty_frames',
  'continuations',
  'stalled',
  'protocol',
] as const;

/** Numbers of `HTTP2_ABUSES` by name. */
export const ABUSE = {
  resets: 0,
  forcedResets: 1,
  pings: 2,
  settings: 3,
  priorities: 4,
  windowUpdates: 5,
  emptyFrames: 6,
  continuations: 7,
  stalled: 8,
  protocol: 9,
} as const;

export type Abuse = (typeof ABUSE)[keyof typeof ABUSE];

/** Words of the gateway's cell from `CELL.http2`: connections, their requests, then connections closed by `HTTP2_ABUSES`. */
export const HTTP2_WORD = { connections: 0, requests: 1, abuses: 2 } as const;
export const HTTP2_WORDS = HTTP2_WORD.abuses + HTTP2_ABUSES.length;
