/**
 * Endpoints that speak HTTP/2: the runtime's server, and one that sends exactly the frames that it is told to.
 */

import {
  createServer as createHttp2,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { listenLoopback, type PlaneSketch, type RouteSketch } from '../plane.ts';

export interface Http2Endpoint {
  readonly port: number;
  readonly server: Http2Server;
  readonly sessions: ServerHttp2Session[];
}

/** @param answer gets the fields as they came, names and values by turns */
export async function http2EndpointOf(
  t: TestContext,
  answer: (stream: ServerHttp2Stream, raw: readonly string[]) => void,
  options: Parameters<typeof createHttp2>[0] = {},
): Promise<Http2Endpoint> {
  const server = createHttp2(options);
  const sessions: ServerHttp2Session[] = [];
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => undefined);
  });
  server.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: string[]) => {
    stream.on('error', () => undefined);
    answer(stream, raw);
  });
  const port = await listenLoopback(server);
  t.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port, server, sessions };
}

/** The first value of a field, or an empty text. */
export function fieldIn(raw: readonly string[], name: string): string {
  const at = raw.findIndex((one, n) => n % 2 === 0 && one === name);
  return at < 0 ? '' : (raw[at + 1] as string);
}

/** One route to one version on these ports, without retries unless `route` says otherwise. */
export function oneHttp2(ports: readonly number[], route: Partial<RouteSketch> = {}): PlaneSketch {
  const versions = [{ name: 'v1', ports, weight: 1, protocol: 'h2c' as const }];
  return { routes: [{ versions, retry: { retriesMax: 0 }, ...route }] };
}

// ── frames ────────────────────────────────────────────────────────────────────────────────────────────────────────

export const TYPE = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, window: 8 } as const;
export const END_STREAM = 1;
export const ACK = 1;
const END_HEADERS = 4;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const HEAD_BYTES = 9;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, id: number, payload: Buffer | string = ''): Buffer {
  const body = Buffer.from(payload as string, 'latin1');
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, body]);
}

/** A field block without compression; names and values shorter than 127 bytes. */
export function block(fields: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) {
    for (const text of [name, value]) {
      if (text === name) parts.push(Buffer.from([0]));
      parts.push(Buffer.from([text.length]), Buffer.from(text, 'latin1'));
    }
  }
  return Buffer.concat(parts);
}

export function headers(id: number, fields: Readonly<Record<string, string>>, flags = 0): Buffer {
  return frame(TYPE.headers, END_HEADERS | flags, id, block(fields));
}

export function reset(id: number, code: number): Buffer {
  return frame(TYPE.reset, 0, id, word(code));
}

export function goaway(lastId: number, code = 0): Buffer {
  return frame(TYPE.goaway, 0, 0, Buffer.concat([word(lastId), word(code)]));
}

/** @param settings numbers and values */
export function settings(values: readonly (readonly [number, number])[] = []): Buffer {
  const parts = values.map(([key, value]) => {
    const part = Buffer.alloc(6);
    part.writeUInt16BE(key, 0);
    part.writeUInt32BE(value, 2);
    return part;
  });
  return frame(TYPE.settings, 0, 0, Buffer.concat(parts));
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export interface RawHttp2 {
  readonly port: number;
  readonly sockets: Socket[];
  /** Everything that came, on any connection. */
  readonly frames: Frame[];
}

/** What a raw endpoint does. */
export interface Script {
  /** Sent as soon as it is connected; default empty SETTINGS. */
  readonly first?: Buffer;
  /** Nothing is read or written before this is settled; default at once. */
  readonly opening?: () => Promise<void>;
  /** Every frame but SETTINGS, which are acknowledged, and PING, which is if `answersPing` says nothing else. */
  readonly on?: (socket: Socket, frame: Frame) => void;
  readonly answersPing?: boolean;
  /** Its half of a connection stays open when the other has ended. */
  readonly isHalfOpen?: boolean;
}

export async function rawHttp2Of(t: TestContext, script: Script): Promise<RawHttp2> {
  const sockets: Socket[] = [];
  const frames: Frame[] = [];
  const server = createServer({ noDelay: true, allowHalfOpen: script.isHalfOpen === true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    const begin = (): void => {
      socket.write(script.first ?? settings());
      const read = frameReader();
      socket.on('data', (chunk: Buffer) => {
        for (const one of read(chunk)) {
          frames.push(one);
          react(socket, one, script);
        }
      });
    };
    if (script.opening === undefined) begin();
    else void script.opening().then(begin);
  });
  const port = await listenLoopback(server);
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port, sockets, frames };
}

function react(socket: Socket, one: Frame, { on, answersPing = true }: Script): void {
  const isAck = (one.flags & ACK) !== 0;
  if (one.type === TYPE.settings) {
    if (!isAck) socket.write(frame(TYPE.settings, ACK, 0));
  } else if (one.type !== TYPE.ping) on?.(socket, one);
  else if (answersPing && !isAck) socket.write(frame(TYPE.ping, ACK, 0, one.payload));
}

/** Cuts what a client sends into frames, behind its preface. */
function frameReader(): (chunk: Buffer) => Frame[] {
  let bytes = Buffer.alloc(0);
  let skipped = 0;
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    const skip = Math.min(PREFACE.length - skipped, bytes.length);
    skipped += skip;
    bytes = bytes.subarray(skip);
    const frames: Frame[] = [];
    while (bytes.length >= HEAD_BYTES && bytes.length >= HEAD_BYTES + bytes.readUIntBE(0, 3)) {
      const end = HEAD_BYTES + bytes.readUIntBE(0, 3);
      const [type, flags] = [bytes[3] as number, bytes[4] as number];
      frames.push({ type, flags, id: bytes.readUInt32BE(5), payload: Buffer.from(bytes.subarray(HEAD_BYTES, end)) });
      bytes = bytes.subarray(end);
    }
    return frames;
  };
}

/** A script that answers each request's head with these bytes of its stream. */
export function perRequest(answer: (id: number, socket: Socket, nth: number) => Buffer): Pick<Script, 'on'> {
  let count = 0;
  return {
    on: (socket, { type, id }) => {
      if (type === TYPE.headers) socket.write(answer(id, socket, ++count));
    },
  };
}
