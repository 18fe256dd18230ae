import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { DynamicTable, sizeOf, type TableEntry } from '#src/proxy/http2/hpack/dynamic-table.ts';

function entry(text: string): TableEntry {
  return { name: text, value: `value of ${text}` };
}

test('a field counts its octets and 32', () => {
  assert.equal(sizeOf('', ''), 32);
  assert.equal(sizeOf('custom-key', 'custom-header'), 55);
});

test('entries are found by their age, the newest at 0', () => {
  const table = new DynamicTable<TableEntry>();
  for (const text of ['a', 'b', 'c']) table.add(entry(text));
  assert.deepEqual(
    [0, 1, 2].map((index) => table.at(index).name),
    ['c', 'b', 'a'],
  );
  assert.deepEqual([table.added, table.count, table.bytes], [3, 3, 3 * (1 + 10 + 32)]);
});

test('the oldest is evicted, and its place used again', () => {
  const table = new DynamicTable<TableEntry>();
  for (let n = 0; n < 1000; n++) {
    table.add(entry(`n${n}`));
    if (n >= 5) assert.equal(table.evict().name, `n${n - 5}`);
  }
  assert.equal(table.count, 5);
  for (let index = 0; index < 5; index++) assert.equal(table.at(index).name, `n${999 - index}`);
  while (table.count > 0) table.evict();
  assert.equal(table.bytes, 0);
});

test('it is the same as a list that is pushed and popped', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed);
    const table = new DynamicTable<TableEntry>();
    const list: TableEntry[] = [];
    for (let step = 0; step < 1000; step++) {
      // Grows and shrinks by turns.
      if (list.length > 0 && random.nextFloat() < (step % 200 < 100 ? 0.3 : 0.6)) {
        assert.equal(table.evict(), list.pop());
      } else {
        const one = entry('x'.repeat(random.nextUint32() % 9));
        list.unshift(one);
        table.add(one);
      }
      assert.equal(table.count, list.length);
      assert.equal(
        table.bytes,
        list.map(({ name, value }) => sizeOf(name, value)).reduce((sum, size) => sum + size, 0),
      );
    }
    assert.deepEqual(
      list.map((_, index) => table.at(index)),
      list,
      `seed ${seed}`,
    );
  }
});
