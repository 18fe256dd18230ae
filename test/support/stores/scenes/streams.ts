/**
 * Streams that stay open while something happens to a gateway: server-sent events over HTTP/1.1, WebSocket, streams of HTTP/2.
 *
 * Each brings numbers that count up from 0, so that one that was cut, or lost a part, shows.
 */

import { createServer, get, type Server } from 'node:http';
import { connect } from 'node:http2';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../../gateway.ts';
import { listenLoopback } from '../../plane.ts';

const NUMBER_MS = 50;

/** Where the streams come from. */
export interface Numbers {
  readonly port: number;
  close(): void;
}

/** A stream that is read. */
export interface Stream {
  readonly kind: 'events' | 'websocket' | 'http2';
  /** How many numbers came. */
  count(): number;
  /** It is open still, and every number came in its turn. */
  isWhole(): boolean;
  end(): void;
}

/** Answers every request, and every WebSocket, with a number now and then, for ever. */
export async function startNumbers(): Promise<Numbers> {
  const server: Server = createServer((_incoming, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
    outgoing.on(
      'close',
      countUp((n) => outgoing.write(`data: ${n}\n\n`)),
    );
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) =>
    socket.on(
      'close',
      countUp((n) => socket.send(`data: ${n}\n\n`)),
    ),
  );
  return {
    port: await listenLoopback(server),
    close: () => {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Opens `each` streams of every kind; resolves when all have brought something. @param url of the gateway, with the path */
export async function openStreams(url: string, each: number): Promise<readonly Stream[]> {
  const times = Array.from({ length: each });
  const { origin, pathname } = new URL(url);
  const session = connect(origin);
  const streams = [
    ...times.map(() => events(url)),
    ...times.map(() => webSocket(url)),
    ...times.map(() => http2(session, pathname)),
  ];
  await until('every stream has begun', () => streams.every((stream) => stream.count() > 0));
  return streams;
}

/** Returns what ends it. */
function countUp(say: (n: number) => void): () => void {
  let count = 0;
  say(count);
  const timer = setInterval(() => say(++count), NUMBER_MS);
  return () => clearInterval(timer);
}

/** Takes what comes of a stream and keeps account of it. */
class Reading {
  #rest = '';
  #isInOrder = true;
  #isOver = false;
  count = 0;

  take(chunk: Buffer | string): void {
    const parts = (this.#rest + String(chunk)).split('\n\n');
    this.#rest = parts.pop() as string;
    for (const part of parts) this.#isInOrder &&= part === `data: ${this.count++}`;
  }

  over(): void {
    this.#isOver = true;
  }

  get isWhole(): boolean {
    return !this.#isOver && this.#isInOrder && this.count > 0;
  }
}

function streamOf(kind: Stream['kind'], reading: Reading, end: () => void): Stream {
  return { kind, count: () => reading.count, isWhole: () => reading.isWhole, end };
}

function events(url: string): Stream {
  const reading = new Reading();
  const asked = get(url, (response) => {
    response.on('data', (chunk: Buffer) => reading.take(chunk));
    response.on('close', () => reading.over());
  });
  asked.on('error', () => reading.over());
  return streamOf('events', reading, () => asked.destroy());
}

function webSocket(url: string): Stream {
  const reading = new Reading();
  const socket = new WebSocket(url.replace('http:', 'ws:'));
  socket.on('message', (data: Buffer) => reading.take(data));
  socket.on('close', () => reading.over());
  socket.on('error', () => reading.over());
  return streamOf('websocket', reading, () => socket.terminate());
}

/** The last one to end closes the session. */
function http2(session: ReturnType<typeof connect>, path: string): Stream {
  const reading = new Reading();
  const stream = session.request({ ':path': path });
  stream.on('data', (chunk: Buffer) => reading.take(chunk));
  stream.on('close', () => reading.over());
  stream.on('error', () => reading.over());
  session.on('error', () => reading.over());
  const end = (): void => {
    stream.close();
    if (!session.closed) session.close();
  };
  return streamOf('http2', reading, end);
}
