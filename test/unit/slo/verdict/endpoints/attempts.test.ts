/** Attempts since the last reading, by endpoint, over workers and gateways, while endpoints come and go. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ArmCounts } from '#src/model/slo.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { AttemptWindow } from '#src/slo/verdict/endpoints/attempts.ts';
import { FakeWorker } from '../../../../support/simulate/worker.ts';

const workers = (count: number): FakeWorker[] => Array.from({ length: count }, (_, n) => new FakeWorker(n + 1));
const named = (...slots: readonly number[]) => slots.map((slot) => ({ name: `10.0.0.${slot}:80`, slot }));

function attempt(worker: FakeWorker | undefined, slot: number, finished: number, bad: number): void {
  const words = (worker as FakeWorker).region.tallies.endpoints;
  Atomics.add(words, slot * ENDPOINT_WORDS + ENDPOINT.bad, bad);
  Atomics.add(words, slot * ENDPOINT_WORDS + ENDPOINT.finished, finished);
}

function pairs(counts: readonly ArmCounts[]): (readonly [number, number])[] {
  return counts.map(({ finished, bad }) => [finished, bad]);
}

describe('a reading of attempts', () => {
  it('has what came since the last one, over all workers', () => {
    const [one, two] = workers(2);
    const regions = [one, two].map((worker) => (worker as FakeWorker).region);
    attempt(one, 2, 500, 500);
    const attempts = new AttemptWindow(named(1, 2), regions);
    attempt(one, 2, 5, 1);
    attempt(two, 2, 3, 2);
    assert.deepEqual(pairs(attempts.read(regions)), [
      [0, 0],
      [8, 3],
    ]);
    assert.deepEqual(pairs(attempts.read(regions))[1], [0, 0]);
  });

  it('has all that a worker counted which began since', () => {
    const [one, two] = workers(2) as [FakeWorker, FakeWorker];
    const attempts = new AttemptWindow(named(1), [one.region]);
    attempt(two, 1, 4, 1);
    assert.deepEqual(pairs(attempts.read([one.region, two.region])), [[4, 1]]);
  });
});

describe('endpoints that come and go', () => {
  it('begin with what their slot has, and go on where they were while they are followed', () => {
    const [worker] = workers(1) as [FakeWorker];
    const regions = [worker.region];
    const attempts = new AttemptWindow(named(1, 2), regions);
    attempt(worker, 1, 2, 1);
    attempt(worker, 3, 70, 7);
    attempts.follow(named(3, 1), regions);
    attempt(worker, 3, 1, 1);
    assert.deepEqual(pairs(attempts.read(regions)), [
      [1, 1],
      [2, 1],
    ]);
  });

  it('are other ones in the same slot under another name', () => {
    const [worker] = workers(1) as [FakeWorker];
    const regions = [worker.region];
    const attempts = new AttemptWindow(named(1), regions);
    attempt(worker, 1, 9, 9);
    attempts.follow(
      [
        { name: 'another:80', slot: 1 },
        { name: '10.0.0.1:80', slot: null },
      ],
      regions,
    );
    attempt(worker, 1, 3, 0);
    assert.deepEqual(pairs(attempts.read(regions)), [
      [3, 0],
      [0, 0],
    ]);
  });

  it('come with a worker that nobody has read', () => {
    const [one, two] = workers(2) as [FakeWorker, FakeWorker];
    const attempts = new AttemptWindow(named(1), [one.region]);
    attempt(two, 1, 4, 1);
    attempt(two, 2, 6, 2);
    attempts.follow(named(1, 2), [one.region, two.region]);
    assert.deepEqual(pairs(attempts.read([one.region, two.region])), [
      [4, 1],
      [0, 0],
    ]);
  });
});

describe('what other gateways told', () => {
  it('is added by address, from the beginning on', () => {
    const told = new Map([['10.0.0.1:80', { finished: 90, bad: 9 }]]);
    const attempts = new AttemptWindow([...named(1), { name: 'b:80', slot: null }], [], told);
    told.set('10.0.0.1:80', { finished: 95, bad: 10 });
    told.set('b:80', { finished: 3, bad: 3 });
    const both = [
      [5, 1],
      [3, 3],
    ];
    assert.deepEqual(pairs(attempts.read([], told)), both);
    assert.deepEqual(pairs(attempts.read([], told)), [
      [0, 0],
      [0, 0],
    ]);
  });

  it('begins with what it is then for an endpoint that was not read before, however long others have told of it', () => {
    const told = new Map([['10.0.0.1:80', { finished: 10, bad: 0 }]]);
    const attempts = new AttemptWindow([], [], told);
    told.set('10.0.0.1:80', { finished: 100_000, bad: 500 });
    told.set('10.0.0.2:80', { finished: 100_000, bad: 0 });
    attempts.follow(named(1, 2), [], told);
    told.set('10.0.0.1:80', { finished: 100_010, bad: 502 });
    assert.deepEqual(pairs(attempts.read([], told)), [
      [10, 2],
      [0, 0],
    ]);
    attempts.follow(named(2), [], told);
    told.set('10.0.0.1:80', { finished: 200_000, bad: 600 });
    attempts.follow(named(1, 2), [], told);
    told.set('10.0.0.1:80', { finished: 200_003, bad: 601 });
    told.set('10.0.0.2:80', { finished: 100_004, bad: 0 });
    assert.deepEqual(pairs(attempts.read([], told)), [
      [3, 1],
      [4, 0],
    ]);
  });

  it('begins anew for an endpoint that was away, also between two readings, and never counts backwards', () => {
    const told = new Map([['10.0.0.1:80', { finished: 1000, bad: 50 }]]);
    const attempts = new AttemptWindow(named(1), [], told);
    told.set('10.0.0.1:80', { finished: 300, bad: 40 });
    assert.deepEqual(pairs(attempts.read([], told)), [[300, 40]]);
    told.set('10.0.0.1:80', { finished: 301, bad: 2 });
    assert.deepEqual(pairs(attempts.read([], told)), [[301, 2]], 'fewer bad ones alone say it as well');
    attempts.read([], new Map());
    assert.deepEqual(pairs(attempts.read([], told)), [[301, 2]]);
  });
});
