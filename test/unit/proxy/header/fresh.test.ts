/** Fresh ids: hexadecimal, never zero, replayable, and the lines that carry them. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { FreshLines, freshLines, idWords, spanOf, traceOf } from '#src/proxy/header/fresh.ts';
import { reserve, whole } from '#src/proxy/wire/memory/memory.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';

const LINES = /^X-Request-Id: ([0-9a-f]{32})\r\ntraceparent: 00-\1-[0-9a-f]{16}-00\r\n$/;

describe('fresh lines', () => {
  it('carry one id as the request and as its trace, and another for the span', () => {
    const fresh = new FreshLines(new Random(1));
    for (let i = 0; i < 1000; i++) assert.match(fresh.next(), LINES);
  });

  it('are made of digits, and taken apart again', () => {
    const lines = freshLines('0123456789abcdef0123456789abcdefaaaabbbbccccdddd');
    assert.match(lines, LINES);
    assert.equal(traceOf(lines), '0123456789abcdef0123456789abcdef');
    assert.equal(spanOf(lines), 'aaaabbbbccccdddd');
  });

  it('are never zero, neither as trace nor as span', () => {
    const lines = new FreshLines({ nextUint32: () => 0 } as unknown as Random).next();
    assert.notEqual(traceOf(lines), '0'.repeat(32));
    assert.notEqual(spanOf(lines), '0'.repeat(16));
  });

  it('differ from one another', () => {
    const fresh = new FreshLines(new Random(7));
    const all = Array.from({ length: 20_000 }, () => fresh.next());
    assert.equal(new Set(all.map(traceOf)).size, all.length);
    assert.equal(new Set(all.map(spanOf)).size, all.length);
  });

  it('have every digit at every place', () => {
    const fresh = new FreshLines(new Random(11));
    const seen = Array.from({ length: 48 }, () => new Set<string>());
    for (let i = 0; i < 2000; i++) {
      const lines = fresh.next();
      [...(traceOf(lines) + spanOf(lines))].forEach((digit, at) => seen[at]?.add(digit));
    }
    // The first digit of each id is odd, so that neither is zero.
    assert.deepEqual(
      seen.map((digits) => digits.size),
      Array.from({ length: 48 }, (_, at) => (at === 0 || at === 32 ? 8 : 16)),
    );
  });

  it('come again from the same seed, and not from another', () => {
    const first = new FreshLines(new Random(3)).next();
    assert.equal(new FreshLines(new Random(3)).next(), first);
    assert.notEqual(new FreshLines(new Random(4)).next(), first);
  });

  it('can be put down as the bytes that they are, the last ones that were given', () => {
    const fresh = new FreshLines(new Random(5));
    const out = Buffer.alloc(200, '.');
    let before = '';
    for (let i = 0; i < 200; i++) {
      const lines = fresh.next();
      assert.notEqual(lines, before);
      assert.deepEqual([fresh.lines, fresh.trace], [lines, traceOf(lines)]);
      assert.equal(fresh.put(out, 3), lines.length);
      assert.equal(out.toString('latin1', 0, lines.length + 4), `...${lines}.`);
      before = lines;
    }
  });

  it('are put down as one’s own, also in the thread’s memory where others make theirs', () => {
    const all = [new FreshLines(new Random(6)), new FreshLines(new Random(7))];
    const at = reserve(200);
    for (let i = 0; i < 200; i++) {
      for (const fresh of all) fresh.advance();
      for (const fresh of all) {
        assert.equal(whole.toString('latin1', at, at + fresh.put(whole, at)), fresh.lines);
      }
    }
  });

  it('cost one string for many, and a piece of it each', COUNTED, () => {
    const fresh = new FreshLines(new Random(1));
    let kept = '';
    assert.ok(bytesPerCall(() => void (kept = fresh.next()), 5000, 160) <= 160, kept);
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
