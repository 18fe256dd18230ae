/** What Consul may answer to a check-and-set, and what each answer means. */

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { openConsulWeights } from '#src/sources/stores/write/consul.ts';
import { type Asked, startFake } from '../../../../support/stores/fake.ts';

const never = new AbortController().signal;
const ENTRY = JSON.stringify([{ Key: 'k', Value: btoa('now'), ModifyIndex: 9 }]);

async function rig(t: TestContext, answer: (asked: Asked) => [number, string] | null) {
  const { url, asked } = await startFake(t, (one, response) => {
    const given = answer(one);
    if (given === null) response.socket?.destroy();
    else response.writeHead(given[0]).end(given[1]);
  });
  const store = openConsulWeights({
    kind: 'consul',
    address: url,
    prefix: 'sluice',
    token: 'a-secret-token',
    datacenter: 'dc7',
    consistency: 'stale',
    waitMs: 1000,
    tls: null,
  });
  t.after(() => store.close());
  return { store, asked };
}

describe('weights in Consul', () => {
  test('are read consistently, whatever the source reads by', async (t) => {
    const { store, asked } = await rig(t, () => [200, ENTRY]);
    assert.deepEqual(await store.read('shop', never), { text: 'now', revision: '9' });
    assert.equal(asked[0]?.url, '/v1/kv/sluice/weights/shop?consistent&dc=dc7');
    assert.equal(asked[0]?.headers['x-consul-token'], 'a-secret-token');
  });

  test('that nobody wrote have no revision, and what is no Consul is told', async (t) => {
    const { store } = await rig(t, ({ url }) => (url.includes('shop') ? [404, ''] : [200, '[{}]']));
    assert.deepEqual(await store.read('shop', never), { text: null, revision: '0' });
    await assert.rejects(store.read('other', never), /is this Consul/);
  });

  test('are set in a transaction that tells their own index', async (t) => {
    const { store, asked } = await rig(t, () => [200, '{"Results":[{"KV":{"ModifyIndex":12}}],"Errors":null}']);
    assert.deepEqual(await store.write('shop', 'text', '9', never), { kind: 'written', revision: '12' });
    const [one] = asked;
    assert.deepEqual([one?.method, one?.url], ['PUT', '/v1/txn?dc=dc7']);
    const set = { Verb: 'cas', Key: 'sluice/weights/shop', Value: btoa('text'), Index: 9 };
    assert.deepEqual(JSON.parse(one?.body ?? ''), [{ KV: set }]);
  });

  test('of another index are a conflict, with what is there', async (t) => {
    const stale = '{"Errors":[{"OpIndex":0,"What":"failed to set key \\"k\\", index is stale"}]}';
    const { store, asked } = await rig(t, ({ method }) => (method === 'PUT' ? [409, stale] : [200, ENTRY]));
    const conflict = { kind: 'conflict', present: { text: 'now', revision: '9' } };
    assert.deepEqual(await store.write('shop', 'text', '7', never), conflict);
    assert.deepEqual(await store.write('shop', 'text', 'abc', never), conflict);
    assert.equal(asked.filter(({ method }) => method === 'PUT').length, 1, 'no index is not sent');
  });

  const answers: readonly [string, [number, string] | null, 'refused' | 'unconfirmed'][] = [
    ['without permission', [403, 'Permission denied'], 'refused'],
    ['rolled back for another reason', [409, '{"Errors":[{"What":"Permission denied"}]}'], 'refused'],
    ['too large', [413, 'too large'], 'refused'],
    ['without a leader', [500, 'No cluster leader'], 'unconfirmed'],
    ['that timed out on the way', [504, ''], 'unconfirmed'],
    ['that timed out in the agent', [408, ''], 'unconfirmed'],
    ['answered with nothing that Consul says', [200, '{}'], 'unconfirmed'],
    ['whose connection breaks', null, 'unconfirmed'],
  ];
  for (const [name, answer, kind] of answers) {
    test(`${name} are ${kind}, and the token is not told`, async (t) => {
      const { store, asked } = await rig(t, () => answer);
      const result = await store.write('shop', 'text', '9', never);
      assert.equal(result.kind, kind);
      assert.equal(asked.length, 1, 'a write is sent once');
      assert.doesNotMatch(JSON.stringify(result), /a-secret-token/);
    });
  }
});
