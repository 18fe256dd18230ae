import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMain } from '#src/sources/parse.ts';
import { openLocks } from '#src/sources/stores/write/locks.ts';

test('Consul and etcd hold locks, other sources none', (t) => {
  const text = `sources:
    - directory: {path: conf.d}
    - consul: {address: "http://127.0.0.1:8500"}
    - etcd: {endpoints: ["http://a:1"]}
    - http: {url: "https://h/a.yaml"}
    - zookeeper: {servers: ["a:1"]}
`;
  const settings = readMain(text, 'a.yaml', {}).sources?.list ?? [];
  const stores = settings.map((one) => openLocks(one, 'edge'));
  t.after(() => stores.forEach((store) => store?.close()));
  assert.deepEqual(
    stores.map((store) => store !== null),
    [false, true, true, false, false],
  );
});
