import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMain } from '#src/sources/parse.ts';
import { nameOfSource } from '#src/sources/stores/name.ts';
import { openStore } from '#src/sources/stores/open.ts';

test('every kind of source has its store, and only what comes from the disk may name variables', (t) => {
  const text = `sources:
    - directory: {path: conf.d}
    - consul: {address: "http://127.0.0.1:8500"}
    - etcd: {endpoints: ["http://a:1"]}
    - http: {url: "https://h/a.yaml"}
    - zookeeper: {servers: ["a:1"]}
`;
  const settings = readMain(text, 'a.yaml', {}).sources?.list ?? [];
  const stores = settings.map((one) => openStore(one, () => 0));
  t.after(() => stores.forEach((store) => store.close()));
  assert.deepEqual(
    stores.map(({ kind, isForeign }) => [kind, isForeign]),
    [
      ['directory', false],
      ['consul', true],
      ['etcd', true],
      ['http', true],
      ['zookeeper', true],
    ],
  );
  assert.deepEqual(
    stores.map(({ name }) => name),
    settings.map(nameOfSource),
  );
});
