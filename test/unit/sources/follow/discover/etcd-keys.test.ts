import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openKeys } from '#src/sources/follow/discover/etcd-keys.ts';
import { instanceOf } from '#src/sources/follow/discover/instance.ts';
import { startFake } from '../../../../support/stores/fake.ts';

const base64 = (text: string, encoding: BufferEncoding = 'utf8'): string =>
  Buffer.from(text, encoding).toString('base64');

test('keys are instances of the service and version that they name, whatever their values', async (t) => {
  const values: readonly (readonly [string, string])[] = [
    ['shop/v1/a', '10.0.0.1:8080'],
    ['shop/v1/b/c', ' {"address": "[fd00::1]:80", "weight": 3, "color": "green"}\n'],
    ['shop/v2/a', '{"address": "10.0.0.1:80", "weight": -1, "color": 7}'],
    ['shop/v2/b', 'nonsense'],
    ['shop/v2/c', '{"address": "10.0.0.1:0"}'],
    ['shop/v2/d', '{'],
    ['shop/v2/e', '\xff\xfe'],
    ['shop/v1', 'no id'],
    ['shop/v1/', 'no id'],
    ['shop/v 1/a', '10.0.0.1:80'],
  ];
  const { url, asked } = await startFake(t, (_asked, response) => {
    const kvs = values.map(([key, value]) => ({
      key: base64(`/sluice/v1/endpoints/${key}`),
      value: base64(value, value.startsWith('\xff') ? 'latin1' : 'utf8'),
      mod_revision: '5',
    }));
    response.end(JSON.stringify({ header: { revision: '7' }, kvs, count: String(kvs.length) }));
  });
  const store = openKeys({
    kind: 'etcd',
    endpoints: [url],
    prefix: '/sluice/v1/',
    login: null,
    heartbeatMs: 1000,
    tls: null,
  });
  t.after(() => store.close());
  const { pieces } = await store.list(new AbortController().signal);
  assert.equal(store.name, `etcd ${new URL(url).host} /sluice/v1/endpoints/`);
  assert.match(asked[0]?.body ?? '', new RegExp(base64('/sluice/v1/endpoints/')));
  const read = pieces.map(instanceOf).map(({ service, version, host, port, weight, color, out, ignored }) => {
    return [`${service}/${version}`, `${host} ${port}`, weight, color, out !== '', ignored.length];
  });
  assert.deepEqual(read, [
    ['shop/v1', '10.0.0.1 8080', 1, null, false, 0],
    ['shop/v1', 'fd00::1 80', 3, 'green', false, 0],
    ['shop/v2', '10.0.0.1 80', 1, null, false, 2],
    ['shop/v2', ' 0', 1, null, true, 0],
    ['shop/v2', ' 0', 1, null, true, 0],
    ['shop/v2', ' 0', 1, null, true, 0],
    ['shop/v2', ' 0', 1, null, true, 0],
  ]);
});
