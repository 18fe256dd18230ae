/** What one worker tells the one that finds the limits. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELLS_MAX } from '#src/model/tallies.ts';
import { poolLayout, RING, RING_RECORDS, reservePool, ringAt, samplesLost } from '#src/model/threads/load/pool.ts';
import { SampleRing, TOLD } from '#src/proxy/decide/admission/ring.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

const AT = ringAt(poolLayout(2), 1);

function heard(ring: SampleRing): (readonly [number, number, number])[] {
  const all: (readonly [number, number, number])[] = [];
  ring.drain((cell, told, ms) => all.push([cell, told, ms]));
  return all;
}

describe('a ring', () => {
  it('gives what was told in its order, once', () => {
    const ring = new SampleRing(reservePool(2), AT);
    ring.write(0, TOLD.sample, 0.25);
    ring.write(CELLS_MAX - 1, TOLD.hung, 250_000);
    ring.write(7, TOLD.ended, 12.5);
    assert.deepEqual(heard(ring), [
      [0, TOLD.sample, 0.25],
      [CELLS_MAX - 1, TOLD.hung, 250_000],
      [7, TOLD.ended, 12.5],
    ]);
    assert.deepEqual(heard(ring), []);
  });

  it('that is full counts what it has no room for, and has room again once it was read', () => {
    const pool = reservePool(2);
    const ring = new SampleRing(pool, AT);
    for (let n = 0; n < RING_RECORDS + 3; n++) ring.write(n, TOLD.sample, n);
    assert.equal(samplesLost(pool, 2), 3);
    const all = heard(ring);
    assert.equal(all.length, RING_RECORDS);
    assert.deepEqual(all.at(-1), [RING_RECORDS - 1, TOLD.sample, RING_RECORDS - 1]);
    ring.write(5, TOLD.ended, 6);
    assert.deepEqual(heard(ring), [[5, TOLD.ended, 6]]);
    assert.equal(samplesLost(pool, 2), 3);
  });

  it('goes round, and its counts do', () => {
    const pool = reservePool(2);
    for (const word of [RING.written, RING.read]) pool[AT + word] = 2 ** 31 - 3;
    const ring = new SampleRing(pool, AT);
    for (let round = 0; round < 3; round++) {
      const wanted = Array.from({ length: RING_RECORDS - 1 }, (_, n) => [n, TOLD.sample, round] as const);
      for (const [cell, told, ms] of wanted) ring.write(cell, told, ms);
      assert.deepEqual(heard(ring), wanted);
    }
    assert.ok((pool[AT + RING.written] as number) < 0, 'the count went round');
    for (let n = 0; n <= RING_RECORDS; n++) ring.write(n, TOLD.sample, n);
    assert.equal(samplesLost(pool, 2), 1);
  });

  it('is gone on with by those who come after its writer and its reader', () => {
    const pool = reservePool(2);
    new SampleRing(pool, AT).write(1, TOLD.sample, 1);
    assert.deepEqual(heard(new SampleRing(pool, AT)), [[1, TOLD.sample, 1]]);
    new SampleRing(pool, AT).write(2, TOLD.sample, 2);
    new SampleRing(pool, AT).write(3, TOLD.sample, 3);
    assert.deepEqual(
      heard(new SampleRing(pool, AT)).map(([cell]) => cell),
      [2, 3],
    );
  });

  it('is another one for each worker', () => {
    const pool = reservePool(2);
    const [first, second] = [0, 1].map((n) => new SampleRing(pool, ringAt(poolLayout(2), n))) as [
      SampleRing,
      SampleRing,
    ];
    for (let n = 0; n < RING_RECORDS; n++) first.write(1, TOLD.sample, 1);
    second.write(2, TOLD.sample, 2);
    assert.deepEqual(heard(second), [[2, TOLD.sample, 2]]);
    assert.ok(heard(first).every(([cell]) => cell === 1));
  });

  it('allocates nothing when it is written', COUNTED, () => {
    const ring = new SampleRing(reservePool(2), AT);
    const hear = (): void => undefined;
    assert.equal(
      bytesPerCall(() => {
        ring.write(3, TOLD.sample, 12.25);
        ring.drain(hear);
      }),
      0,
    );
  });
});
