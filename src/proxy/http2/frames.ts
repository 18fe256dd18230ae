/**
 * The frames of HTTP/2: types, flags, settings and codes, and how a frame begins. For either end of a connection.
 * Source: RFC 9113 sections 3.4, 4.1, 6, 7; RFC 8441 section 3.
 */

/** What a client begins with. */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

/** Bits of a frame's flags. */
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  enableConnectProtocol: 8,
} as const;

/** Why a stream or a connection ends. */
export const CODE = {
  noError: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSize: 6,
  refused: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
} as const;

export type Code = (typeof CODE)[keyof typeof CODE];

/** Of what stands before each frame. */
export const HEADER_BYTES = 9;
/** What a frame may hold unless its receiver allows more. We allow no more, and send no more: it is a record of TLS as well. */
export const FRAME_BYTES_MAX = 16_384;
export const FRAME_BYTES_LIMIT = 2 ** 24 - 1;
/** A window at its beginning, and at the most. */
export const WINDOW_BYTES = 65_535;
export const WINDOW_BYTES_MAX = 2 ** 31 - 1;
/** Bytes that were taken before a window is opened for them, of a stream or all: updates are few, and the peer never waits for one. */
export const UPDATE_BYTES = WINDOW_BYTES >>> 1;
/** Highest number that a stream may have. */
export const STREAM_ID_MAX = 2 ** 31 - 1;

/** What stands before a frame. */
export interface FrameHead {
  /** Of what follows. */
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly id: number;
}

/** Writes 32 bits. @returns where they end */
export function putWord(into: Uint8Array, at: number, value: number): number {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
  return at + 4;
}

/** The 31 bits behind a bit that says something else, or nothing. */
export function wordAt(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) & 0x7f) << 24;
  return high | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
}
