/**
 * One plane and one strict upstream for many conformance cases: sends bytes cut anywhere, tells what both ends saw.
 *
 * The upstream reads with llhttp and answers each complete request with the bytes the case wants, cut anywhere too.
 * Cases run one after another; a cut means two reads, because the event loop turns twice between the writes.
 */

import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { listenLoopback, type PlaneSketch, startPlane, type TestPlane } from '../../plane.ts';
import { oneVersion } from '../../proxy/running.ts';
import { rawClient } from '../../raw.ts';
import { type Message, MessageReader } from './reader.ts';

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** What the upstream does when a request is complete. */
export interface Answer {
  readonly bytes: string;
  /** Where the writes are cut; none = one write. */
  readonly cuts?: readonly number[];
  /** Closes the connection behind the answer, or resets it. */
  readonly end?: 'fin' | 'reset';
}

/** What happened on both sides of the gateway. */
export interface Course {
  /** Requests that the upstream read to their end. */
  readonly upstream: readonly Message[];
  /** Everything that the upstream received. */
  readonly upstreamRaw: string;
  /** Responses that the client read to their end, interim ones included. */
  readonly client: readonly Message[];
  readonly clientRaw: string;
  /** What followed the last complete response. */
  readonly clientPending: string;
}

export interface Wire {
  readonly plane: TestPlane;
  /** Connections to the upstream that are open now. */
  readonly upstreamOpen: () => number;
  /**
   * Sends bytes on a new connection and waits until `responses` complete final responses are there, or, with `Infinity`,
   * until the gateway closes.
   */
  run(bytes: string, how: Run): Promise<Course>;
  close(): Promise<void>;
}

export interface Run {
  readonly answer?: Answer;
  readonly cuts?: readonly number[];
  readonly responses: number;
  /** The request is a HEAD. */
  readonly isHead?: boolean;
  /** The client closes or resets behind its bytes; then responses are waited for until the gateway closes. */
  readonly ending?: 'fin' | 'reset';
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Two turns: whatever phase the loop is in, a read of other sockets lies between. */
async function poll(): Promise<void> {
  await turn();
  await turn();
}

/** Writes bytes in pieces that end at `cuts`. */
async function writeCut(socket: Socket, bytes: Buffer, cuts: readonly number[]): Promise<void> {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    if (cut <= from) continue;
    if (from > 0) await poll();
    if (!socket.writable) return;
    socket.write(bytes.subarray(from, cut));
    from = cut;
  }
}

/** Starts both; `sketch` says more about the plane. */
export async function startWire(sketch: Partial<PlaneSketch> = {}): Promise<Wire> {
  let answer: Answer = { bytes: OK };
  let messages: Message[] = [];
  let raw = '';
  let error = '';
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    open.add(socket);
    const reader = new MessageReader('request');
    let read = 0;
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.on('data', (chunk: Buffer) => {
      raw += chunk.toString('latin1');
      reader.feed(chunk);
      if (reader.error !== '') error = reader.error;
      for (; read < reader.messages.length; read++) {
        messages.push(reader.messages[read] as Message);
        void respond(socket, answer);
      }
    });
  });
  const port = await listenLoopback(server);
  // Idle upstream connections stay: one that goes was ended for a reason.
  const timeouts = { upstreamIdleMs: 600_000, ...sketch.timeouts };
  const plane = await startPlane({ ...oneVersion(port), ...sketch, timeouts });
  return {
    plane,
    upstreamOpen: () => open.size,
    run: async (bytes, how) => {
      answer = how.answer ?? { bytes: OK };
      messages = [];
      raw = '';
      error = '';
      const seen = await exchange(plane.port, bytes, how);
      // A method or coding that llhttp does not know is no fault of the gateway; the fuzz tests list those.
      assert.ok(['', 'HPE_INVALID_METHOD'].includes(error), `the upstream refuses what it got, ${error}: ${raw}`);
      return { ...seen, upstream: messages, upstreamRaw: raw };
    },
    close: async () => {
      plane.close();
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(socket: Socket, { bytes, cuts, end }: Answer): Promise<void> {
  await writeCut(socket, Buffer.from(bytes, 'latin1'), cuts ?? []);
  if (end === undefined) return;
  await poll();
  if (end === 'fin') socket.end();
  else socket.resetAndDestroy();
}

/** Resets a connection whose bytes the other side has had time to read: a reset overtakes what was not. */
async function resetAfterRead(socket: Socket): Promise<void> {
  await poll();
  await poll();
  socket.resetAndDestroy();
}

async function exchange(
  port: number,
  text: string,
  { cuts, responses, isHead, ending }: Run,
): Promise<Pick<Course, 'client' | 'clientRaw' | 'clientPending'>> {
  const client = rawClient(port);
  const reader = new MessageReader('response', () => isHead === true);
  let fed = 0;
  const finals = (received: string): number => {
    reader.feed(Buffer.from(received.slice(fed), 'latin1'));
    fed = received.length;
    return reader.messages.filter(({ status }) => status >= 200).length;
  };
  await writeCut(client.socket, Buffer.from(text, 'latin1'), cuts ?? []);
  if (ending === 'fin') client.socket.end();
  if (ending === 'reset') await resetAfterRead(client.socket);
  if (responses === Number.POSITIVE_INFINITY) await client.closed();
  // A connection that ends before is the case's to judge: it sees fewer responses.
  else await client.until((received) => finals(received) >= responses).catch(() => undefined);
  client.socket.destroy();
  finals(client.received());
  const clientPending = reader.pending;
  reader.end();
  return { client: reader.messages, clientRaw: client.received(), clientPending };
}
