/** Clients that leave anywhere leave nothing behind; the long run lets a hundred thousand leave. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { fuzzSeed } from '../../support/http/fuzz/mutate.ts';
import { leaveMany, leavingUpstream } from '../../support/proxy/aborts.ts';
import { eventually, oneVersion } from '../../support/proxy/running.ts';
import { watchedPlane } from '../../support/proxy/watched.ts';
import { samples } from '../../support/runner/depth.ts';

const SEED = fuzzSeed();
const CONNECTIONS_MAX = 50;
const CLIENTS = samples(2000, 300);

it(`${CLIENTS} clients that leave at random points leave no exchange, permit or socket (FUZZ_SEED=${SEED})`, async (t) => {
  const upstream = await leavingUpstream(t);
  const plane = await watchedPlane(t, {
    ...oneVersion(upstream.port),
    limits: { endpointConnectionsMax: CONNECTIONS_MAX, endpointPendingMax: 5000 },
    timeouts: { upstreamIdleMs: 500 },
  });
  await leaveMany(plane.port, new Random(SEED), CLIENTS, 40);
  await eventually(() => plane.listener.connections === 0, 'every connection is gone');
  await plane.settled();
  assert.deepEqual(plane.faults(), []);
  assert.ok(plane.begun().length > CLIENTS / 4, `${plane.begun().length} attempts`);
  assert.ok(upstream.open() <= CONNECTIONS_MAX, `${upstream.open()} upstream connections`);
  // What is left are idle connections of the pool, which have deadlines; they go in their time.
  await eventually(() => plane.lane.deadlines.size === 0, 'nothing waits for a deadline');
  await eventually(() => upstream.open() === 0, 'every upstream connection is closed');
});
