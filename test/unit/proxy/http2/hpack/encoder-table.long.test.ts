import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EncoderTable } from '#src/proxy/http2/hpack/encoder-table.ts';
import { heldBytes } from '../../../../support/readings/heap.ts';

test('an entry keeps nothing of the head that its texts were part of', async () => {
  const heads = 100;
  const before = await heldBytes();
  const tables = Array.from({ length: heads }, (_, n) => {
    const head = Buffer.alloc(100_000, `x-name-of-a-field: value-of-the-field ${n}`).toString('latin1');
    const table = new EncoderTable();
    table.add(head.slice(0, 17), head.slice(19, 37));
    return table;
  });
  const grown = (await heldBytes()) - before;
  assert.ok(grown < (heads * 100_000) / 4, `${grown} bytes`);
  assert.equal(tables[0]?.find('x-name-of-a-field', 'value-of-the-field'), 62);
});
