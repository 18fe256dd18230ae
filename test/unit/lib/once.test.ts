/** What is computed once is kept, whatever it is. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { once } from '#src/lib/once.ts';

describe('once', () => {
  it('computes when asked, and then never again', () => {
    let count = 0;
    const value = once(() => {
      count += 1;
      return undefined;
    });
    assert.equal(count, 0);
    assert.equal(value(), undefined);
    assert.equal(value(), undefined);
    assert.equal(count, 1);
  });

  it('tries again after a failure', () => {
    let count = 0;
    const value = once(() => {
      count += 1;
      if (count === 1) throw new Error('not yet');
      return count;
    });
    assert.throws(value);
    assert.equal(value(), 2);
  });
});
