/**
 * What a peer's SETTINGS change for what it is sent.
 * Source: RFC 9113 sections 6.5, 6.9.2; RFC 8441 section 3.
 */

import { CODE, type Code, FRAME_BYTES_LIMIT, FRAME_BYTES_MAX, SETTING, WINDOW_BYTES_MAX } from '../frames.ts';
import type { FrameSender } from './sender.ts';
import type { Http2Stream } from './stream.ts';

/** Of an identifier and its value. */
export const SETTING_BYTES = 6;

/** The session that they are for. */
interface Told {
  readonly sender: Pick<FrameSender, 'encoder' | 'streamWindow'>;
  openStreams(): readonly Pick<Http2Stream, 'sendWindow' | 'widen'>[];
}

/** @param bytes a whole number of settings from `from` to `end` @returns what is wrong with them */
export function applySettings(told: Told, bytes: Buffer, from: number, end: number): Code {
  for (let at = from; at < end; at += SETTING_BYTES) {
    const fault = apply(told, bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
    if (fault !== CODE.noError) return fault;
  }
  return CODE.noError;
}

function apply(told: Told, setting: number, value: number): Code {
  switch (setting) {
    case SETTING.headerTableSize:
      told.sender.encoder.limitTable(value);
      return CODE.noError;
    case SETTING.enablePush:
    case SETTING.enableConnectProtocol:
      return value <= 1 ? CODE.noError : CODE.protocol;
    case SETTING.initialWindowSize:
      return changeWindows(told, value);
    case SETTING.maxFrameSize:
      return value >= FRAME_BYTES_MAX && value <= FRAME_BYTES_LIMIT ? CODE.noError : CODE.protocol;
    default:
      return CODE.noError;
  }
}

/** Streams that are open keep what they have sent: a window may become smaller than nothing. */
function changeWindows(told: Told, value: number): Code {
  if (value > WINDOW_BYTES_MAX) return CODE.flowControl;
  const { sender } = told;
  const byteCount = value - sender.streamWindow;
  sender.streamWindow = value;
  if (byteCount === 0) return CODE.noError;
  for (const stream of told.openStreams()) {
    if (stream.sendWindow + byteCount > WINDOW_BYTES_MAX) return CODE.flowControl;
    stream.widen(byteCount);
  }
  return CODE.noError;
}
