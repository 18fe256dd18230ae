/** A hundred thousand clients that leave anywhere leave no socket, no permit and no byte of heap in the gateway's process. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { fuzzSeed } from '../../support/http/fuzz/mutate.ts';
import { connectionsOf, leaveMany, leavingUpstream } from '../../support/proxy/aborts.ts';
import { type PlaneChild, planeChildOf, type Reading } from '../../support/proxy/child.ts';

const SEED = fuzzSeed();
const FIRST = 10_000;
const ALL = 100_000;
/** A leaked object takes 50 bytes and more. What still grows is compiled code and the shape of the heap. */
const BYTES_EACH_MAX = 16;

const POLL_MS = 20;

/** Memory has no event: it is looked at from time to time. */
function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/** The least reading of several, once every client is gone. */
async function quiet(child: PlaneChild): Promise<Reading> {
  let reading = await child.read();
  for (let n = 0; n < 500 && reading.connections + reading.upstreamOpen + reading.sockets > 0; n++) {
    await later();
    reading = await child.read();
  }
  for (let n = 0; n < 10; n++) {
    await later();
    const next = await child.read();
    if (next.heapUsed + next.external < reading.heapUsed + reading.external) reading = next;
  }
  return reading;
}

it(`100,000 clients that leave at random points leave nothing (FUZZ_SEED=${SEED})`, async (t) => {
  const upstream = await leavingUpstream(t);
  const child = await planeChildOf(t, upstream.port);
  const random = new Random(SEED);
  await leaveMany(child.port, random, FIRST, 40);
  const before = await quiet(child);
  const startedMs = performance.now();
  await leaveMany(child.port, random, ALL - FIRST, 40);
  const seconds = (performance.now() - startedMs) / 1000;
  const after = await quiet(child);
  // The upstream's own end of a connection may be heard of a little later.
  for (let n = 0; n < 3000 && upstream.open() > 0; n++) await later();
  if (upstream.open() > 0) t.diagnostic(`connections of the upstream:\n${connectionsOf(upstream.port)}`);
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  t.diagnostic(
    `${Math.round((ALL - FIRST) / seconds)} a second; heap ${Math.round(grown / 1024)} KiB more than after ${FIRST}`,
  );
  const { inFlight, connections, upstreamOpen, sockets } = after;
  assert.deepEqual(
    { inFlight, connections, upstreamOpen, sockets, atUpstream: upstream.open() },
    {
      inFlight: { route: 0, version: 0, endpoint: 0 },
      connections: 0,
      upstreamOpen: 0,
      sockets: 0,
      atUpstream: 0,
    },
  );
  assert.ok(grown <= BYTES_EACH_MAX * (ALL - FIRST), `${grown} bytes`);
});
