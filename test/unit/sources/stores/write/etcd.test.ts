/** What etcd may answer to a transaction, and what each answer means. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { EtcdSettings } from '#src/sources/stores/settings.ts';
import { openEtcdWeights } from '#src/sources/stores/write/etcd.ts';
import { type Asked, startFake } from '../../../../support/stores/fake.ts';

const never = new AbortController().signal;
const KEY = btoa('/sluice/v1/weights/shop');
const KVS = [{ key: KEY, value: btoa('now'), mod_revision: '9' }];

async function rig(
  t: TestContext,
  answer: (asked: Asked, count: number) => [number, unknown] | null,
  changes: Partial<EtcdSettings> = {},
) {
  let count = 0;
  const { url, asked } = await startFake(t, (one, response) => {
    const given = answer(one, ++count);
    if (given === null) response.socket?.destroy();
    else response.writeHead(given[0]).end(JSON.stringify(given[1]));
  });
  const store = openEtcdWeights({
    kind: 'etcd',
    endpoints: ['http://127.0.0.1:1', url],
    prefix: '/sluice/v1/',
    login: null,
    heartbeatMs: 1000,
    tls: null,
    ...changes,
  });
  t.after(() => store.close());
  return { store, asked };
}

describe('weights in etcd', () => {
  test('are read and written past a member that is away', async (t) => {
    const { store } = await rig(t, ({ url }) =>
      url.endsWith('range')
        ? [200, { header: { revision: '12' }, kvs: KVS }]
        : [200, { header: { revision: '13' }, succeeded: true }],
    );
    assert.deepEqual(await store.read('shop', never), { text: 'now', revision: '9' });
    assert.deepEqual(await store.write('shop', 'text', '9', never), { kind: 'written', revision: '13' });
  });

  test('that nobody wrote have no revision', async (t) => {
    const { store } = await rig(t, () => [200, { header: { revision: '12' } }]);
    assert.deepEqual(await store.read('shop', never), { text: null, revision: '0' });
  });

  test('are compared by the revision of their last change, and what is there comes with a conflict', async (t) => {
    const { store, asked } = await rig(t, () => [
      200,
      { header: { revision: '12' }, responses: [{ response_range: { kvs: KVS, count: '1' } }] },
    ]);
    const conflict = { kind: 'conflict', present: { text: 'now', revision: '9' } };
    assert.deepEqual(await store.write('shop', 'text', '7', never), conflict);
    assert.deepEqual(JSON.parse(asked[0]?.body ?? ''), {
      compare: [{ key: KEY, target: 'MOD', result: 'EQUAL', mod_revision: '7' }],
      success: [{ request_put: { key: KEY, value: btoa('text') } }],
      failure: [{ request_range: { key: KEY } }],
    });
    assert.deepEqual(await store.write('shop', 'text', 'abc', never), conflict);
    assert.match(asked[1]?.body ?? '', /"mod_revision":"-1"/);
  });

  test('that were deleted meanwhile are a conflict with nothing', async (t) => {
    const { store } = await rig(t, () => [200, { header: { revision: '12' }, responses: [{ response_range: {} }] }]);
    const nothing = { kind: 'conflict', present: { text: null, revision: '0' } };
    assert.deepEqual(await store.write('shop', 'text', '7', never), nothing);
  });

  test('are refused when no member can be connected to, or none lets us in', async (t) => {
    const { store } = await rig(t, () => null, { endpoints: ['http://127.0.0.1:1', 'http://127.0.0.1:1'] });
    assert.equal((await store.write('shop', 'text', '7', never)).kind, 'refused');
    await assert.rejects(store.read('shop', never), /ECONNREFUSED|127\.0\.0\.1/);
    const login = { username: 'u', password: 'a-secret-password' };
    const { store: closed, asked } = await rig(t, () => [400, { error: 'authentication failed' }], { login });
    const result = await closed.write('shop', 'text', '7', never);
    assert.match(result.kind === 'refused' ? result.because : '', /cannot log in/);
    assert.ok(asked.every(({ url }) => url.endsWith('authenticate')));
  });

  const answers: readonly [string, [number, unknown] | null, 'refused' | 'unconfirmed'][] = [
    ['without permission', [403, { error: 'etcdserver: permission denied' }], 'refused'],
    ['that timed out in etcd', [503, { error: 'etcdserver: request timed out' }], 'unconfirmed'],
    ['that timed out before it', [408, {}], 'unconfirmed'],
    ['answered with nothing that etcd says', [200, {}], 'unconfirmed'],
    ['whose connection breaks', null, 'unconfirmed'],
  ];
  for (const [name, answer, kind] of answers) {
    test(`${name} are ${kind}`, async (t) => {
      const { store, asked } = await rig(t, () => answer);
      assert.equal((await store.write('shop', 'text', '9', never)).kind, kind);
      // Refused by one member is refused: another one is asked only for what was never sent.
      assert.ok(asked.length <= 2 && (kind === 'refused' || asked.length === 1), String(asked.length));
    });
  }
});
