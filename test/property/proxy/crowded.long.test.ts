/**
 * More clients than an endpoint takes, of all kinds, with an upstream that does everything wrong: whoever waits, retries,
 * hedges, is mirrored, upgrades or leaves, no place among the connections is lost, and no socket.
 */

import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { resetSocket } from '#src/proxy/upgrade/reset.ts';
import type { PlaneSketch, TestPlane } from '../../support/plane.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  endpointWord,
  eventually,
  FIRST_CELL,
  getOf,
  OK,
  perHead,
  planeOf,
  ROUTE_CELL,
  upstreamOf,
} from '../../support/proxy/running.ts';
import { openSessions, switching, textFrame, upgradeRequest } from '../../support/proxy/upgrade.ts';
import { openSockets } from '../../support/proxy/wires/sockets.ts';

const CLIENTS = 600;
const AT_ONCE = 24;
const PLACES = 3;

const ANSWERS: readonly ((socket: Socket) => void)[] = [
  (socket) => socket.write(OK),
  (socket) => socket.write(switching()),
  (socket) => socket.write(`${switching()}${textFrame('hi')}`, 'latin1'),
  (socket) => socket.write('HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'),
  (socket) => socket.write('HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n'),
  (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(11)),
  (socket) => socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`),
  (socket) => socket.write(`${OK}${OK}`),
  (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n'),
  (socket) => socket.write('HTTP/1.1 2'),
  (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nuntil the end'),
  (socket) => socket.end(),
  resetSocket,
  () => undefined,
];

const REQUESTS: readonly string[] = [
  getOf('/a'),
  getOf('/a') + getOf('/b') + getOf('/c'),
  upgradeRequest(),
  `${upgradeRequest()}${textFrame('early')}${getOf('/smuggled')}`,
  getOf('/a') + upgradeRequest('/b'),
  `${getOf('/a')}${upgradeRequest('/b')}${'x'.repeat(20_000)}`,
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\npart',
  'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: a\r\nA: ${'x'.repeat(3000)}`,
];

function pick<T>(random: Random, of: readonly T[]): T {
  return of[Math.floor(random.nextFloat() * of.length)] as T;
}

/** Sends one of the requests, cut somewhere, and leaves in one of the ways after a few turns of the loop. */
async function visit({ port }: TestPlane, random: Random): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  socket.on('error', () => socket.destroy());
  if (random.nextFloat() < 0.8) socket.resume();
  const bytes = Buffer.from(pick(random, REQUESTS), 'latin1');
  const cut = Math.floor(random.nextFloat() * bytes.length);
  socket.write(bytes.subarray(0, cut));
  await new Promise((resolve) => setImmediate(resolve));
  socket.write(bytes.subarray(cut));
  const turns = Math.floor(random.nextFloat() ** 3 * 200);
  for (let turn = 0; turn < turns && !socket.destroyed; turn++) await new Promise((resolve) => setImmediate(resolve));
  const leave = random.nextFloat();
  if (leave < 0.3) socket.end();
  else if (leave < 0.6) resetSocket(socket);
  const isLeft = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  if (!socket.closed) await isLeft;
}

it('gives every place back, whatever happened to whoever had it', async (t) => {
  const seed = Number(process.env['SEED'] ?? 4711);
  t.diagnostic(`SEED=${seed}`);
  const random = new Random(seed);
  let isOver = false;
  const upstream = await upstreamOf(
    t,
    perHead((socket, path) => {
      if (!isOver) pick(random, ANSWERS)(socket);
      else socket.write(path === '/upgrade' ? switching() : OK);
    }),
  );
  const version = { name: 'v1', ports: [upstream.port], weight: 1 };
  const retry = { retriesMax: 3, statuses: [503], backoffMs: 5, attemptTimeoutMs: 300, hedgeMs: 20 };
  const sketch: PlaneSketch = {
    routes: [{ versions: [version], retry, mirror: { ports: [upstream.port], ratio: 0.2 }, requestTimeoutMs: 2000 }],
    limits: { endpointConnectionsMax: PLACES, endpointPendingMax: 8 },
    timeouts: { pendingMs: 200, firstByteMs: 300, bodyIdleMs: 300, headMs: 300, upstreamIdleMs: 100 },
  };
  const plane = await planeOf(t, sketch);
  let left = CLIENTS;
  const visitor = async (): Promise<void> => {
    while (left-- > 0) await visit(plane, random);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));
  isOver = true;
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  await eventually(() => openSessions(plane) === 0, 'no session is left');
  await eventually(() => endpointWord(plane, upstream.port, 'open') === 0, 'no connection is left');
  for (const socket of upstream.sockets) socket.destroy();
  await eventually(() => openSockets() === 0, 'no socket is left');
  // From here on a request may take its time; the places are the same.
  plane.swap({ ...sketch, routes: [{ versions: [version] }], timeouts: { pendingMs: 200 } });
  const clients = Array.from({ length: PLACES }, () => clientOf(t, plane));
  for (const client of clients) {
    client.send(upgradeRequest('/upgrade'));
    await client.until((text) => text.includes('\r\n\r\n'));
  }
  assert.equal(openSessions(plane), PLACES);
  assert.equal(await askedOn(clientOf(t, plane), getOf('/plain')), 503, 'all places are taken');
  clients[0]?.socket.destroy();
  await eventually(() => openSessions(plane) === PLACES - 1, 'one is over');
  assert.equal(await askedOn(clientOf(t, plane), getOf('/plain')), 200);
  assert.equal(plane.plane.listener.connections, 2);
});
