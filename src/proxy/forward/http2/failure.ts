/**
 * Why an attempt over HTTP/2 failed, as one of the reasons that every attempt fails by. Pure.
 *
 * A stream that the endpoint says it has not looked at, by REFUSED_STREAM or by a GOAWAY below its number, may be sent again
 * whatever its method is.
 * Source: RFC 9113 sections 5.4, 6.8, 7, 8.7.
 */

import { constants } from 'node:http2';
import { REASON, type Reason } from '../../../model/reason.ts';

/** What is known when a stream is over before its time. */
export interface Ending {
  /** Of RST_STREAM, whoever sent it. */
  readonly code: number;
  /** The runtime's, if it had one. */
  readonly error: NodeJS.ErrnoException | null;
  /** The connection is gone, and the stream with it. */
  readonly isLost: boolean;
  /** The endpoint said that it has not looked at the request. */
  readonly isUnprocessed: boolean;
  /** The final head had come. */
  readonly isAnswered: boolean;
}

export interface Failure {
  readonly reason: Reason;
  readonly detail: string;
}

/** An error of the protocol, found by the runtime. */
const PROTOCOL_ERROR = 'ERR_HTTP2_ERROR';

const BROKEN_RULES: ReadonlySet<number> = new Set([
  constants.NGHTTP2_PROTOCOL_ERROR,
  constants.NGHTTP2_FLOW_CONTROL_ERROR,
  constants.NGHTTP2_FRAME_SIZE_ERROR,
  constants.NGHTTP2_COMPRESSION_ERROR,
  constants.NGHTTP2_HTTP_1_1_REQUIRED,
]);

const NAMES: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** `CANCEL`, or the number of a code that has no name. Source: RFC 9113 section 7. */
export function codeName(code: number): string {
  return NAMES[code] ?? `code ${code}`;
}

/** Why a stream that was not completed has failed. */
export function failureOf({ code, error, isLost, isUnprocessed, isAnswered }: Ending): Failure {
  const isRefused = isUnprocessed || (!isLost && code === constants.NGHTTP2_REFUSED_STREAM);
  if (isRefused && !isAnswered) {
    return {
      reason: REASON.streamRefused,
      detail: isUnprocessed ? 'GOAWAY before it was looked at' : 'REFUSED_STREAM',
    };
  }
  const where = isAnswered ? 'within the response' : 'before the response';
  if (error?.code === PROTOCOL_ERROR) return { reason: REASON.upstreamProtocol, detail: `${error.message} ${where}` };
  if (!isLost && BROKEN_RULES.has(code)) {
    return { reason: REASON.upstreamProtocol, detail: `RST_STREAM ${codeName(code)} ${where}` };
  }
  const what = isLost ? (error?.code ?? 'closed') : `RST_STREAM ${codeName(code)}`;
  return { reason: isAnswered ? REASON.upstreamTruncated : REASON.upstreamReset, detail: `${what} ${where}` };
}
