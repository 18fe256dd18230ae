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

/**
 * A window that is changed again and again is changed once, as far as streams are concerned: they go by what it was at its largest, and
 * at the end. So a frame costs O(settings + streams).
 * @param bytes a whole number of settings from `from` to `end` @returns what is wrong with them
 */
export function applySettings(told: Told, bytes: Buffer, from: number, end: number): Code {
  let window = told.sender.streamWindow;
  let largest = window;
  for (let at = from; at < end; at += SETTING_BYTES) {
    const setting = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    const fault = faultOf(setting, value);
    if (fault !== CODE.noError) return fault;
    if (setting === SETTING.headerTableSize) told.sender.encoder.limitTable(value);
    if (setting !== SETTING.initialWindowSize) continue;
    window = value;
    largest = Math.max(largest, value);
  }
  return largest === window && window === told.sender.streamWindow
    ? CODE.noError
    : changeWindows(told, window, largest);
}

function faultOf(setting: number, value: number): Code {
  switch (setting) {
    case SETTING.enablePush:
    case SETTING.enableConnectProtocol:
      return value <= 1 ? CODE.noError : CODE.protocol;
    case SETTING.initialWindowSize:
      return value <= WINDOW_BYTES_MAX ? CODE.noError : CODE.flowControl;
    case SETTING.maxFrameSize:
      return value >= FRAME_BYTES_MAX && value <= FRAME_BYTES_LIMIT ? CODE.noError : CODE.protocol;
    default:
      return CODE.noError;
  }
}

/** Streams that are open keep what they have sent: a window may become smaller than nothing. */
function changeWindows(told: Told, value: number, largest: number): Code {
  const { sender } = told;
  const before = sender.streamWindow;
  sender.streamWindow = value;
  for (const stream of told.openStreams()) {
    if (stream.sendWindow + largest - before > WINDOW_BYTES_MAX) return CODE.flowControl;
    stream.widen(value - before);
  }
  return CODE.noError;
}
