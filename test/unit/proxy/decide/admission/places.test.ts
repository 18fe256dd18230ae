/** How many requests of a version may be under way, alone and among workers that share it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LEADER, reservePool, vacate } from '#src/model/threads/load/pool.ts';
import { cutFor } from '#src/model/threads/load/standing.ts';
import { LIMIT_MIN } from '#src/proxy/decide/admission/limit.ts';
import { heldSince, sampled } from '#src/proxy/decide/admission/permit.ts';
import { Places } from '#src/proxy/decide/admission/places.ts';
import { Pool, Seat } from '#src/proxy/decide/admission/pool.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const CELL = 9;

/** One worker's places of one version, and its 50 ms. */
interface Worker {
  readonly places: Places;
  tick(nowMs: number): void;
}

/** Workers that share the limit of a version. */
class Group {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly workers: Worker[];
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
    this.words = reservePool(count);
    this.workers = Array.from({ length: count }, (_, place) => this.born(place, 0));
  }

  born(place: number, nowMs: number): Worker {
    const pool = new Pool({ memory: this.words.buffer, workers: this.#count, place });
    const places = new Places('auto', nowMs, new Seat(pool, CELL));
    const tick = (atMs: number): void => {
      pool.tick(atMs, (_, told, ms) => void places.hear(told, ms));
      places.tick(atMs, false);
    };
    return { places, tick };
  }

  tick(nowMs: number): void {
    for (const worker of this.workers) worker.tick(nowMs);
  }

  get limits(): number[] {
    return this.workers.map(({ places }) => places.limit);
  }
}

/** So many requests that take `tookMs`, as many at a time as there is room for. */
function serve({ places }: Worker, count: number, nowMs: number, tookMs: number): void {
  const permit = heldSince(nowMs);
  for (let left = count; left > 0; ) {
    let taken = 0;
    while (taken < left && !places.isFull(places.limit)) {
      places.take();
      taken += 1;
    }
    assert.ok(taken > 0, 'there is room');
    for (let n = 0; n < taken; n++) {
      places.sample(tookMs);
      places.release(sampled(permit), nowMs + tookMs, false);
    }
    left -= taken;
  }
}

describe('places that workers share', () => {
  it('have one limit, which grows by what any worker is answered', () => {
    const group = new Group(3);
    const [, second, third] = group.workers as [Worker, Worker, Worker];
    assert.deepEqual(group.limits, [LIMIT_MIN, LIMIT_MIN, LIMIT_MIN]);
    for (let n = 0; n < LIMIT_MIN; n++) second.places.take();
    for (let n = 0; n < LIMIT_MIN; n++) {
      second.places.sample(10);
      second.places.release(sampled(heldSince(0)), 10, false);
    }
    assert.equal(group.workers[0]?.places.limit, LIMIT_MIN, 'the leader has not heard of it yet');
    group.tick(50);
    assert.deepEqual(group.limits, [2 * LIMIT_MIN, 2 * LIMIT_MIN, 2 * LIMIT_MIN]);
    for (let n = 0; n < 2 * LIMIT_MIN; n++) third.places.take();
    assert.deepEqual(
      group.workers.map(({ places }) => [places.free, places.inFlight, places.isFull(places.limit)]),
      [
        [0, 0, false],
        [0, 0, false],
        [0, 8, true],
      ],
      'the others have their shares still',
    );
  });

  it('are being learned in all workers while the leader learns them', () => {
    const group = new Group(2);
    const [, second] = group.workers as [Worker, Worker];
    assert.equal(second.places.isLearning, true, 'before the first word, too');
    group.tick(50);
    assert.deepEqual([second.places.isLearning, second.places.isProbing], [true, false]);
  });

  it('lose none with a worker that dies, and the next leader goes on from what the last one found', () => {
    const group = new Group(2);
    const [first, second] = group.workers as [Worker, Worker];
    for (let round = 1; round <= 30; round++) {
      serve(first, 20, 100 * round, 10);
      serve(second, 20, 100 * round, 10);
      group.tick(100 * round);
    }
    const [limit] = group.limits as [number];
    assert.ok(limit > LIMIT_MIN);
    assert.deepEqual(group.limits, [limit, limit]);
    for (let n = 0; n < 3; n++) first.places.take();
    second.places.take();
    assert.equal(second.places.free, limit - 4);
    // What the main thread does.
    vacate(group.words, 2, 0);
    Atomics.store(group.words, LEADER, 1);
    assert.equal(second.places.free, limit - 1);
    second.tick(3050);
    assert.deepEqual([second.places.leads, second.places.limit, second.places.isLearning], [true, limit, false]);
    const successor = group.born(0, 3060);
    assert.deepEqual([successor.places.leads, successor.places.limit, successor.places.inFlight], [false, limit, 0]);
    // Ten times as slow as what the first leader found, and never full: the second one knows what is usual.
    for (let round = 1; round <= 10; round++) {
      serve(successor, 20, 3100 + 100 * round, 100);
      serve(second, 20, 3100 + 100 * round, 100);
      second.tick(3100 + 100 * round);
      successor.tick(3100 + 100 * round);
    }
    assert.ok(second.places.limit < limit && successor.places.limit === second.places.limit, `${second.places.limit}`);
  });

  it('answer as many in a time as each is held unhurried, every worker its part', () => {
    const group = new Group(2);
    const parts = (): number[] => group.workers.map(({ places }) => places.answersIn(200));
    assert.deepEqual(parts(), [0, 0], 'nobody knows yet');
    for (let round = 1; round <= 30; round++) {
      serve(group.workers[1] as Worker, 40, 100 * round, 10);
      group.tick(100 * round);
    }
    const [limit] = group.limits as [number];
    // 200 ms are twenty times 10 ms; the baseline is known to within 2 %.
    for (const part of parts())
      assert.ok(Math.abs(part - (limit * 20) / 2) <= 0.02 * limit * 10, `${part} of ${limit}`);
  });

  it('have one leader, also where a former one is told that it is none any more', () => {
    const group = new Group(2);
    const [first, second] = group.workers as [Worker, Worker];
    Atomics.store(group.words, LEADER, 1);
    group.tick(50);
    assert.deepEqual([first.places.leads, second.places.leads], [false, true]);
    for (let n = 0; n < LIMIT_MIN; n++) first.places.take();
    for (let n = 0; n < LIMIT_MIN; n++) first.places.release(heldSince(50), 60, false);
    assert.equal(first.places.limit, LIMIT_MIN, 'it finds no limit by itself');
    group.tick(100);
    first.tick(101);
    assert.deepEqual(group.limits, [2 * LIMIT_MIN, 2 * LIMIT_MIN]);
  });

  it('are cut by the leader, once', () => {
    const group = new Group(2);
    const [first, second] = group.workers as [Worker, Worker];
    for (let round = 1; round <= 30; round++) {
      serve(first, 40, 100 * round, 10);
      group.tick(100 * round);
    }
    const [limit] = group.limits as [number];
    assert.equal(first.places.isLearning, false);
    for (const { places } of group.workers) places.cut = cutFor(0.5);
    group.tick(3050);
    assert.deepEqual(group.limits, [Math.floor(limit / 2), Math.floor(limit / 2)]);
    // A successor takes the limit before the cut, or it would be cut twice.
    Atomics.store(group.words, LEADER, 1);
    second.tick(3100);
    assert.equal(second.places.limit, Math.floor(limit / 2));
  });

  it('that are shared no more are this worker’s part, and it leaves nothing behind', () => {
    const group = new Group(2);
    const [first, second] = group.workers as [Worker, Worker];
    first.places.take();
    second.places.take();
    second.places.take();
    second.places.leave();
    assert.deepEqual([first.places.free, second.places.inFlight], [LIMIT_MIN - 1, 2]);
    second.places.tick(50, false);
    assert.deepEqual([second.places.limit, second.places.isFull(2)], [LIMIT_MIN / 2, true]);
    second.places.release(heldSince(0), 60, false);
    assert.deepEqual([second.places.free, first.places.free], [1, LIMIT_MIN - 1]);
  });

  it('allocate nothing, in the leader and in others', COUNTED, () => {
    const group = new Group(4);
    const permit = sampled(heldSince(0));
    for (const place of [0, 3]) {
      const { places } = group.workers[place] as Worker;
      const round = (): void => {
        if (places.isFull(places.limit)) return;
        places.take();
        places.sample(3.25);
        places.release(permit, 3.75, false);
      };
      assert.equal(bytesPerCall(round), 0, `worker ${place}`);
    }
  });
});

it('a number is each worker’s own', () => {
  const places = new Places(2, 0, null);
  assert.deepEqual([places.limit, places.leads, places.isLearning, places.answersIn(200)], [2, true, false, 0]);
  places.take();
  places.take();
  assert.deepEqual([places.isFull(2), places.free, places.inFlight], [true, 0, 2]);
  places.leave();
  assert.equal(places.limit, 2);
});
