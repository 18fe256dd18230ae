/** Bytes that wait come out as they went in, in few pieces. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Pieces } from '#src/proxy/http2/session/pieces.ts';

test('what is copied and lent comes out in its order, however it is taken', () => {
  const random = new Random(20_261_122);
  const draw = (below: number): number => random.nextUint32() % below;
  const pieces = new Pieces();
  let model = '';
  for (let n = 0; n < 5000; n++) {
    const size = 1 + draw(draw(10) === 0 ? 9000 : 30);
    const bytes = Buffer.alloc(size + 4, 97 + (n % 26));
    const text = bytes.toString('latin1', 2, size + 2);
    switch (draw(5)) {
      case 0:
        pieces.lend(bytes, 2, size + 2);
        model += text;
        break;
      case 1:
      case 2:
        pieces.copy(bytes, 2, size + 2);
        // It is the caller's again.
        bytes.fill(0);
        model += text;
        break;
      case 3: {
        const first = pieces.shift();
        assert.equal(first?.toString('latin1') ?? '', model.slice(0, first?.length ?? 0));
        model = model.slice(first?.length ?? 0);
        break;
      }
      default: {
        const { first } = pieces;
        if (first === null) break;
        const count = 1 + draw(first.end - first.from);
        assert.equal(first.bytes.toString('latin1', first.from, first.from + count), model.slice(0, count));
        pieces.drop(count);
        model = model.slice(count);
      }
    }
    assert.equal(pieces.byteCount, model.length);
    assert.equal(pieces.size === 0, model === '');
  }
});

test('a byte at a time is few pieces, and what was given away does not change', () => {
  const pieces = new Pieces();
  for (let n = 0; n < 65_535; n++) pieces.copy(Buffer.from('x'), 0, 1);
  assert.ok(pieces.size <= 20, `${pieces.size} pieces`);
  while (pieces.size > 1) pieces.shift();
  const last = pieces.shift();
  const before = last?.toString();
  pieces.copy(Buffer.from('y'), 0, 1);
  assert.equal(last?.toString(), before);
});

test('those that are lent are counted until they are gone', () => {
  const pieces = new Pieces();
  const bytes = Buffer.from('lent');
  pieces.lend(bytes, 0, 4);
  assert.deepEqual([pieces.lentCount, pieces.first?.bytes === bytes], [1, true]);
  pieces.drop(3);
  assert.equal(pieces.lentCount, 1);
  pieces.drop(1);
  assert.deepEqual([pieces.lentCount, pieces.first, pieces.shift()], [0, null, null]);
});
