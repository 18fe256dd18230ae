/**
 * What a client's HTTP/2 session is told, and bounded by, from the configuration's limits.
 */

import type { ServerSessionOptions } from 'node:http2';
import type { Limits } from '../../model/config.ts';

/** Fields besides those that count: pseudo-headers, and cookies that come crumb by crumb. */
const PAIRS_SPARE = 260;
/** What each field counts besides its text. Source: RFC 9113 section 6.5.2. */
const FIELD_BYTES = 32;
/** Memory of a session in MB: its streams, its header tables, and what waits in both directions. */
const SESSION_MB = 10;
/** @param limits of the table that is in force; a connection keeps what it was begun with. */
export function sessionOptions(limits: Limits): ServerSessionOptions & { readonly strictSingleValueFields: boolean } {
  const pairs = limits.headerCountMax + PAIRS_SPARE;
  return {
    settings: {
      maxConcurrentStreams: limits.http2StreamsMax,
      // RFC 8441: whether a route takes part is said to each request.
      enableConnectProtocol: true,
      // Above the gateway's own limit, so that what exceeds that one is answered with 431 and not reset.
      maxHeaderListSize: 2 * limits.headBytesMax + pairs * FIELD_BYTES,
    },
    maxHeaderListPairs: pairs,
    maxSessionMemory: SESSION_MB,
    // The frame budget counts these, and is to see them first.
    maxSessionInvalidFrames: 2 * limits.http2AbuseMax,
    maxSessionRejectedStreams: 2 * limits.http2AbuseMax,
    streamResetBurst: 2 * limits.http2AbuseMax,
    // White space around values is refused by `rules.ts`; nghttp2 would leave the field out without a word.
    strictFieldWhitespaceValidation: false,
    // An upstream's answer may repeat fields; what it says is passed on.
    strictSingleValueFields: false,
  };
}
