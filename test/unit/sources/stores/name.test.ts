import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readMain } from '#src/sources/parse.ts';
import { nameOfSource } from '#src/sources/stores/name.ts';

test('a source is called by its kind and place, without anything secret', () => {
  const text = `sources:
    - directory: {path: conf.d}
    - consul: {address: "http://127.0.0.1:8500", token: geheim}
    - etcd: {endpoints: ["http://a:1", "https://b:2"], username: u, password: geheim}
    - http: {url: "https://h/a.yaml?signature=geheim", token: geheim}
    - zookeeper: {servers: ["a:1", "[::1]:2"], path: team/, username: u, password: geheim}
`;
  assert.deepEqual(readMain(text, 'a.yaml', {}).sources?.list.map(nameOfSource), [
    'directory conf.d',
    'consul 127.0.0.1:8500 sluice',
    'etcd a:1,b:2 /sluice/v1/',
    'http https://h/a.yaml',
    'zookeeper a:1,[::1]:2 /team',
  ]);
});
