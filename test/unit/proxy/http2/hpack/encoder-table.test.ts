import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { sizeOf } from '#src/proxy/http2/hpack/dynamic-table.ts';
import { EncoderTable } from '#src/proxy/http2/hpack/encoder-table.ts';
import { anyField, type Field } from '../../../../support/http/fuzz/hpack.ts';

test('a field is worth a place when it comes again', () => {
  const table = new EncoderTable();
  assert.equal(table.isWanted('server', 'a'), false);
  assert.equal(table.isWanted('server', 'b'), false);
  assert.equal(table.isWanted('a', 'server'), false);
  assert.equal(table.isWanted('server', 'a'), true);
});

test('what is new each time never is, nor what comes again too late', () => {
  const table = new EncoderTable();
  for (let n = 0; n < 1000; n++) assert.equal(table.isWanted('x-id', `${n}`), false);
  assert.equal(table.isWanted('x-id', '999'), true);
  assert.equal(table.isWanted('x-id', `${1000 - 64}`), true);
  assert.equal(table.isWanted('x-id', `${1000 - 65}`), false);
});

test('what would take most of the table is not', () => {
  const table = new EncoderTable();
  table.limit(400);
  const fits = 'v'.repeat(300 - 32 - 1);
  for (const value of [fits, `${fits}v`]) {
    table.isWanted('n', value);
    assert.equal(table.isWanted('n', value), value === fits);
  }
});

test('a name has at most eight entries', () => {
  const table = new EncoderTable();
  for (let n = 0; n < 8; n++) {
    table.isWanted('n', `${n}`);
    assert.equal(table.isWanted('n', `${n}`), true);
    table.add('n', `${n}`);
  }
  table.isWanted('n', '8');
  assert.equal(table.isWanted('n', '8'), false);
  table.limit(8 * 34 - 1);
  table.isWanted('n', '8');
  assert.equal(table.isWanted('n', '8'), true, 'one was evicted');
});

test('a field is found by its index, and a name by that of its newest entry', () => {
  const table = new EncoderTable();
  assert.equal(table.find('a', 'x'), 0);
  table.add('a', 'x');
  table.add('b', 'x');
  table.add('a', 'y');
  assert.deepEqual([table.find('a', 'y'), table.find('b', 'x'), table.find('a', 'x')], [62, 63, 64]);
  assert.deepEqual([table.find('a', 'z'), table.find('b', 'z'), table.find('c', 'x')], [-62, -63, 0]);
});

test('it finds what a list that is pushed and popped has', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed);
    const table = new EncoderTable();
    const list: Field[] = [];
    let bytes = 4096;
    const evict = (): void => {
      while (list.map((field) => sizeOf(...field)).reduce((sum, size) => sum + size, 0) > bytes) list.pop();
    };
    for (let step = 0; step < 400; step++) {
      const field = anyField(random);
      if (step % 50 === 49) {
        bytes = random.nextUint32() % 4097;
        table.limit(bytes);
        evict();
      }
      const index = list.findIndex(([name, value]) => name === field[0] && value === field[1]);
      const nameIndex = list.findIndex(([name]) => name === field[0]);
      const expected = index >= 0 ? 62 + index : nameIndex >= 0 ? -62 - nameIndex : 0;
      assert.equal(table.find(...field), expected, `seed ${seed}, step ${step}`);
      if (index < 0 && sizeOf(...field) <= bytes) {
        table.add(...field);
        list.unshift(field);
        evict();
      }
    }
  }
});
