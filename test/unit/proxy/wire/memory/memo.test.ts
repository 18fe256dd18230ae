/** Lines that come again: which are known, and which are not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { LineMemo } from '#src/proxy/wire/memory/memo.ts';
import { readMemory } from '#src/proxy/wire/memory/memory.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';

/** Looks for a line, and keeps its own text for it where it may. Returns what was known. */
function seen(memo: LineMemo<string>, line: string, from = 7, rest = '\r\nmore\r'): string | null {
  readMemory.write(`${'.'.repeat(from)}${line}${rest}`, 'latin1');
  const known = memo.find(readMemory, from, from + line.length + rest.length);
  if (known === null && memo.isDue) memo.keep(`of ${line}`, line.length);
  return known;
}

describe('a line', () => {
  it('is known from the third time on, wherever it stands', () => {
    const memo = new LineMemo<string>();
    assert.deepEqual(
      [seen(memo, 'a'), seen(memo, 'a'), seen(memo, 'a'), seen(memo, 'a', 100)],
      [null, null, 'of a', 'of a'],
    );
  });

  it('of any length up to 239 bytes is told from every other that differs in one byte, or in length', () => {
    for (let length = 1; length <= 239; length += length < 40 ? 1 : 7) {
      const memo = new LineMemo<string>();
      const line = 'x'.repeat(length);
      for (let n = 0; n < 2; n++) seen(memo, line);
      for (let at = 0; at < length; at++) assert.equal(seen(memo, `${line.slice(0, at)}y${line.slice(at + 1)}`), null);
      for (const other of [line.slice(1), `${line}x`]) assert.equal(seen(memo, other), null);
      assert.equal(seen(memo, line), `of ${line}`, `${length}`);
    }
  });

  it('is not known if it is longer, does not end, ends elsewhere, or stands in other memory', () => {
    const memo = new LineMemo<string>();
    for (let n = 0; n < 4; n++) assert.equal(seen(memo, 'x'.repeat(240)), null);
    for (let n = 0; n < 4; n++) assert.equal(seen(memo, 'no end', 0, ''), null);
    for (let n = 0; n < 4; n++) assert.equal(memo.find(Buffer.from('elsewhere\r\n'), 0, 11), null);
    assert.equal(memo.isDue, false);
    for (let n = 0; n < 3; n++) seen(memo, 'cut');
    assert.equal(memo.find(readMemory, 7, 10), null, 'its CR is not there yet');
    assert.equal(memo.find(readMemory, 7, 11), 'of cut');
  });

  it('is kept as long as no other in its place comes twice in a row', () => {
    const memo = new LineMemo<string>();
    for (let n = 0; n < 2; n++) seen(memo, 'stays');
    for (let n = 0; n < 20_000; n++) seen(memo, `once ${n}`);
    assert.equal(seen(memo, 'stays'), 'of stays');
    for (let n = 0; n < 20_000; n++) {
      seen(memo, `twice ${n}`);
      seen(memo, `twice ${n}`);
    }
    assert.equal(seen(memo, 'stays'), null);
  });

  it('is what the memo that was used last knows, not another', () => {
    const [one, other] = [new LineMemo<string>(), new LineMemo<string>()];
    for (let n = 0; n < 3; n++) seen(one, 'a');
    assert.equal(seen(other, 'a'), null);
    assert.equal(seen(one, 'a'), null);
  });

  it('that is empty is never known, whatever was kept before', () => {
    const [one, other] = [new LineMemo<string>(), new LineMemo<string>()];
    for (let n = 0; n < 5000; n++) for (let times = 0; times < 2; times++) seen(one, `line ${n}`);
    seen(other, 'a');
    for (let n = 0; n < 4; n++) assert.equal(seen(one, ''), null);
  });

  it('is never taken for another, whatever comes in whatever order', () => {
    const memo = new LineMemo<string>();
    const random = new Random(13);
    let known = 0;
    for (let n = 0; n < 30_000; n++) {
      const line = `${'/a'.repeat(random.nextUint32() % 20)}${random.nextUint32() % 600}`;
      const found = seen(memo, line, random.nextUint32() % 50);
      if (found === null) continue;
      known++;
      assert.equal(found, `of ${line}`);
    }
    assert.ok(known > 300, `${known}`);
  });
});

it('looking for a line allocates nothing', COUNTED, () => {
  const memo = new LineMemo<string>();
  for (let n = 0; n < 3; n++) seen(memo, 'GET /known HTTP/1.1');
  let found: string | null = null;
  assert.equal(
    bytesPerCall(() => {
      found = memo.find(readMemory, 7, 100);
    }),
    0,
  );
  assert.equal(found, 'of GET /known HTTP/1.1');
});
