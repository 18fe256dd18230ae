/** A table of streams is what a Map would be, without what a Map leaves behind. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { StreamTable } from '#src/proxy/http2/session/table.ts';

test('as a Map does, it has those that were added and not removed', () => {
  const draws = new Random(20_261_122);
  const random = (): number => draws.nextFloat();
  const table = new StreamTable<{ readonly id: number }>();
  const model = new Map<number, { readonly id: number }>();
  let last = -1;
  for (let n = 0; n < 5000; n++) {
    const open = [...model.values()];
    if (open.length === 0 || (open.length < 40 && random() < 0.5)) {
      // Some numbers are left out, as of streams that were refused.
      last += 2 * (1 + Math.floor(random() * 30));
      const one = { id: last };
      table.add(one);
      model.set(last, one);
    } else {
      const one = open[Math.floor(random() * open.length)] as { readonly id: number };
      table.remove(one);
      model.delete(one.id);
    }
    assert.equal(table.size, model.size);
    for (const [id, one] of model) assert.equal(table.get(id), one);
    assert.deepEqual(
      table.all().sort((a, b) => a.id - b.id),
      [...model.values()],
    );
    for (const id of [1, last - 2, last, last + 2]) assert.equal(table.get(id), model.get(id) ?? null);
  }
});

test('one that is not there can be removed, which changes nothing', () => {
  const table = new StreamTable<{ readonly id: number }>();
  table.add({ id: 1 });
  table.remove({ id: 1 });
  table.remove({ id: 3 });
  assert.equal(table.size, 1);
});
