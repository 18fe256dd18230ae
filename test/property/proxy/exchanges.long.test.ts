/** One record per exchange, and nothing left behind: any mixture of clients and upstreams that behave badly. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { closedSocket, getOf, perHead, upstreamOf } from '../../support/proxy/running.ts';
import { type Watched, watchedPlane } from '../../support/proxy/watched.ts';
import { rawClient } from '../../support/raw.ts';

/** A run is mostly waiting for limits of time, so several go on beside one another, each with a plane of its own. */
const LANES = 8;
const RUNS_PER_LANE = process.env['SLUICE_TEST_DEPTH'] === 'full' ? 25 : 2;

/** What the upstream does with a request, by its path; answers name the request they belong to. */
const ANSWERS: Readonly<Record<string, (socket: Socket, id: string) => void>> = {
  '/ok': (socket, id) => socket.write(head(id, 'Content-Length: 2').concat('ok')),
  '/chunked': (socket, id) => socket.write(head(id, 'Transfer-Encoding: chunked').concat('2\r\nok\r\n0\r\n\r\n')),
  '/later': (socket, id) => setTimeout(() => socket.write(head(id, 'Content-Length: 2').concat('ok')), 5),
  '/halves': (socket, id) => {
    socket.write(head(id, 'Content-Length: 4').concat('ok'));
    setTimeout(() => socket.write('ok'), 3);
  },
  '/close': (socket, id) => socket.end(head(id, 'X: y').concat('ok')),
  '/big': (socket, id) => socket.write(head(id, 'Content-Length: 300000').concat('x'.repeat(300_000))),
  '/500': (socket, id) => socket.write(head(id, 'Content-Length: 0').replace('200', '500')),
  '/fin': (socket) => socket.end(),
  '/reset': (socket) => socket.resetAndDestroy(),
  '/part-fin': (socket, id) => socket.end(head(id, 'Content-Length: 9').concat('part')),
  '/part-reset': (socket, id) =>
    socket.write(head(id, 'Content-Length: 9').concat('part'), () => socket.resetAndDestroy()),
  '/junk': (socket) => socket.write('HELLO\r\n\r\n'),
  '/too-much': (socket, id) => socket.write(head(id, 'Content-Length: 1').concat('abc')),
  '/twice': (socket, id) => socket.write(head(id, 'Content-Length: 2').concat('ok').repeat(2)),
  '/never': () => undefined,
};

function head(id: string, line: string): string {
  return `HTTP/1.1 200 OK\r\nX-Id: ${id}\r\n${line}\r\n\r\n`;
}

/** What a client does after it sent its requests. */
const LEAVES = ['reads', 'reads', 'reads', 'destroys', 'resets', 'ends', 'destroys later', 'stops in a body'] as const;

interface Visit {
  readonly paths: readonly string[];
  readonly leaves: (typeof LEAVES)[number];
  readonly laterMs: number;
  /** Whether it waits for the visit before to be over. */
  readonly waits: boolean;
}

const visit: fc.Arbitrary<Visit> = fc.record({
  paths: fc.array(fc.constantFrom(...Object.keys(ANSWERS)), { minLength: 1, maxLength: 4 }),
  leaves: fc.constantFrom(...LEAVES),
  laterMs: fc.nat({ max: 8 }),
  waits: fc.boolean(),
});

/** Pays the n-th visit; resolves with the ids of the answers once the client’s connection is closed. */
async function pay(plane: Watched, { paths, leaves, laterMs }: Visit, nth: number): Promise<string[]> {
  const client = rawClient(plane.port);
  const { socket } = client;
  const isReading = leaves === 'reads';
  paths.forEach((path, n) => {
    const isLast = n === paths.length - 1;
    client.send(getOf(`${path}?${nth}.${n}`, isLast && isReading ? 'Connection: close\r\n' : ''));
  });
  if (leaves === 'stops in a body')
    client.send(`POST /ok?${nth}.9 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf`);
  if (leaves === 'ends') socket.end();
  else if (leaves === 'resets') socket.resetAndDestroy();
  else if (leaves === 'destroys') socket.destroy();
  else if (!isReading) setTimeout(() => socket.destroy(), laterMs);
  await closedSocket(socket);
  return [...client.received().matchAll(/\r\nX-Id: (\S+)\r\n/g)].map((match) => match[1] as string);
}

/** A client gets answers to its own requests, in their order; those of the gateway itself have no id. */
function assertOwn(ids: readonly string[], nth: number): void {
  const numbers = ids.map((id) => id.split('.').map(Number));
  assert.ok(
    numbers.every(([client]) => client === nth),
    `client ${nth} got ${ids.join(' ')}`,
  );
  for (let i = 1; i < numbers.length; i++) {
    assert.ok((numbers[i]?.[1] as number) > (numbers[i - 1]?.[1] as number), `client ${nth} got ${ids.join(' ')}`);
  }
}

/** A plane with two versions that share an endpoint, few connections and short patience. */
function shortPatience(t: TestContext, first: number, second: number, isRescued: boolean): Promise<Watched> {
  const versions = [
    { name: 'stable', ports: [first, second], weight: 1 },
    { name: 'canary', ports: [second], weight: 1 },
  ];
  return watchedPlane(t, {
    routes: [{ versions, ...(isRescued && { rescue: 'unpinned' as const }) }],
    limits: { endpointConnectionsMax: 2, endpointPendingMax: 3 },
    timeouts: { firstByteMs: 60, pendingMs: 60, bodyIdleMs: 60 },
  });
}

it('everything that began ends once, every answer is its own client’s, and every count in flight returns to 0', async (t) => {
  const act = perHead((socket, target) => {
    const [path, id] = target.split('?') as [string, string];
    if (!socket.destroyed && socket.writable) ANSWERS[path]?.(socket, id);
  });
  const first = await upstreamOf(t, act);
  const second = await upstreamOf(t, act);
  const property = fc.asyncProperty(
    fc.array(visit, { minLength: 1, maxLength: 10 }),
    fc.boolean(),
    async (visits, isRescued) => {
      const plane = await shortPatience(t, first.port, second.port, isRescued);
      const paid: Promise<string[]>[] = [];
      for (const [nth, one] of visits.entries()) {
        if (one.waits) await paid.at(-1);
        paid.push(pay(plane, one, nth));
      }
      for (const [nth, ids] of (await Promise.all(paid)).entries()) assertOwn(ids, nth);
      await plane.settled();
      assert.deepEqual(plane.faults(), []);
      plane.listener.destroy();
      assert.equal(plane.listener.connections, 0);
    },
  );
  const lane = (): Promise<void> => fc.assert(property, { numRuns: RUNS_PER_LANE, endOnFailure: true });
  await Promise.all(Array.from({ length: LANES }, lane));
});
