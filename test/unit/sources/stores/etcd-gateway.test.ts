import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { EtcdGateway, rangeEnd } from '#src/sources/stores/etcd-gateway.ts';
import type { EtcdSettings } from '#src/sources/stores/settings.ts';
import { type Asked, startFake } from '../../../support/stores/fake.ts';

const never = new AbortController().signal;

async function rig(
  t: TestContext,
  answer: (asked: Asked, count: number) => [number, string],
  login: EtcdSettings['login'] = null,
) {
  let count = 0;
  const { url, asked } = await startFake(t, (one, response) => {
    count += 1;
    const [status, body] = answer(one, count);
    response.writeHead(status).end(body);
  });
  return { gateway: gatewayOf(t, [url, 'http://127.0.0.1:1'], login), asked };
}

function gatewayOf(t: TestContext, endpoints: readonly string[], login: EtcdSettings['login'] = null): EtcdGateway {
  const gateway = new EtcdGateway({
    kind: 'etcd',
    endpoints,
    prefix: '/sluice/v1/',
    login,
    heartbeatMs: 1000,
    tls: null,
  });
  t.after(() => gateway.client.close());
  return gateway;
}

const EMPTY = JSON.stringify({ header: { revision: '5' } });

describe('a range', () => {
  test('is read with what the gateway leaves out', async (t) => {
    const kvs = [{ key: 'YQ==', mod_revision: '3' }];
    const { gateway } = await rig(t, () => [
      200,
      JSON.stringify({ header: { revision: '9007199254740993' }, kvs, count: '1' }),
    ]);
    assert.deepEqual(await gateway.range({}, never), {
      // More than a double can hold.
      revision: '9007199254740993',
      kvs: [{ key: 'YQ==', value: '', revision: '3' }],
      hasMore: false,
      count: '1',
      term: 'undefined',
    });
  });

  test('that is none is refused', async (t) => {
    for (const body of ['', '[]', '{}', '{"header":{"revision":5}}', '{"header":{"revision":"5"},"kvs":[{"key":1}]}']) {
      const { gateway } = await rig(t, () => [200, body]);
      await assert.rejects(gateway.range({}, never), /is this etcd\?$/, body);
    }
  });

  test('that is refused says why', async (t) => {
    const { gateway } = await rig(t, () => [
      400,
      '{"error":"etcdserver: mvcc: required revision has been compacted","code":11}',
    ]);
    await assert.rejects(
      gateway.range({}, never),
      /status 400: etcdserver: mvcc: required revision has been compacted$/,
    );
  });
});

describe('a login', () => {
  const login = { username: 'u', password: 'geheim' };

  test('is made once, and made again when the token is no longer known', async (t) => {
    const { gateway, asked } = await rig(
      t,
      ({ url, headers }, count) => {
        if (url.endsWith('authenticate')) return [200, JSON.stringify({ token: `t${count}` })];
        return headers.authorization === 't1' && count > 3 ? [401, '{"error":"invalid auth token"}'] : [200, EMPTY];
      },
      login,
    );
    for (let i = 0; i < 3; i++) await gateway.range({}, never);
    assert.deepEqual(
      asked.map(({ url, headers }) => headers.authorization ?? url),
      ['/v3/auth/authenticate', 't1', 't1', 't1', '/v3/auth/authenticate', 't5'],
    );
    assert.deepEqual(JSON.parse(asked[0]?.body ?? ''), { name: 'u', password: 'geheim' });
  });

  test('that is refused does not show its password', async (t) => {
    const { gateway } = await rig(t, () => [400, '{"error":"geheim is wrong"}'], login);
    await assert.rejects(gateway.range({}, never), /cannot log in: \[redacted\] is wrong$/);
  });
});

describe('after a failure', () => {
  test('the next member is asked, and then the first again', async (t) => {
    const { gateway } = await rig(t, () => [200, EMPTY]);
    const ask = () => gateway.rotating(never, () => gateway.range({}, never));
    await assert.rejects(gateway.rotating(never, () => Promise.reject(new Error('failed'))));
    await assert.rejects(ask(), /ECONNREFUSED/);
    assert.equal((await ask()).revision, '5');
  });

  test('but not after an end that was asked for', async (t) => {
    const { gateway } = await rig(t, () => [200, EMPTY]);
    const { signal } = { signal: AbortSignal.abort() };
    await assert.rejects(gateway.rotating(signal, () => Promise.reject(new Error('aborted'))));
    assert.equal((await gateway.range({}, never)).revision, '5');
  });

  test('of a member that lets the time run out, the next one is asked too', async (t) => {
    const silent = await startFake(t, () => undefined);
    const { url } = await startFake(t, (_asked, response) => response.end(EMPTY));
    const gateway = gatewayOf(t, [silent.url, url]);
    const signal = AbortSignal.timeout(20);
    const ask = () => gateway.rotating(signal, () => gateway.range({}, signal));
    // Of two that fail together one turns.
    const outcomes = await Promise.allSettled([ask(), ask()]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    // The time is over before this one is asked.
    await assert.rejects(ask());
    assert.equal((await gateway.range({}, never)).revision, '5');
  });
});

test('the lines of a watch are told apart', async (t) => {
  const lines = [
    '{"result":{"header":{"revision":"5"},"created":true}}',
    '',
    '{"result":{"header":{"revision":"5"}}}',
    '{"result":{"header":{"revision":"6"},"events":[{"kv":{}}]}}',
    '{"result":{"header":{"revision":"7"},"events":[{"type":"DELETE","kv":{"key":"YQ=="}},{"kv":{"key":"Yg=="}}]}}',
    '{"result":{"canceled":true,"compact_revision":"3"}}',
    '{"error":{"grpc_code":14,"message":"no leader"}}',
  ];
  const { gateway } = await rig(t, () => [200, lines.join('\n')]);
  const words: [string, ...string[]][] = [];
  const read = async (): Promise<void> => {
    for await (const { word, removed } of gateway.watch({}, never)) words.push([word, ...removed]);
  };
  await assert.rejects(read(), /a watch that says no leader$/);
  assert.deepEqual(words, [['created'], ['progress'], ['changed'], ['changed', 'YQ=='], ['changed']]);
});

test('the end of a range is behind every key that begins with the prefix', () => {
  assert.equal(rangeEnd('/sluice/v1/').toString(), '/sluice/v10');
});
