import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { RouteConfig } from '#src/model/config.ts';
import {
  fromBaseRow,
  fromRow,
  nameOf,
  packConfig,
  packDifference,
  type RevisionHead,
  toBaseRow,
  toRow,
  unpackConfig,
  unpackDifference,
} from '#src/snapshot/revisions/packed.ts';
import { configOf, SOUND } from '../../../support/config.ts';

const HEAD: RevisionHead = {
  number: 12,
  revision: 3,
  hash: 'ab'.repeat(32),
  at: '2026-11-01T08:00:00.000Z',
  origin: ['gateway.yaml'],
  contentOf: 12,
  routes: 1,
  release: '1.0.0',
  verifiedWith: ['k1:9f86d081884c'],
};

suite('packed configurations', () => {
  test('come back as they were, values without a JSON form too', async () => {
    const config = configOf(SOUND);
    assert.equal(config.routes[0]?.retry.hedgeMs, Number.POSITIVE_INFINITY);
    assert.deepEqual(unpackConfig(await packConfig(config)), config);
  });

  test('rows come back with and without content', async () => {
    const packed = await packConfig(configOf(SOUND));
    const content = { packed: new Uint8Array(packed), base: null };
    assert.deepEqual(fromRow(toRow(HEAD, content)), { head: HEAD, content });
    assert.deepEqual(fromRow(toRow(HEAD, null)), { head: HEAD, content: null });
  });

  test('differences come back with what they are made to, and tell its name in their rows', async () => {
    const base = configOf(SOUND);
    const [route] = base.routes;
    const after = { ...base, routes: [...base.routes, { ...(route as RouteConfig), name: 'other' }] };
    const added = { add: after.routes.slice(1) };
    const packed = await packDifference({ ...after, services: [{ keep: 1 }], routes: [{ keep: 1 }, added] });
    assert.deepEqual(unpackDifference(packed, base), after);
    assert.throws(() => unpackDifference(packed, { ...base, routes: [] }), /edits for a list/);
    const whole = new Uint8Array(await packConfig(base));
    const content = { packed: new Uint8Array(packed), base: nameOf(whole) };
    assert.deepEqual(fromRow(toRow(HEAD, content)), { head: HEAD, content });
    assert.deepEqual(fromBaseRow(toBaseRow(whole)), whole);
    const damaged = new Uint8Array(toBaseRow(whole));
    damaged[damaged.length - 1] = (damaged.at(-1) as number) ^ 1;
    assert.throws(() => fromBaseRow(damaged), /does not have the sum/);
  });

  test('a row that is not whole is refused, wherever it was damaged', async () => {
    const row = toRow(HEAD, { packed: await packConfig(configOf(SOUND)), base: null });
    for (let length = 0; length < row.length; length++) assert.throws(() => fromRow(row.subarray(0, length)));
    const contentAt = 4 + Buffer.from(row).readUInt32LE(0);
    for (let at = contentAt; at < row.length; at++) {
      const damaged = new Uint8Array(row);
      damaged[at] = (damaged[at] as number) ^ 1;
      assert.throws(() => fromRow(damaged), /does not have the sum/, `byte ${at}`);
    }
    const text = Buffer.from('{"number": 1}');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    assert.throws(() => fromRow(Buffer.concat([length, text])), /not sound/);
    assert.throws(() => fromRow(toRow({ ...HEAD, verifiedWith: [1] as never }, null)), /not sound/);
  });

  test('what does not say how it was verified, as earlier rows do not, was not', () => {
    const { verifiedWith: _, ...before } = HEAD;
    assert.equal(fromRow(toRow(before as RevisionHead, null)).head.verifiedWith, null);
  });
});
