/** How the workers of a gateway share the places of one version. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LEADER, reservePool, vacate } from '#src/model/threads/load/pool.ts';
import { Pool, Seat } from '#src/proxy/decide/admission/pool.ts';
import { TOLD } from '#src/proxy/decide/admission/ring.ts';

const CELL = 9;
const NOBODY = (): void => assert.fail('nothing was told');

interface Table {
  readonly words: Int32Array;
  readonly pools: readonly Pool[];
  readonly seats: readonly Seat[];
}

/** Workers around a version, at the first turn. @param own of each, under way */
function tableOf(...own: number[]): Table {
  const words = reservePool(own.length);
  const pools = own.map((_, place) => new Pool({ memory: words.buffer, workers: own.length, place }));
  const seats = pools.map((pool) => new Seat(pool, CELL));
  for (const [place, seat] of seats.entries()) seat.hold(own[place] as number);
  return { words, pools, seats };
}

/** Which workers may take none of so many places. @param turn whose it is */
function fullFor({ pools, seats }: Table, places: number, own: readonly number[], turn = 0): boolean[] {
  for (const pool of pools) pool.tick(turn * 50, NOBODY);
  return seats.map((seat, place) => seat.isFull(own[place] as number, places));
}

describe('places', () => {
  it('are free for everybody while less than the limit is under way in all workers', () => {
    for (const own of [
      [0, 0],
      [7, 0],
      [0, 7],
      [4, 3],
    ]) {
      assert.deepEqual(fullFor(tableOf(...own), 8, own), [false, false], own.join(' '));
    }
  });

  it('that are all taken are to be had only by those who have less than their share', () => {
    const cases: [number[], boolean[]][] = [
      [
        [4, 4],
        [true, true],
      ],
      [
        [8, 0],
        [true, false],
      ],
      [
        [5, 3],
        [true, false],
      ],
      // Until the first one gave one back.
      [
        [5, 4],
        [true, true],
      ],
    ];
    for (const [own, full] of cases) assert.deepEqual(fullFor(tableOf(...own), 8, own), full, own.join(' '));
  });

  it('that are left over when they are divided go round by turns, with one beyond the limit at most', () => {
    // 5 places of 4 workers: one each, and one more.
    const own = [2, 1, 1, 1];
    const table = tableOf(...own);
    const may = (turn: number): number[] =>
      fullFor(table, 5, own, turn).flatMap((isFull, place) => (isFull ? [] : [place]));
    assert.deepEqual([0, 1, 2, 3, 4, 5].map(may), [[], [1], [2], [3], [], [1]]);
    table.seats[1]?.hold(2);
    assert.deepEqual(fullFor(table, 5, [2, 2, 1, 1], 2), [true, true, true, true], 'one is over the limit already');
  });

  it('fewer than there are workers go round as well', () => {
    const own = [1, 1, 0, 0];
    const table = tableOf(...own);
    assert.deepEqual(fullFor(table, 2, own, 0), [true, true, true, true]);
    assert.deepEqual(fullFor(table, 2, own, 2), [true, true, false, true]);
    assert.deepEqual(fullFor(table, 2, own, 3), [true, true, true, false]);
  });

  it('of none are not to be had, in no turn', () => {
    assert.deepEqual(fullFor(tableOf(0, 0), 0, [0, 0]), [true, true]);
  });

  it('are counted over all workers, with the most at once since the leader began anew', () => {
    const { seats } = tableOf(0, 0, 0);
    const [first, second, third] = seats as [Seat, Seat, Seat];
    first.take(1);
    second.take(1);
    second.take(2);
    assert.deepEqual([third.inFlight, third.peak], [3, 3]);
    second.hold(0);
    assert.deepEqual([third.inFlight, third.peak], [1, 3]);
    third.peak = 1;
    first.take(2);
    assert.equal(second.peak, 2);
    second.answer(4);
    third.answer(5);
    assert.equal(first.answering, 9);
  });

  it('are waited for by those who wait in any worker', () => {
    const { seats } = tableOf(0, 0);
    const [first, second] = seats as [Seat, Seat];
    second.wait(3);
    first.wait(1);
    assert.deepEqual([first.queued, second.queued], [4, 4]);
    second.wait(0);
    assert.equal(first.queued, 1);
  });

  it('of versions are apart', () => {
    const { pools, seats } = tableOf(3, 4);
    const other = new Seat(pools[0] as Pool, CELL + 1);
    other.take(1);
    assert.deepEqual([seats[0]?.inFlight, other.inFlight], [7, 1]);
  });

  it('move with their worker to another cell, and are left behind in none', () => {
    const { pools, seats } = tableOf(3, 4);
    const [first, second] = seats as [Seat, Seat];
    first.publish(8, { limit: 8, baselineMs: 20 }, false, false);
    second.clear();
    assert.deepEqual([first.inFlight, first.limit], [3, 8], 'the leader’s word is not others’ to take back');
    first.clear();
    assert.deepEqual([first.inFlight, second.limit], [0, 0]);
    first.move(CELL + 1);
    first.hold(3);
    assert.deepEqual([first.inFlight, new Seat(pools[1] as Pool, CELL + 1).inFlight, second.inFlight], [3, 3, 0]);
  });
});

describe('what comes under pressure', () => {
  it('is told to the others once each, and only what came since they last looked', () => {
    const { pools, seats } = tableOf(0, 0, 0);
    const [first, second, third] = seats as [Seat, Seat, Seat];
    assert.deepEqual(first.exchange({ arrivals: 10, completions: 4 }), { arrivals: 0, completions: 0 });
    assert.deepEqual(second.exchange({ arrivals: 3, completions: 2 }), { arrivals: 10, completions: 4 });
    assert.deepEqual(first.exchange({ arrivals: 1, completions: 1 }), { arrivals: 3, completions: 2 });
    assert.deepEqual(third.exchange({ arrivals: 0, completions: 0 }), { arrivals: 14, completions: 7 });
    assert.deepEqual(third.exchange({ arrivals: 5, completions: 5 }), { arrivals: 0, completions: 0 });
    const late = new Seat(pools[0] as Pool, CELL);
    assert.deepEqual(late.exchange({ arrivals: 0, completions: 0 }), { arrivals: 0, completions: 0 });
  });

  it('is never less than nothing when a worker dies, and goes round', () => {
    const { words, seats } = tableOf(0, 0);
    const [first, second] = seats as [Seat, Seat];
    first.exchange({ arrivals: 100, completions: 50 });
    second.exchange({ arrivals: 0, completions: 0 });
    vacate(words, 2, 0);
    assert.deepEqual(second.exchange({ arrivals: 7, completions: 3 }), { arrivals: 0, completions: 0 });
    first.exchange({ arrivals: 2 ** 31 - 10, completions: 0 });
    assert.equal(second.exchange({ arrivals: 0, completions: 0 }).arrivals, 2 ** 31 - 10);
    first.exchange({ arrivals: 20, completions: 0 });
    assert.deepEqual(second.exchange({ arrivals: 1, completions: 0 }), { arrivals: 20, completions: 0 });
  });
});

describe('the leader', () => {
  it('is the worker in the place that the memory names', () => {
    const { words, pools } = tableOf(0, 0);
    assert.deepEqual(
      pools.map(({ leads }) => leads),
      [true, false],
    );
    Atomics.store(words, LEADER, 1);
    assert.deepEqual(
      pools.map(({ leads }) => leads),
      [false, true],
    );
  });

  it('hears all workers, and nobody else hears any', () => {
    const { pools, seats } = tableOf(0, 0, 0);
    seats[1]?.tell(TOLD.sample, 5);
    seats[2]?.tell(TOLD.hung, 7);
    for (const place of [1, 2]) pools[place]?.tick(0, NOBODY);
    const heard: number[][] = [];
    pools[0]?.tick(0, (...told) => heard.push(told));
    assert.deepEqual(heard, [
      [CELL, TOLD.sample, 5],
      [CELL, TOLD.hung, 7],
    ]);
  });

  it('that has just become one hears what nobody heard, its own words too', () => {
    const { words, pools, seats } = tableOf(0, 0);
    seats[1]?.tell(TOLD.sample, 5);
    Atomics.store(words, LEADER, 1);
    const heard: number[][] = [];
    pools[1]?.tick(0, (...told) => heard.push(told));
    assert.deepEqual(heard, [[CELL, TOLD.sample, 5]]);
  });

  it('has its word heard by all', () => {
    const { seats } = tableOf(0, 0);
    const [leader, other] = seats as [Seat, Seat];
    assert.deepEqual([other.limit, other.known], [0, { limit: 0, baselineMs: 0 }]);
    leader.publish(3, { limit: 12, baselineMs: 20.25 }, true, false);
    assert.deepEqual([other.limit, other.isLearning, other.isProbing], [3, true, false]);
    assert.deepEqual(other.known, { limit: 12, baselineMs: 20.25 });
    leader.publish(3, { limit: 12, baselineMs: 20.25 }, false, true);
    assert.deepEqual([other.isLearning, other.isProbing], [false, true]);
  });
});
