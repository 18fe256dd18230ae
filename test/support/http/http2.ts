/**
 * HTTP/2 said byte by byte: a writer of frames, and a client that sends what it is told and keeps what it gets.
 * Source: RFC 9113 sections 4.1, 6; RFC 7541 sections 5, 6.2.2.
 */

import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { HTTP2_ABUSES, HTTP2_WORD } from '#src/model/threads/load/http2.ts';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import type { TestPlane } from '../plane.ts';

/** Bounds every wait of a test: reached only when something hangs. */
const HANG_MS = 60_000;

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const HAS_PRIORITY = 32;

export const ERROR = {
  none: 0,
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

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, id: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(id, 5);
  return Buffer.concat([header, payload]);
}

export type Fields = readonly (readonly [name: string, value: string])[];

/** A header block of literals, neither indexed nor compressed. */
export function block(fields: Fields): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const { length } = bytes;
  if (length < 127) return Buffer.concat([Buffer.from([length]), bytes]);
  const prefix = [127];
  let left = length - 127;
  for (; left >= 128; left >>= 7) prefix.push((left & 127) | 128);
  return Buffer.concat([Buffer.from([...prefix, left]), bytes]);
}

/** Pseudo-headers of a request; others behind them. */
export function request(method: string, path: string, more: Fields = []): Fields {
  return [[':method', method], [':scheme', 'http'], [':authority', 'a'], [':path', path], ...more];
}

export const GET: Fields = request('GET', '/');

export function headers(id: number, fields: Fields, flags = END_STREAM | END_HEADERS): Buffer {
  return frame(TYPE.headers, flags, id, block(fields));
}

export function data(id: number, payload: string | Buffer, flags = END_STREAM): Buffer {
  return frame(TYPE.data, flags, id, Buffer.from(payload));
}

export function word(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number >>> 0);
  return bytes;
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

export const SETTINGS = frame(TYPE.settings, 0, 0);
export const PING = frame(TYPE.ping, 0, 0, Buffer.alloc(8));

export interface RawHttp2 {
  readonly socket: Socket;
  /** Frames that came so far. */
  readonly frames: readonly Frame[];
  send(...parts: readonly Buffer[]): void;
  /** Resolves when the frames that came fulfil it; rejects when the connection closes before. */
  until(holds: (frames: readonly Frame[]) => boolean): Promise<readonly Frame[]>;
  /** Resolves with all frames when the other side has closed. */
  closed(): Promise<readonly Frame[]>;
}

/** Connects and sends `first`. The other side's settings are acknowledged, unless they are not to be. */
export function rawHttp2(
  t: Pick<TestContext, 'after'>,
  port: number,
  first: readonly Buffer[] = [Buffer.from(PREFACE), SETTINGS],
  acknowledges = true,
): RawHttp2 {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  t.after(() => socket.destroy());
  const frames: Frame[] = [];
  let rest = Buffer.alloc(0);
  let isClosed = false;
  let changed: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      const end = 9 + rest.readUIntBE(0, 3);
      const one = {
        type: rest[3] as number,
        flags: rest[4] as number,
        id: rest.readUInt32BE(5),
        payload: rest.subarray(9, end),
      };
      frames.push(one);
      if (acknowledges && one.type === TYPE.settings && one.flags === 0) socket.write(frame(TYPE.settings, ACK, 0));
      rest = rest.subarray(end);
    }
    changed();
  });
  const close = (): void => {
    isClosed = true;
    changed();
  };
  socket.on('error', close);
  socket.on('close', close);
  const wait = (what: string, done: () => boolean, failed: () => boolean): Promise<readonly Frame[]> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`hangs waiting for ${what}: ${shown(frames)}`)), HANG_MS);
      changed = () => {
        if (!done() && !failed()) return;
        clearTimeout(timer);
        changed = () => undefined;
        if (done()) resolve(frames);
        else reject(new Error(`closed waiting for ${what}: ${shown(frames)}`));
      };
      changed();
    });
  for (const part of first) socket.write(part);
  return {
    socket,
    frames,
    send: (...parts) => void socket.write(Buffer.concat(parts)),
    until: (holds) =>
      wait(
        'frames',
        () => holds(frames),
        () => isClosed,
      ),
    closed: () =>
      wait(
        'the end',
        () => isClosed,
        () => false,
      ),
  };
}

/** `HEADERS 1, DATA 1, RST_STREAM 3 (8), GOAWAY (11)`, without what is not about requests. */
export function shown(frames: readonly Frame[]): string {
  const names = Object.entries(TYPE);
  const told = frames.filter(({ type }) => type !== TYPE.settings && type !== TYPE.window);
  return told
    .map(({ type, id, payload }) => {
      const name = names.find(([, number]) => number === type)?.[0] ?? String(type);
      if (type === TYPE.reset) return `reset ${id} (${payload.readUInt32BE(0)})`;
      if (type === TYPE.goaway) return `goaway (${payload.readUInt32BE(4)})`;
      return `${name} ${id}`;
    })
    .join(', ');
}

/** The error code of the first reset of a stream, or null. */
export function resetOf(frames: readonly Frame[], id: number): number | null {
  const reset = frames.find((one) => one.type === TYPE.reset && one.id === id);
  return reset === undefined ? null : reset.payload.readUInt32BE(0);
}

/** The error code of the last GOAWAY, or null. */
export function goawayOf(frames: readonly Frame[]): number | null {
  const goaway = frames.findLast((one) => one.type === TYPE.goaway);
  return goaway === undefined ? null : goaway.payload.readUInt32BE(4);
}

/** Whether a stream's answer is complete. */
export function isAnswered(frames: readonly Frame[], id: number): boolean {
  return frames.some(({ type, flags, id: of }) => {
    return of === id && (type === TYPE.headers || type === TYPE.data) && (flags & END_STREAM) !== 0;
  });
}

/** What HTTP/2 connections of a plane were closed for, without what none was. */
export function abusesOf({ count }: Pick<TestPlane, 'count'>): Record<string, number> {
  const counts = HTTP2_ABUSES.map(
    (kind, n) => [kind, count(GATEWAY_CELL, CELL.http2 + HTTP2_WORD.abuses + n)] as const,
  );
  return Object.fromEntries(counts.filter(([, number]) => number > 0));
}
