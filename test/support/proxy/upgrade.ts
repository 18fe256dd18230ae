/**
 * Upgrades for tests: raw requests and answers, WebSocket peers of the `ws` package, and how sessions ended.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { type ClientOptions, WebSocket, WebSocketServer } from 'ws';
import { CELL, SESSION_ENDS } from '#src/model/tallies.ts';
import type { PlaneSketch, TestPlane } from '../plane.ts';
import type { RawUpstream } from '../raw.ts';
import {
  assertQuiet,
  closedSocket,
  endpointWord,
  eventually,
  FIRST_CELL,
  oneVersion,
  perHead,
  planeOf,
  ROUTE_CELL,
  upstreamOf,
} from './running.ts';

/** RFC 6455 section 1.3: the key and the accept value that belongs to it. */
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
const ACCEPT = 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n';

/** What a server says to a key. */
export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** A WebSocket request. @param lines further header lines, each with its CRLF */
export function upgradeRequest(path = '/', lines = '', protocol = 'websocket'): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${KEY}${lines}\r\n`;
}

/** A 101 that accepts it. */
export function switching(lines = '', protocol = 'websocket'): string {
  return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${ACCEPT}${lines}\r\n`;
}

/** A text frame of less than 126 bytes. */
export function textFrame(text: string): string {
  return `\x81${String.fromCharCode(text.length)}${text}`;
}

/** How often the sessions of the first version ended how; only what happened. */
export function endsOf(plane: TestPlane, cell = FIRST_CELL): Record<string, number> {
  const counted = SESSION_ENDS.map((name, n): [string, number] => [name, plane.count(cell, CELL.sessionEnds + n)]);
  return Object.fromEntries(counted.filter(([, count]) => count > 0));
}

export function openSessions(plane: TestPlane, cell = FIRST_CELL): number {
  return plane.count(cell, CELL.sessions);
}

/** Resolves when every session is over; fails unless they ended just so. */
export async function assertEnds(plane: TestPlane, expected: Record<string, number>, cell = FIRST_CELL): Promise<void> {
  const sum = Object.values(expected).reduce((total, count) => total + count, 0);
  const ended = (): number => Object.values(endsOf(plane, cell)).reduce((total, count) => total + count, 0);
  await eventually(() => ended() >= sum && openSessions(plane, cell) === 0, `${sum} sessions over`).catch(
    () => undefined,
  );
  assert.deepEqual({ open: openSessions(plane, cell), ...endsOf(plane, cell) }, { open: 0, ...expected });
}

export interface WebSocketUpstream {
  readonly port: number;
  readonly server: WebSocketServer;
}

/** A real WebSocket server that ends with the test. @param onOpen called for each connection; by default it echoes. */
export async function webSocketUpstream(
  t: TestContext,
  onOpen: (socket: WebSocket) => void = echo,
): Promise<WebSocketUpstream> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', onOpen);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, server };
}

function echo(socket: WebSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

/** A real WebSocket client, open. */
export async function webSocketTo(
  t: TestContext,
  { port }: { readonly port: number },
  options: ClientOptions & { readonly path?: string } = {},
): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${options.path ?? '/'}`, options);
  t.after(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

/** A session of HTTP/2 with a plane, once its settings are known: before, node:http2 does not send `:protocol`. */
export async function http2To(t: TestContext, { port }: { readonly port: number }): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

/** An extended CONNECT, not answered yet. */
export function extendedConnect(session: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): ClientHttp2Stream {
  const stream = session.request(
    { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/', 'sec-websocket-version': '13', ...headers },
    { endStream: false },
  );
  stream.on('error', () => undefined);
  return stream;
}

/** What `ws` has to take a stream for a socket whose handshake is over, as its server does; its types do not tell. */
interface Adopting {
  _isServer: boolean;
  setSocket(socket: unknown, head: Buffer, options: object): void;
}

/** A real WebSocket client on an open tunnel. */
export function webSocketOn(stream: ClientHttp2Stream): WebSocket {
  const socket = new WebSocket(null as unknown as string, undefined, {
    autoPong: true,
    closeTimeout: 30_000,
  } as ClientOptions);
  const adopting = socket as unknown as Adopting;
  adopting._isServer = false;
  adopting.setSocket(stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 2 ** 30 });
  return socket;
}

/** The same over HTTP/2, open. */
export async function webSocketOver(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders = {},
): Promise<WebSocket> {
  const stream = extendedConnect(session, headers);
  const [answer] = (await once(stream, 'response')) as [{ readonly ':status': number }];
  assert.equal(answer[':status'], 200);
  return webSocketOn(stream);
}

/** The code a WebSocket is closed with; 1006 = without a close frame. */
export async function closeCode(socket: WebSocket): Promise<number> {
  // An abnormal end comes with an error besides; the code says as much.
  socket.on('error', () => undefined);
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

/** A plane with one version, and its raw upstream. */
export interface Scene {
  readonly plane: TestPlane;
  readonly upstream: RawUpstream;
}

/** One version whose upstream answers every head with these bytes, at once or byte by byte. */
export async function scene(
  t: TestContext,
  answer: (socket: Socket) => void,
  sketch: Partial<PlaneSketch> = {},
): Promise<Scene> {
  const upstream = await upstreamOf(
    t,
    perHead((socket) => answer(socket)),
  );
  return { upstream, plane: await planeOf(t, { ...oneVersion(upstream.port), ...sketch }) };
}

/** Says it at once. */
export function saying(bytes: string): (socket: Socket) => void {
  return (socket) => void socket.write(Buffer.from(bytes, 'latin1'));
}

/** One byte a turn, so that no two need to arrive together. */
export function dripping(bytes: string): (socket: Socket) => void {
  return (socket) => {
    const all = Buffer.from(bytes, 'latin1');
    const next = (at: number): void => {
      if (at === all.length || socket.destroyed) return;
      socket.write(all.subarray(at, at + 1));
      setImmediate(next, at + 1);
    };
    next(0);
  };
}

/** Everything that was begun is over, and nothing is left open. */
export async function assertOver({ plane, upstream }: Scene): Promise<void> {
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  await eventually(() => endpointWord(plane, upstream.port, 'open') === 0, 'no connection is left');
  await Promise.all(upstream.sockets.map(closedSocket));
  assert.equal(openSessions(plane), 0);
}
