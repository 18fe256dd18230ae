/**
 * The gateway's own HTTP/2 session without the rest of it: given frames by hand, or on a socket with any client at its other end.
 */

import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { beginTurn } from '#src/lib/clock.ts';
import type { Abuse } from '#src/model/threads/load/http2.ts';
import { PREFACE } from '#src/proxy/http2/frames.ts';
import { Output } from '#src/proxy/http2/session/output.ts';
import { Session } from '#src/proxy/http2/session/session.ts';
import type { Http2Stream } from '#src/proxy/http2/session/stream.ts';
import type { SessionEvents, SessionLimits, StreamOwner } from '#src/proxy/http2/session/terms.ts';
import { opening, sessionLimits } from '#src/proxy/http2/settings.ts';
import { type Frame, SETTINGS } from '../../http/http2.ts';
import { LIMITS } from '../limits.ts';

/** The frames in some bytes; throws where the last one is cut. */
export function framesIn(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 9 + bytes.readUIntBE(at, 3);
    if (end > bytes.length) throw new Error(`a frame that is cut at ${at}`);
    const [type, flags] = [bytes[at + 3] as number, bytes[at + 4] as number];
    frames.push({ type, flags, id: bytes.readUInt32BE(at + 5), payload: bytes.subarray(at + 9, end) });
    at = end;
  }
  return frames;
}

/** A wire that takes what it is told to take. */
export class FakeWire {
  waitingBytes = 0;
  /** It takes nothing more at once. */
  isFull = false;
  readonly written: Buffer[] = [];

  writeBytes(bytes: Buffer, from: number, end: number): void {
    this.written.push(Buffer.from(bytes.subarray(from, end)));
    if (this.isFull) this.waitingBytes += end - from;
  }
}

/** An owner that keeps what it is told. */
export class Recorder implements StreamOwner {
  takesNow = true;
  readonly told: string[] = [];
  readonly bytes: Buffer[] = [];

  takes(bytes: Buffer, from: number, end: number, isEnd: boolean): boolean {
    if (!this.takesNow) return false;
    this.bytes.push(Buffer.from(bytes.subarray(from, end)));
    if (isEnd) this.told.push('end');
    return true;
  }

  arrived(): void {
    this.told.push('arrived');
  }

  flushed(): void {
    this.told.push('flushed');
  }

  finished(): void {
    this.told.push('finished');
  }

  closed(detail: string): void {
    this.told.push(`closed ${detail}`);
  }
}

export interface Sketch {
  readonly limits?: Partial<SessionLimits>;
  /** Else each request has an owner that records. */
  begins?(stream: Http2Stream, fields: readonly string[]): void;
}

export interface Scene {
  readonly session: Session;
  readonly wire: FakeWire;
  readonly output: Output;
  /** Requests that were begun. */
  readonly begun: { readonly stream: Http2Stream; readonly fields: readonly string[]; readonly owner: Recorder }[];
  /** Why the session failed. */
  readonly failed: Abuse[];
  /** How often each other event was told. */
  readonly counts: { closes: number; leaves: number; answers: number };
  readonly give: (...frames: readonly Buffer[]) => void;
  /** What was said since the last time. */
  readonly said: () => Frame[];
}

/** A session behind its preface and the client's SETTINGS, unless `first` says otherwise. */
export function sessionScene(
  { limits = {}, ...sketch }: Sketch = {},
  first: readonly Buffer[] = [Buffer.from(PREFACE), SETTINGS],
): Scene {
  beginTurn();
  const wire = new FakeWire();
  const output = new Output(wire);
  const begun: Scene['begun'] = [];
  const failed: Abuse[] = [];
  const counts = { closes: 0, leaves: 0, answers: 0 };
  const events: SessionEvents = {
    begins(stream, fields) {
      const owner = new Recorder();
      stream.owner = owner;
      begun.push({ stream, fields, owner });
      sketch.begins?.(stream, fields);
    },
    closes: () => void counts.closes++,
    // As the connection does.
    fails: (why) => {
      failed.push(why);
      output.close();
    },
    leaves: () => void counts.leaves++,
    answers: () => void counts.answers++,
    breaks: throwIt,
  };
  const session = new Session(output, { ...sessionLimits(LIMITS), ...limits }, events);
  const scene: Scene = {
    session,
    wire,
    output,
    begun,
    failed,
    counts,
    give(...frames) {
      const bytes = Buffer.concat(frames);
      session.take(bytes, 0, bytes.length);
      // Nobody may rely on it.
      bytes.fill(0xee);
    },
    said() {
      output.flush();
      return framesIn(Buffer.concat(wire.written.splice(0)));
    },
  };
  for (const one of first) scene.give(one);
  scene.said();
  return scene;
}

function throwIt(error: unknown): never {
  throw error;
}

/** Serves each connection by a session of ours, and gives a client of the runtime's. */
export async function servedOverSockets(
  t: TestContext,
  begins: (stream: Http2Stream, fields: readonly string[]) => void,
): Promise<ClientHttp2Session> {
  const server = createServer((socket) => serve(socket, begins));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('error', () => undefined);
  t.after(() => {
    client.destroy();
    server.close();
  });
  await once(client, 'remoteSettings');
  return client;
}

function serve(socket: Socket, begins: (stream: Http2Stream, fields: readonly string[]) => void): void {
  const wire = {
    get waitingBytes() {
      return socket.writableNeedDrain ? socket.writableLength : 0;
    },
    writeBytes: (bytes: Buffer, from: number, end: number) => void socket.write(Buffer.from(bytes.subarray(from, end))),
  };
  const output = new Output(wire);
  const session: Session = new Session(output, sessionLimits(LIMITS), {
    begins,
    closes: () => undefined,
    fails: () => socket.end(),
    leaves: () => undefined,
    answers: () => undefined,
    breaks: throwIt,
  });
  output.put(opening(LIMITS));
  socket.on('data', (bytes: Buffer) => {
    beginTurn();
    session.take(bytes, 0, bytes.length);
  });
  socket.on('drain', () => session.sender.drain());
  socket.on('error', () => undefined);
  socket.on('close', () => session.destroy('closed'));
}
