/**
 * Clients that leave at random points: within a head, within a body, before a response, within one, or behind it.
 *
 * The upstream serves every kind; which kind, where and how a client leaves comes from a seed.
 */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { Random } from '#src/lib/random.ts';
import { listenLoopback } from '../plane.ts';

/** Requests by the point at which their client leaves; the last are cut anywhere. */
const REQUESTS = [
  'GET /ok HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /never HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /part HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /chunks HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /big HTTP/1.1\r\nHost: a\r\n\r\n',
  'HEAD /ok HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /reset HTTP/1.1\r\nHost: a\r\n\r\n',
  'GET /junk HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
  'POST /never HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  'POST /early HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello',
  'GET /ok HTTP/1.1\r\nHost: a\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\nGET /ok HTTP/1.1\r\nHost: a\r\n\r\n',
  'BAD\r\n\r\n',
] as const;

const PART = 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\npart';
const CHUNKS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n';
const BIG = `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${'x'.repeat(300_000)}`;
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

const ANSWERS: Readonly<Record<string, (socket: Socket) => void>> = {
  '/ok': (socket) => socket.write(OK),
  '/part': (socket) => socket.write(PART),
  '/chunks': (socket) => socket.write(CHUNKS),
  '/big': (socket) => socket.write(BIG),
  '/early': (socket) => socket.write(OK),
  '/reset': (socket) => socket.resetAndDestroy(),
  '/junk': (socket) => socket.write('HELLO\r\n\r\n'),
};

export interface LeavingUpstream {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: () => number;
  close(): Promise<void>;
}

/** An upstream that serves every kind and keeps nothing of what it receives. */
export async function startLeavingUpstream(): Promise<LeavingUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      // Not at line starts only: the end of a body may come together with the next request.
      for (const [, path] of chunk.toString('latin1').matchAll(/(?:GET|HEAD|POST) (\/[a-z]+) HTTP/g)) {
        if (path !== undefined && socket.writable) ANSWERS[path]?.(socket);
      }
    });
  });
  return {
    port: await listenLoopback(server),
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The same for a test; it ends with it. */
export async function leavingUpstream(t: TestContext): Promise<LeavingUpstream> {
  const upstream = await startLeavingUpstream();
  t.after(() => upstream.close());
  return upstream;
}

/** How the system sees the connections of a port on this machine, one a line; empty where it does not tell. */
export function connectionsOf(port: number): string {
  try {
    const hex = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
    const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1);
    // Local and remote address, state (1 established, 4 and 5 FIN was sent, 8 FIN was received), bytes that wait.
    const fields = rows.map((row) => row.trim().split(/\s+/).slice(1, 5));
    return fields.flatMap((row) => (row.some((field) => field.endsWith(hex)) ? [row.join(' ')] : [])).join('\n');
  } catch {
    return '';
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One client that comes and leaves. */
async function visit(port: number, random: Random): Promise<void> {
  const draw = (below: number): number => random.nextUint32() % below;
  const request = REQUESTS[draw(REQUESTS.length)] as string;
  // A third is cut anywhere, the others are whole.
  const end = draw(3) === 0 ? 1 + draw(request.length) : request.length;
  const leaves = draw(4);
  const turns = draw(4);
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  socket.on('error', () => socket.destroy());
  const closed = once(socket, 'close');
  socket.write(request.slice(0, end), 'latin1');
  if (leaves === 0) socket.once('data', () => socket.destroy());
  else socket.resume();
  // Whoever waits for data leaves all the same when none comes.
  for (let n = 0; n < turns + (leaves === 0 ? 20 : 0) && !socket.destroyed; n++) await turn();
  if (leaves === 1) socket.resetAndDestroy();
  else if (leaves === 2) socket.end();
  else socket.destroy();
  // A half-closed connection ends when the gateway has taken notice.
  await closed;
}

/** Lets `count` clients come and leave, `atOnce` at a time. */
export async function leaveMany(port: number, random: Random, count: number, atOnce: number): Promise<void> {
  let left = count;
  const loop = async (): Promise<void> => {
    while (left-- > 0) await visit(port, random);
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
}
