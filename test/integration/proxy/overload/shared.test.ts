/** Two workers that share the limit of a version, with real threads and sockets. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { BroadcastChannel } from 'node:worker_threads';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import { OWN, ownWordsAt, poolLayout } from '#src/model/threads/load/pool.ts';
import type { Workers } from '#src/proxy/threads/workers.ts';
import type { PlaneSketch } from '../../../support/plane.ts';
import { clientOf, eventually, FIRST_CELL, getOf, heldOf } from '../../../support/proxy/running.ts';
import { groupOf } from '../../../support/proxy/workers/group.ts';
import { type RawClient, statusesOf } from '../../../support/raw.ts';

/** A thread that a test can kill. */
const MORTAL = new URL('../../../support/proxy/workers/mortal-worker.ts', import.meta.url);
const CLIENTS = 24;

function limited(port: number): PlaneSketch {
  return { routes: [{ versions: [{ name: 'v1', ports: [port], weight: 1, limit: 'auto' }] }] };
}

/** A gauge of the version, over all workers. */
function sum(workers: Workers, word: number): number {
  const words = workers.regions().map(({ tallies }) => tallies.cells[FIRST_CELL * CELL_WORDS + word] as number);
  return words.reduce((total, one) => total + one, 0);
}

/** Places of the version that a worker shows to the others. */
function placesOf(workers: Workers, worker: number): number {
  const memory = workers.commons.of(worker).pool?.memory as SharedArrayBuffer;
  const { versionsAt, stride } = poolLayout(2);
  return Atomics.load(new Int32Array(memory), versionsAt + FIRST_CELL * stride + ownWordsAt(OWN.inFlight, 2) + worker);
}

/** Asks over connections of their own, which the system spreads over the workers. */
function ask(t: TestContext, port: number): RawClient[] {
  return Array.from({ length: CLIENTS }, (_, n) => {
    const client = clientOf(t, { port });
    client.send(getOf(`/${n}`));
    return client;
  });
}

describe('two workers', () => {
  it('let no more requests at a time to a version that nobody knows than one would, and serve all', async (t) => {
    const { upstream, paths, answer } = await heldOf(t);
    const { workers } = groupOf(t, limited(upstream.port), { count: 2 });
    const [port = 0] = await workers.start();
    const clients = ask(t, port);
    const counted = (): number => sum(workers, CELL.admitted) + sum(workers, CELL.queued);
    await eventually(() => counted() === CLIENTS, 'all of them wait or have a place');
    await eventually(() => paths.length === sum(workers, CELL.admitted), 'those with a place are at the upstream');
    assert.equal(sum(workers, CELL.limit), 4, 'one limit, shown once');
    // Beyond the limit are at most those who had nothing of their share of two.
    assert.ok(paths.length >= 4 && paths.length <= 6, `${paths.length} at the upstream`);
    for (let n = 0; n < CLIENTS; n++) {
      await eventually(() => paths.length > n, `request ${n} of them at the upstream`);
      answer(n);
    }
    for (const client of clients) {
      await client.until((text) => statusesOf(text).length > 0);
      assert.deepEqual(statusesOf(client.received()), [200]);
    }
    await eventually(() => counted() === 0, 'no place is taken');
    await eventually(() => sum(workers, CELL.limit) > 4, 'the limit follows what both are answered');
    assert.equal(workers.commons.samplesLost(), 0);
  });

  it('lose neither limit nor places when the one dies that finds the limit', async (t) => {
    const { upstream, paths } = await heldOf(t);
    const { workers, deaths } = groupOf(t, limited(upstream.port), { count: 2, file: MORTAL });
    const [port = 0] = await workers.start();
    ask(t, port);
    await eventually(() => sum(workers, CELL.admitted) >= 4, 'all places are taken');
    const [first] = workers.regions();
    const shown = (): number => first?.tallies.cells[FIRST_CELL * CELL_WORDS + CELL.admitted] as number;
    await eventually(() => shown() > 0 && placesOf(workers, 0) === shown(), 'others see what it holds');
    const taken = shown();
    const channel = new BroadcastChannel('sluice-test-kill');
    t.after(() => channel.close());
    channel.postMessage(0);
    await eventually(() => deaths.length === 1, 'it is dead');
    await eventually(() => placesOf(workers, 0) === 0, 'what it held is free, before anybody asks its successor');
    await eventually(() => workers.status().every(({ state }) => state === 'serving'), 'it is back');
    const second = workers.regions()[1]?.tallies.cells as Int32Array;
    await eventually(() => second[FIRST_CELL * CELL_WORDS + CELL.limit] === 4, 'the other one finds the limit');
    assert.equal(sum(workers, CELL.limit), 4, 'and nobody else does');
    // What the dead one held is free, so that as many more are let in by now as wait in the other one, or as there is room for.
    const waiting = second[FIRST_CELL * CELL_WORDS + CELL.queued] as number;
    t.diagnostic(`${taken} places died, ${waiting} wait`);
    await eventually(
      () => sum(workers, CELL.admitted) === 4 || sum(workers, CELL.queued) === 0,
      'they are taken again',
    );
    assert.ok(paths.length >= 4);
  });
});
