/** A window over seconds: what is in it, and what has left. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Seconds } from '#src/slo/budget/composite/seconds.ts';

const one = (finished: number) => ({ finished, bad: 1, late: 0.5 });

describe('the last seconds', () => {
  it('sum up a window and forget what is older', () => {
    const seconds = new Seconds(3000);
    for (let n = 0; n < 5; n++) seconds.add(one(n), n * 1000);
    assert.deepEqual(seconds.sums(), { finished: 2 + 3 + 4, bad: 3, late: 1.5 });
  });

  it('tell when a second begins', () => {
    const seconds = new Seconds(3000);
    assert.deepEqual(
      [5000, 5999, 6000, 5500, 8200].map((nowMs) => seconds.add(one(1), nowMs)),
      [true, false, true, false, true],
    );
  });

  it('are empty after a gap as long as the window', () => {
    const seconds = new Seconds(3000);
    seconds.add(one(100), 1000);
    seconds.add(one(7), 4000);
    assert.equal(seconds.sums().finished, 7);
    seconds.add(one(9), 4_000_000);
    assert.equal(seconds.sums().finished, 9);
  });

  it('agree with a plain list, whatever the gaps', () => {
    const seconds = new Seconds(7000);
    const list: { readonly at: number; readonly finished: number }[] = [];
    let at = 0;
    for (let n = 0; n < 500; n++) {
      at += (n * 7919) % 4;
      list.push({ at, finished: n });
      seconds.add(one(n), at * 1000 + ((n * 31) % 1000));
      const expected = list.filter((entry) => entry.at > at - 7).reduce((sum, { finished }) => sum + finished, 0);
      assert.equal(seconds.sums().finished, expected, `step ${n}`);
    }
  });
});
