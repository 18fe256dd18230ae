import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSources } from '#src/sources/build/sources.ts';
import { readMain } from '#src/sources/parse.ts';

function built(text: string, environment: Record<string, string> = {}) {
  const { sources, problems } = readMain(text, 'a.yaml', environment);
  assert.deepEqual(problems.problems, []);
  assert.ok(sources !== null);
  return sources;
}

test('a source that says little has every default', () => {
  const { list, follow } = built(
    'sources: [{directory: {path: a}}, {consul: {address: "http://c:1/"}}, {etcd: {endpoints: ["http://e:1"]}}, {http: {url: "http://h/a?b"}}]',
  );
  assert.deepEqual(list, [
    { kind: 'directory', path: 'a' },
    {
      kind: 'consul',
      address: 'http://c:1',
      prefix: 'sluice',
      token: null,
      datacenter: null,
      consistency: 'default',
      waitMs: 60_000,
      tls: null,
    },
    { kind: 'etcd', endpoints: ['http://e:1'], prefix: '/sluice/v1/', login: null, heartbeatMs: 10_000, tls: null },
    { kind: 'http', url: 'http://h/a?b', token: null, intervalMs: 10_000, tls: null },
  ]);
  assert.deepEqual(follow, { startTimeoutMs: 10_000, shrinkConfirmMs: 30_000, compareMs: 60_000, changesWarn: 50 });
});

test('secrets come from the environment, and an empty one is none', () => {
  const text = 'sources: [{consul: {address: "http://c", prefix: /a/b/, token: "${TOKEN:-}"}}]';
  const tokenOf = (environment: Record<string, string>) => {
    const [source] = built(text, environment).list;
    return source?.kind === 'consul' ? [source.token, source.prefix] : null;
  };
  assert.deepEqual(tokenOf({ TOKEN: 'x' }), ['x', 'a/b']);
  assert.deepEqual(tokenOf({}), [null, 'a/b']);
});

test('everything that can be said is taken', () => {
  const { list, follow } = built(
    `sources:
      - etcd: {endpoints: ["https://e:1"], prefix: p, username: u, password: w, heartbeat: 1s, tls: {ca: ca.pem, serverName: e}}
follow: {startTimeout: 1s, shrinkConfirm: 0s, compare: 2s, changesWarn: 3}
`,
  );
  assert.deepEqual(list, [
    {
      kind: 'etcd',
      endpoints: ['https://e:1'],
      prefix: 'p/',
      login: { username: 'u', password: 'w' },
      heartbeatMs: 1000,
      tls: { ca: 'ca.pem', cert: null, key: null, serverName: 'e' },
    },
  ]);
  assert.deepEqual(follow, { startTimeoutMs: 1000, shrinkConfirmMs: 0, compareMs: 2000, changesWarn: 3 });
});

test('a stale start is allowed at any age, unless the document says otherwise', () => {
  const source = 'sources: [{directory: {path: a}}]';
  assert.deepEqual(built(source).staleStart, { isAllowed: true, ageMsMax: Number.POSITIVE_INFINITY });
  const { staleStart } = built(`${source}\nfollow: {staleStart: false, staleStartMax: 1h30m}`);
  assert.deepEqual(staleStart, { isAllowed: false, ageMsMax: 5_400_000 });
});

test('a document without sources has none', () => {
  assert.deepEqual(buildSources({}).list, []);
});

test('whom endpoints are asked of has every default, and may be left out', () => {
  const dns = { servers: [], intervalMs: 30_000, timeoutMs: 2000 };
  assert.deepEqual(built('sources: [{directory: {path: a}}]').discovery, { consul: null, etcd: null, dns });
  const text =
    'sources: [{directory: {path: a}}]\ndiscovery: {consul: {address: "http://c"}, etcd: {endpoints: ["http://e"]}}';
  const { consul, etcd } = built(text).discovery;
  assert.deepEqual(consul, {
    address: 'http://c',
    token: null,
    datacenter: null,
    consistency: 'default',
    waitMs: 60_000,
    tls: null,
    canaryTags: ['canary'],
  });
  assert.equal(etcd?.prefix, '/sluice/v1/');
});

test('ZooKeeper has every default, and its node is spelled one way', () => {
  const [source] = built('sources: [{zookeeper: {servers: ["Z:1"]}}]').list;
  const servers = [{ host: 'z', port: 1 }];
  assert.deepEqual(source, { kind: 'zookeeper', servers, path: '/sluice', login: null, timeoutMs: 10_000, tls: null });
  for (const path of ['a/b', '/a/b', '/a/b/']) {
    const [other] = built(`sources: [{zookeeper: {servers: ["z:1"], path: ${path}}}]`).list;
    assert.ok(other?.kind === 'zookeeper' && other.path === '/a/b', path);
  }
  const tlsOf = (tls: string) => {
    const [one] = built(`sources: [{zookeeper: {servers: ["z:1"], tls: ${tls}}}]`).list;
    return one?.kind === 'zookeeper' ? one.tls : undefined;
  };
  assert.deepEqual(tlsOf('{}'), { ca: null, cert: null, key: null, serverName: null });
  const own = { ca: 'ca.pem', cert: 'own.pem', key: 'own.key', serverName: 'zk' };
  assert.deepEqual(tlsOf(JSON.stringify(own)), own);
});
