import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openConsul } from '#src/sources/stores/consul/consul.ts';
import type { ConsulSettings } from '#src/sources/stores/settings.ts';
import { startFake } from '../../../../support/stores/fake.ts';

const never = new AbortController().signal;

interface Given {
  readonly status?: number;
  readonly index?: string | null;
  readonly body?: string;
}

async function rig(t: TestContext, given: Given, changes: Partial<ConsulSettings> = {}) {
  const { url, asked } = await startFake(t, (_asked, response) => {
    const { status = 200, index = '7', body = '[]' } = given;
    response.writeHead(status, index === null ? {} : { 'x-consul-index': index }).end(body);
  });
  const store = openConsul({
    kind: 'consul',
    address: url,
    prefix: 'team/sluice',
    token: null,
    datacenter: null,
    consistency: 'default',
    waitMs: 60_000,
    tls: null,
    ...changes,
  });
  t.after(() => store.close());
  return { store, asked };
}

function key(name: string, value: string | null) {
  return {
    Key: `team/sluice/${name}`,
    ModifyIndex: 7,
    Value: value === null ? null : Buffer.from(value).toString('base64'),
  };
}

test('a listing is everything below the prefix, by name, folders left out', async (t) => {
  const body = JSON.stringify([key('services/b', 'x'), key('routes/', null), key('routes/a', 'ü'), key('stray', null)]);
  const { store, asked } = await rig(t, { body });
  assert.deepEqual(await store.list(never), {
    revision: '7',
    pieces: [
      { name: 'consul team/sluice/routes/a', mount: { kind: 'route', name: 'a' }, text: 'ü' },
      { name: 'consul team/sluice/services/b', mount: { kind: 'service', name: 'b' }, text: 'x' },
      { name: 'consul team/sluice/stray', mount: { kind: 'ignored' }, text: '' },
    ],
  });
  assert.equal(asked[0]?.url, '/v1/kv/team/sluice/?recurse');
});

test('an empty prefix is a 404 with an index', async (t) => {
  const { store } = await rig(t, { status: 404, body: '' });
  assert.deepEqual(await store.list(never), { pieces: [], revision: '7' });
});

test('what was asked for is in the question, the token in its field', async (t) => {
  const { store, asked } = await rig(t, {}, { token: 'geheim', datacenter: 'dc2', consistency: 'stale' });
  await store.watch('6', never, () => undefined);
  assert.equal(asked[0]?.url, '/v1/kv/team/sluice/?keys&index=6&wait=60000ms&dc=dc2&stale');
  assert.equal(asked[0]?.headers['x-consul-token'], 'geheim');
});

test('the same index is no change; a higher one is, and one that went backwards too', async (t) => {
  const { store } = await rig(t, { index: '7' });
  const words = await Promise.all(['7', '6', '8'].map((revision) => store.watch(revision, never, () => undefined)));
  assert.deepEqual(
    words.map(({ kind }) => kind),
    ['same', 'changed', 'changed'],
  );
});

test('an index that would not block, or none, is refused', async (t) => {
  for (const index of ['0', '-1', 'x', null]) {
    const { store } = await rig(t, { index });
    await assert.rejects(store.list(never), /no X-Consul-Index above 0/);
  }
});

test('an answer that is no list of keys is refused', async (t) => {
  for (const body of [
    '',
    '{}',
    '[1]',
    '[{"Key":1,"Value":null}]',
    '[{"Key":"a"}]',
    '[{"Key":"a","Value":null}]',
    '<html>',
  ]) {
    const { store } = await rig(t, { body });
    await assert.rejects(store.list(never), { code: 'SLU_SOURCE_UNAVAILABLE', message: /is this Consul\?$/ }, body);
  }
});

test('a value that is not UTF-8 is named', async (t) => {
  const body = JSON.stringify([{ Key: 'team/sluice/routes/a', ModifyIndex: 7, Value: '/w==' }]);
  const { store } = await rig(t, { body });
  await assert.rejects(store.list(never), /the value of team\/sluice\/routes\/a is not UTF-8/);
});

test('a refusal is told without the token', async (t) => {
  const { store } = await rig(t, { status: 403, body: 'ACL geheim: Permission denied' }, { token: 'geheim' });
  await assert.rejects(store.list(never), /status 403: ACL \[redacted\]: Permission denied$/);
});
