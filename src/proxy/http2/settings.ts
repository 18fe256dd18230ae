/**
 * What a client is told when its HTTP/2 connection begins, and what its header blocks are bounded by, from the configuration's limits.
 */

import type { Limits } from '../../model/config.ts';
import { FRAME, HEADER_BYTES, putWord, SETTING, WINDOW_BYTES } from './frames.ts';
import type { FieldLimits } from './hpack/decoder.ts';
import { putHead } from './session/output.ts';
import type { SessionLimits } from './session/terms.ts';

/** Fields besides those that count: pseudo-headers, and cookies that come crumb by crumb. */
const PAIRS_SPARE = 260;
/** What each field counts besides its text. Source: RFC 9113 section 6.5.2. */
const FIELD_BYTES = 32;
/** Of an identifier and its value. */
const SETTING_BYTES = 6;
const UPDATE_BYTES = 4;
/**
 * What all streams of a connection together may have sent that nobody has taken yet: up to seven that stand still hold nobody else
 * up. The window of a stream stays what every client takes it for.
 */
const CONNECTION_WINDOW_BYTES = 8 * WINDOW_BYTES;

/** What a block may hold, above the gateway's own limits: what exceeds those is answered with 431 and not reset. */
function fieldLimits({ headerCountMax, headBytesMax }: Limits): FieldLimits {
  const countMax = headerCountMax + PAIRS_SPARE;
  return { countMax, listBytesMax: 2 * headBytesMax + countMax * FIELD_BYTES };
}

/** @param limits of the table that is in force; a connection keeps what it was begun with. */
export function sessionLimits(limits: Limits): SessionLimits {
  const { http2AbuseMax, http2StreamsMax, headBytesMax } = limits;
  return {
    http2AbuseMax,
    headBytesMax,
    streamsMax: http2StreamsMax,
    fields: fieldLimits(limits),
    windowBytes: CONNECTION_WINDOW_BYTES,
  };
}

/** The frames that a connection begins with: SETTINGS, and the window of the connection. */
export function opening(limits: Limits): Buffer {
  const settings = [
    [SETTING.maxConcurrentStreams, limits.http2StreamsMax],
    [SETTING.maxHeaderListSize, fieldLimits(limits).listBytesMax],
    // RFC 8441: whether a route takes part is said to each request.
    [SETTING.enableConnectProtocol, 1],
  ] as const;
  const bytes = Buffer.alloc(HEADER_BYTES + settings.length * SETTING_BYTES + HEADER_BYTES + UPDATE_BYTES);
  let at = putHead(bytes, 0, { length: settings.length * SETTING_BYTES, type: FRAME.settings, flags: 0, id: 0 });
  for (const [id, value] of settings) at = putWord(bytes, bytes.writeUInt16BE(id, at), value);
  at = putHead(bytes, at, { length: UPDATE_BYTES, type: FRAME.windowUpdate, flags: 0, id: 0 });
  putWord(bytes, at, CONNECTION_WINDOW_BYTES - WINDOW_BYTES);
  return bytes;
}
