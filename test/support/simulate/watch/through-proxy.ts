/**
 * Takes the traffic of a detection through the real proxy: real sockets, real upstreams, the real data plane and controller.
 *
 * Time alone is virtual: 100 requests go through, then 100 ms have passed and the controller turns. So the counts do not
 * depend on how fast the machine is. Whether a request fails is drawn with it, from a seeded stream, whichever comes first: a seed is
 * one history.
 */

import { connect, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { createController } from '#src/slo/controller.ts';
import { setLatency } from '#src/snapshot/latency-dials.ts';
import { listenLoopback, startPlane, type TestPlane } from '../../plane.ts';
import { SPEC } from '../detection.ts';

const TICK_MS = 100;
const REQUESTS_PER_TICK = 100;
const CONNECTIONS = 10;
const USERS = 10_000;
const START_MS = 10_000;
const GOOD = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
const BAD = 'HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n';
const HEAD_END = '\r\n\r\n';

export interface ProxyDetection {
  /** Bad canary answers until weight 0; Infinity when it never came. */
  readonly canaryBad: number;
  readonly requests: number;
}

/** Part of 1, of each request: it fails where at least so much does. */
const DRAW = 'x-draw';
const DRAWN = new RegExp(`\\r\\n${DRAW}: (\\S+)`);

/** An upstream of which some answers are bad. */
interface Upstream {
  readonly port: number;
  readonly counted: { bad: number };
  close(): void;
}

async function startUpstream(errorRatio: number): Promise<Upstream> {
  const counted = { bad: 0 };
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    takeHeads(socket, (head) => {
      const isBad = Number(DRAWN.exec(head)?.[1]) < errorRatio;
      if (isBad) counted.bad += 1;
      socket.write(isBad ? BAD : GOOD);
    });
  });
  const port = await listenLoopback(server);
  return {
    port,
    counted,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Calls back with every head that came in whole; there are no bodies. */
function takeHeads(socket: Socket, each: (head: string) => void): void {
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const heads = (rest + chunk.toString('latin1')).split(HEAD_END);
    rest = heads.pop() as string;
    for (const head of heads) each(head);
  });
}

interface Drawn {
  readonly user: number;
  readonly draw: number;
}

/** A client with one connection: sends some requests, and resolves when all are answered. */
class Client {
  readonly #socket: Socket;
  #waiting = 0;
  #done: () => void = () => undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    takeHeads(socket, () => {
      this.#waiting -= 1;
      if (this.#waiting === 0) this.#done();
    });
  }

  ask(requests: readonly Drawn[]): Promise<void> {
    this.#waiting = requests.length;
    const text = requests.map(
      ({ user, draw }) => `GET / HTTP/1.1\r\nhost: shop\r\nx-user-id: user-${user}\r\n${DRAW}: ${draw}${HEAD_END}`,
    );
    this.#socket.write(text.join(''), 'latin1');
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** One history; `performance.now` is virtual while it lasts. */
export async function detectThroughProxy(
  t: TestContext,
  { canaryErrorRatio, seed, requestsMax }: { readonly canaryErrorRatio: number; seed: number; requestsMax: number },
): Promise<ProxyDetection> {
  const random = new Random(seed);
  let nowMs = START_MS + random.nextFloat() * TICK_MS;
  const clock = t.mock.method(performance, 'now', () => nowMs);
  const stable = await startUpstream(0.001);
  const canary = await startUpstream(canaryErrorRatio);
  const plane = await startPlane({
    routes: [
      {
        versions: [
          { name: 'v1', ports: [stable.port], weight: 95_000 },
          { name: 'v2', ports: [canary.port], weight: 5000 },
        ],
        sticky: { header: 'x-user-id', cookie: null, clientIp: false },
        retry: { retriesMax: 0 },
      },
    ],
    seed,
  });
  const clients = Array.from({ length: CONNECTIONS }, () => new Client(connect(plane.port, '127.0.0.1')));
  const controller = controllerOf(plane, () => nowMs);
  let requests = 0;
  try {
    controller.tick(nowMs);
    while (plane.dials[SPEC.canary.dial] !== 0 && requests < requestsMax) {
      await Promise.all(clients.map((client) => client.ask(drawn(random))));
      requests += REQUESTS_PER_TICK;
      nowMs += TICK_MS;
      controller.tick(nowMs);
    }
    const isFound = plane.dials[SPEC.canary.dial] === 0;
    return { canaryBad: isFound ? canary.counted.bad : Number.POSITIVE_INFINITY, requests };
  } finally {
    for (const client of clients) client.close();
    plane.close();
    stable.close();
    canary.close();
    clock.mock.restore();
  }
}

/** What one connection asks in a tick. */
function drawn(random: Random): Drawn[] {
  return Array.from({ length: REQUESTS_PER_TICK / CONNECTIONS }, () => ({
    user: random.nextUint32() % USERS,
    draw: random.nextFloat(),
  }));
}

function controllerOf({ tallies, dials, latencyDials }: TestPlane, nowMs: () => number) {
  const regions = [{ id: 1, tallies }];
  return createController({
    regions: () => regions,
    rollouts: () => [SPEC],
    weightOf: (dial) => dials[dial] as number,
    setDial: (dial, weight) => Atomics.store(dials, dial, weight),
    setLatency: (unit, dial) => setLatency(latencyDials, unit, dial),
    nowMs,
    wallTime: () => '2026-01-01T00:00:00.000Z',
  });
}
