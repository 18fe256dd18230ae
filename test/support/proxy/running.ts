/**
 * Running planes, upstreams and clients that end with their test, and waits for what has no event.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { CELL, ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import {
  endpointIdOf,
  listenLoopback,
  type PlaneSketch,
  type RouteSketch,
  startPlane,
  type TestPlane,
} from '../plane.ts';
import { type RawClient, type RawUpstream, rawClient, rawUpstream, statusesOf } from '../raw.ts';

/** Bounds every wait: reached only when something hangs. */
const HANG_MS = 60_000;
const POLL_MS = 2;
/** Of a clock that goes by turns. */
const TURN_MS_MAX = 10;

/** Cells of the first route and its versions in a test plane. */
export const ROUTE_CELL = 0;
export const FIRST_CELL = 1;
export const SECOND_CELL = 2;

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** A GET with a path, which the upstream can tell from others. */
export function getOf(path: string, lines = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;
}

export async function planeOf(t: TestContext, sketch: PlaneSketch): Promise<TestPlane> {
  const plane = await startPlane(sketch);
  t.after(() => plane.close());
  return plane;
}

export async function upstreamOf(t: TestContext, onData: Parameters<typeof rawUpstream>[0]): Promise<RawUpstream> {
  const upstream = await rawUpstream(onData);
  t.after(() => upstream.close());
  return upstream;
}

/** An upstream that answers every complete head (requests without bodies) with the same bytes. */
export function answeringOf(t: TestContext, bytes = OK): Promise<RawUpstream> {
  return upstreamOf(
    t,
    perHead((socket) => socket.write(Buffer.from(bytes, 'latin1'))),
  );
}

/** An upstream that answers when told to, with the request's path. */
export interface Held {
  readonly upstream: RawUpstream;
  readonly paths: string[];
  /** Answers the n-th request that came. */
  readonly answer: (n: number) => void;
}

export async function heldOf(t: TestContext): Promise<Held> {
  const paths: string[] = [];
  const sockets: Socket[] = [];
  const upstream = await upstreamOf(
    t,
    perHead((socket, path) => {
      paths.push(path);
      sockets.push(socket);
    }),
  );
  return { upstream, paths, answer: (n) => void sockets[n]?.write(OK) };
}

/** A port that refuses connections as long as the test runs: the client's end of a connection has it, so that nobody else is given it. */
export async function refusedPortOf(t: TestContext): Promise<number> {
  const { port } = await upstreamOf(t, () => undefined);
  const held = connect(port, '127.0.0.1');
  t.after(() => held.destroy());
  await once(held, 'connect');
  return held.localPort as number;
}

/** An upstream on `node:http`; resolves with its port. */
export async function httpUpstreamOf(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  const server = createServer({ keepAliveTimeout: 0 }, answer);
  server.on('clientError', (_error, socket) => socket.destroy());
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return port;
}

export function clientOf(t: TestContext, plane: { readonly port: number }): RawClient {
  const client = rawClient(plane.port);
  t.after(() => client.socket.destroy());
  return client;
}

/** One route to one version on these ports. */
export function oneVersion(...ports: number[]): { readonly routes: readonly RouteSketch[] } {
  return { routes: [{ versions: [{ name: 'v1', ports, weight: 1 }] }] };
}

/** An upstream's handler that calls once for each complete head without body, with the request line's path. */
export function perHead(
  answer: (socket: Socket, path: string, nth: number) => void,
): Parameters<typeof rawUpstream>[0] {
  const answered = new Map<Socket, number>();
  return (socket, received, nth) => {
    const heads = received.split('\r\n\r\n');
    for (let n = answered.get(socket) ?? 0; n < heads.length - 1; n++) {
      answered.set(socket, n + 1);
      answer(socket, (heads[n] as string).split(' ')[1] as string, nth);
    }
  };
}

/**
 * Stops the clock of planes for the test, which turns it by hand: no limit of time passes because the machine stood still. Sweeps come
 * as ever and find what is due by this clock.
 * @returns has so many ms pass at once
 */
export function stoppedClock(t: TestContext): (ms: number) => void {
  let nowMs = performance.now();
  t.mock.method(performance, 'now', () => nowMs);
  return (ms) => void (nowMs += ms);
}

/** Resolves once `holds`; for states that have no event. */
export async function eventually(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let waited = 0; !(await holds()); waited += POLL_MS) {
    if (waited > HANG_MS) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * Resolves once `count()` has stopped growing above `least`.
 * @param polls that see the same number: 2 ms each, or more on a busy machine
 */
export async function settled(count: () => number, least: number, polls = 10): Promise<number> {
  let last = -1;
  let same = 0;
  await eventually(() => {
    same = count() === last && last >= least ? same + 1 : 0;
    last = count();
    return same >= polls;
  }, `a standstill above ${least}`);
  return last;
}

/** A clock of the planes in this process, and of the test. */
export interface TurningClock {
  /** Resolves once it has gone on by so much. */
  passed(ms: number): Promise<void>;
}

/**
 * Has `nowMs` go on by at most 10 ms a turn of the event loop until the test ends. So a process that stood still has lost no
 * time, and what answers within a few turns is not too late for a limit of 100 ms. Timers of the runtime go as ever.
 */
export function turningClock(t: TestContext): TurningClock {
  const real = performance.now.bind(performance);
  let realMs = real();
  let clockMs = realMs;
  const waiting = new Set<{ readonly atMs: number; readonly tell: () => void }>();
  t.mock.method(performance, 'now', () => clockMs);
  const turning = setInterval(() => {
    const beforeMs = realMs;
    realMs = real();
    clockMs += Math.min(realMs - beforeMs, TURN_MS_MAX);
    for (const one of waiting) {
      if (one.atMs > clockMs) continue;
      waiting.delete(one);
      one.tell();
    }
  }, POLL_MS);
  t.after(() => clearInterval(turning));
  return { passed: (ms) => new Promise((tell) => waiting.add({ atMs: clockMs + ms, tell })) };
}

export function endpointWord(plane: TestPlane, port: number, word: keyof typeof ENDPOINT): number {
  return plane.tallies.endpoints[endpointIdOf(port) * ENDPOINT_WORDS + ENDPOINT[word]] as number;
}

/** How often exchanges of a cell ended with a reason. */
export function reasonCount(plane: TestPlane, cell: number, reason: number): number {
  return plane.count(cell, CELL.reasons + reason);
}

/** Sends and resolves with the status of the next answer. */
export async function askedOn(client: RawClient, request: string): Promise<number> {
  const before = statusesOf(client.received()).length;
  client.send(request);
  const text = await client.until((received) => statusesOf(received).length > before && isWhole(received));
  return statusesOf(text).at(-1) as number;
}

/** The last response in the text, framed by Content-Length, is complete. */
export function isWhole(text: string): boolean {
  const start = text.lastIndexOf('HTTP/1.1 ');
  const bodyAt = text.indexOf('\r\n\r\n', start);
  if (start < 0 || bodyAt < 0) return false;
  const length = /\r\nContent-Length: (\d+)\r\n/i.exec(text.slice(start, bodyAt + 2));
  return text.length - bodyAt - 4 >= Number(length?.[1] ?? 0);
}

/** Nothing is under way any more, on any cell and endpoint that was used. */
export async function assertQuiet(plane: TestPlane, cells: readonly number[], ports: readonly number[]): Promise<void> {
  const busy = (): string[] => [
    ...cells
      .filter((cell) => plane.count(cell, CELL.inFlight) !== 0)
      .map((cell) => `cell ${cell}: ${plane.count(cell, CELL.inFlight)}`),
    ...ports
      .filter((port) => endpointWord(plane, port, 'inFlight') !== 0)
      .map((port) => `port ${port}: ${endpointWord(plane, port, 'inFlight')}`),
  ];
  await eventually(() => busy().length === 0, `all in-flight counts 0: ${busy().join(', ')}`).catch(() => undefined);
  assert.deepEqual(busy(), []);
}

/** Resolves when the socket is closed, whether by an error or not. */
export function closedSocket(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once('close', () => resolve()));
}
