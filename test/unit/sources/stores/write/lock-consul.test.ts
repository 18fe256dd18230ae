import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openConsulLocks, SESSION_MS_LEAST } from '#src/sources/stores/write/lock-consul.ts';
import { startFake } from '../../../../support/stores/fake.ts';

const open = (address: string) => {
  const reach = { kind: 'consul', address, prefix: 'sluice', token: null, datacenter: null } as const;
  return openConsulLocks({ ...reach, consistency: 'default', waitMs: 1000, tls: null }, 'edge');
};

test('a session is renewed when it would not surely last as long as the lock is wanted, and its key is read each time', async (t) => {
  const one = { tag: 'shop', name: 'one' };
  const entry = { Value: btoa('a'), CreateIndex: 7, ModifyIndex: 7, Session: 's1' };
  let holder: object | null = null;
  const { url, asked } = await startFake(t, ({ method, url: path }, response) => {
    if (path === '/v1/session/create') response.end(JSON.stringify({ ID: 's1' }));
    else if (path === '/v1/txn') response.end(JSON.stringify({ Results: [{ KV: entry }] }));
    else if (method === 'PUT') response.end('[]');
    else response.writeHead(holder === null ? 404 : 200).end(JSON.stringify([holder]));
  });
  // How long a question may take is not the point here.
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(AbortSignal, 'timeout', () => new AbortController().signal);
  const store = open(url);
  t.after(() => store.close());
  const callsOf = async (ttlMs: number): Promise<(string | undefined)[]> => {
    const from = asked.length;
    assert.deepEqual(await store.acquire(one, 'a', ttlMs), { kind: 'held', token: 7 });
    return asked.slice(from).map(({ url: path }) => path.split('?')[0]);
  };
  const key = '/v1/kv/sluice-locks/edge/shop/one';
  assert.deepEqual(await callsOf(3000), [key, '/v1/session/create', '/v1/txn']);
  holder = entry;
  assert.deepEqual(await callsOf(3000), [key]);
  // Of 10 s nine tenths are counted on.
  assert.deepEqual(await callsOf(SESSION_MS_LEAST - 500), [key, '/v1/session/renew/s1']);
  // Somebody has ended the session: the key has gone with it.
  holder = null;
  assert.deepEqual(await callsOf(3000), [key, '/v1/session/renew/s1', '/v1/txn']);
  holder = { ...entry, Value: btoa('b'), Session: 's2' };
  const taken = await store.acquire(one, 'a', 3000);
  assert.equal(taken.kind === 'taken' && taken.owner, 'b');
});
