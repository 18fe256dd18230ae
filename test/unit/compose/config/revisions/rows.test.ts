import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RevisionRows } from '#src/compose/config/revisions/rows.ts';
import { History } from '#src/snapshot/revisions/history.ts';

test('rows are copies under keys of their own, and told again only when they have changed', () => {
  const rows = new RevisionRows(new History('1'));
  const pin = new Uint8Array([7]);
  const [row] = rows.all(pin).values();
  assert.deepEqual([[...rows.all(pin).keys()], [...(row?.bytes ?? [])], row?.format], [['config/pin'], [7], 1]);
  assert.notEqual(row?.bytes, pin);
  assert.deepEqual([...rows.news(pin).keys()], ['config/pin']);
  assert.deepEqual([...rows.news(pin).keys()], []);
  assert.deepEqual([...rows.news(new Uint8Array([7])).keys()], ['config/pin'], 'packed anew');
});
