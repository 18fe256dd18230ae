/** Request ids: hexadecimal, never zero, replayable, and the same words in the events ring. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { idWords, RequestIds } from '#src/lib/request-id.ts';
import { bytesPerCall } from '../../support/proxy/allocation.ts';

describe('request ids', () => {
  it('are 48 hexadecimal digits', () => {
    const ids = new RequestIds(new Random(1));
    for (let i = 0; i < 1000; i++) assert.match(ids.next(), /^[0-9a-f]{48}$/);
  });

  it('are never zero, neither as trace nor as span', () => {
    const ids = new RequestIds({ nextUint32: () => 0 } as unknown as Random);
    const id = ids.next();
    assert.notEqual(id.slice(0, 32), '0'.repeat(32));
    assert.notEqual(id.slice(32), '0'.repeat(16));
  });

  it('differ from one another', () => {
    const ids = new RequestIds(new Random(7));
    const seen = new Set(Array.from({ length: 20_000 }, () => ids.next().slice(0, 32)));
    assert.equal(seen.size, 20_000);
  });

  it('come again from the same seed, and not from another', () => {
    const first = new RequestIds(new Random(3)).next();
    assert.equal(new RequestIds(new Random(3)).next(), first);
    assert.notEqual(new RequestIds(new Random(4)).next(), first);
  });

  it('cost one string each', () => {
    const ids = new RequestIds(new Random(1));
    let kept = '';
    assert.ok(bytesPerCall(() => void (kept = ids.next()), 5000, 160) <= 160, kept);
  });
});

describe('the words of an id', () => {
  it('are its 32 digits, eight at a time', () => {
    assert.deepEqual(idWords('0000000100000002000000030000000a'), [1, 2, 3, 10]);
    assert.deepEqual(idWords('ffffffff00000000ffffffff00000000'), [-1, 0, -1, 0]);
  });

  it('are read through dashes', () => {
    assert.deepEqual(idWords('00000001-0000-0002-0000-00030000000a'), [1, 2, 3, 10]);
  });

  it('are zero for what is not such an id', () => {
    for (const text of ['', 'abc', 'g'.repeat(32), '0'.repeat(31), '1'.repeat(33)]) {
      assert.deepEqual(idWords(text), [0, 0, 0, 0], text);
    }
  });
});
