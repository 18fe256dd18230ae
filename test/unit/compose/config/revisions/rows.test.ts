import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RevisionRows } from '#src/compose/config/revisions/rows.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import { confirmedOf } from '#src/snapshot/revisions/confirmed.ts';
import { History } from '#src/snapshot/revisions/history.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

const PIN = { from: 'a', to: 1, hash: 'b', at: '', by: 'api', reason: '' };

function rig() {
  const saved: ReadonlyMap<string, SavedBudget>[] = [];
  const history = new History('1');
  const log = { error: (event: string): void => assert.fail(event) } as never;
  const rows = new RevisionRows(history, { log, save: (news) => void saved.push(news) });
  const keys = (): string[][] => saved.splice(0).map((news) => [...news.keys()]);
  return { history, rows, keys };
}

test('rows are copies under keys of their own, and saved again only when they have changed', () => {
  const { rows, keys } = rig();
  rows.setPin(PIN);
  const [row] = rows.all().values();
  assert.deepEqual([[...rows.all().keys()], row?.format], [['config/pin'], 1]);
  assert.notEqual(row?.bytes, rows.all().get('config/pin')?.bytes);
  rows.saveNews();
  rows.saveNews();
  assert.deepEqual(keys(), [['config/pin']]);
  rows.setPin(PIN);
  rows.saveNews();
  assert.deepEqual(keys(), [['config/pin']], 'packed anew');
});

test('revisions are saved when they are packed', async () => {
  const { history, rows, keys } = rig();
  const config = configOf(SOUND);
  history.add({ config, revision: 1, hash: 'a', at: '', origin: [], contentOf: null });
  rows.keep();
  assert.deepEqual(keys(), [], 'not before');
  await history.pack();
  await new Promise(setImmediate);
  assert.deepEqual(keys(), [['config/1', 'config/pin']]);
});

test('what cannot be packed or saved is logged; the rest is saved, and what failed with the next', async () => {
  const told: unknown[] = [];
  const saved: string[][] = [];
  const [unpacked, full] = [new Error('no memory'), new Error('the disk is full')];
  const history = new History('1');
  history.pack = () => Promise.reject(unpacked);
  let isFull = true;
  const rows = new RevisionRows(history, {
    log: { error: (_event, { error } = {}) => void told.push(error) },
    save: (news) => {
      if (isFull) throw full;
      saved.push([...news.keys()]);
    },
  });
  rows.keep();
  await new Promise(setImmediate);
  assert.deepEqual([told.splice(0), saved], [[unpacked, full], []]);
  isFull = false;
  rows.keep();
  await new Promise(setImmediate);
  assert.deepEqual([told, saved], [[unpacked], [['config/pin']]]);
});

test('what sources confirmed to an earlier process counts until they have confirmed something to this one', () => {
  const { rows } = rig();
  const at = (): string => confirmedOf(rows.all().get('config/confirmed')?.bytes as Uint8Array).at;
  rows.recallConfirmed({ hash: 'a', at: '2026-01-01T00:00:00.000Z', passedOver: '' });
  assert.equal(at(), '2026-01-01T00:00:00.000Z');
  rows.setConfirmed({ hash: 'b', at: '2026-01-03T00:00:00.000Z', passedOver: '' });
  rows.recallConfirmed({ hash: 'a', at: '2026-01-02T00:00:00.000Z', passedOver: '' });
  assert.equal(at(), '2026-01-03T00:00:00.000Z');
});
