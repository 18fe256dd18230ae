/** The words of request ids, as the events ring has them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { idWords } from '#src/lib/request-id.ts';

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
