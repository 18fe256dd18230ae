import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Beats, StallWatch } from '#src/lib/threads/stall.ts';

/** A watch that looks every second for 10 looks, on a clock that the test moves. */
function watched() {
  const watch = new StallWatch(1000, 10);
  let nowMs = 5000;
  return {
    look: (beats: (Beats | null)[], afterMs = 1000): number[] => {
      nowMs += afterMs;
      return watch.look(nowMs, beats);
    },
  };
}

const at = (count: number, life = 1): Beats => ({ life, count });
/** Looks until a stall is found, at most `max` times. */
function looksUntilFound(look: () => number[], max = 50): number {
  for (let n = 1; n <= max; n++) if (look().length > 0) return n;
  return Number.POSITIVE_INFINITY;
}

suite('a stall', () => {
  test('is a count that stands still for ten looks after the one that saw it first', () => {
    const { look } = watched();
    assert.equal(
      looksUntilFound(() => look([at(7)])),
      11,
    );
  });

  test('is none while the thread turns, however slowly', () => {
    const { look } = watched();
    let turns = 0;
    for (let n = 0; n < 100; n++) assert.deepEqual(look([at(n % 9 === 0 ? ++turns : turns)]), []);
  });

  test('is told by index, again only after another full time', () => {
    const { look } = watched();
    let turns = 0;
    const found = Array.from({ length: 32 }, () => look([at(++turns), null, at(3)]));
    const expected = found.map((_, n) => (n === 10 || n === 20 || n === 30 ? [2] : []));
    assert.deepEqual(found, expected);
  });

  test('is not what a successor with the same count does', () => {
    const { look } = watched();
    for (let n = 0; n < 8; n++) look([at(7)]);
    assert.equal(
      looksUntilFound(() => look([at(7, 2)])),
      11,
    );
  });

  test('is not found where nobody was watched in between', () => {
    const { look } = watched();
    for (let n = 0; n < 8; n++) look([at(7)]);
    look([null]);
    assert.equal(
      looksUntilFound(() => look([at(7)])),
      11,
    );
  });
});

suite('a process that was stopped', () => {
  test('gives every thread its full time anew, whenever it is woken and however often', () => {
    for (const stoppedMs of [2001, 10_000, 3_600_000]) {
      const { look } = watched();
      for (let n = 0; n < 10; n++) assert.deepEqual(look([at(7)]), []);
      assert.deepEqual(look([at(7)], stoppedMs), [], `${stoppedMs} ms`);
      for (let n = 0; n < 9; n++) assert.deepEqual(look([at(7)]), []);
      assert.deepEqual(look([at(7)], stoppedMs), []);
    }
  });

  test('still finds a stall that outlasts it', () => {
    const { look } = watched();
    look([at(7)]);
    look([at(7)], 60_000);
    assert.equal(
      looksUntilFound(() => look([at(7)])),
      10,
    );
  });
});
