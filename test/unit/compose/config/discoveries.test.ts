import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Discoveries } from '#src/compose/config/discoveries.ts';
import type { Log } from '#src/lib/log.ts';
import { Random } from '#src/lib/random.ts';
import type { Config } from '#src/model/config.ts';
import type { SavedBudget } from '#src/model/threads/state.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { Store } from '#src/snapshot/store.ts';
import { buildSources } from '#src/sources/build/sources.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { configOf, SOUND } from '../../../support/config.ts';
import { until } from '../../../support/gateway.ts';
import { WAITS } from '../../../support/runner/depth.ts';
import { startFake } from '../../../support/stores/fake.ts';
import { type NameServer, startNameServer } from '../../../support/stores/lookups/name-server.ts';

const LOOKING = SOUND.replace('{endpoints: ["127.0.0.1:7002"]}', '{endpoints: {dns: {name: a.test, port: 80}}}');

/** Everything that happened, one line each, around a store whose snapshots go nowhere. */
function parts(t: TestContext) {
  const said: string[] = [];
  const ready: Config[] = [];
  const saved: ReadonlyMap<string, SavedBudget>[] = [];
  const tell = (event: string, fields: object): void => void said.push(`${event} ${JSON.stringify(fields)}`);
  const log = { info: tell, warn: tell, error: tell } as unknown as Log;
  const store = new Store({ file: 'a.yaml', dials: createDials(), wallTime: () => 'now', mayRecycle: () => false });
  const discoveries = new Discoveries({
    log,
    store,
    random: new Random(1),
    isFreshRequired: false,
    save: (rows) => void saved.push(rows),
    ready: () => ready,
    tell: (source, { kind }) => void said.push(`${source}: ${kind}`),
    settle: ({ kind }) => void said.push(`settled: ${kind}`),
  });
  t.after(() => discoveries.close());
  const found = () => store.current?.config.services[0]?.versions[1]?.endpoints.map(({ host }) => host);
  const offer = (text: string): void => {
    store.offer(parseConfig(text, 'a.yaml', {}));
    discoveries.offered();
  };
  return { said, store, discoveries, found, offer, ready, saved };
}

function sourcesOf(server: NameServer, startTimeoutMs = 60_000) {
  const { follow, ...rest } = buildSources({});
  const dns = { servers: [server.address], intervalMs: 20, timeoutMs: 1000 };
  return { ...rest, follow: { ...follow, startTimeoutMs }, discovery: { consul: null, etcd: null, dns } };
}

async function rig(t: TestContext) {
  const server = await startNameServer();
  t.after(() => server.close());
  return { server, ...parts(t) };
}

test('the first configuration has its endpoints, and changes go into force once they are followed', async (t) => {
  const { server, said, discoveries, found, offer } = await rig(t);
  server.addresses('a.test', '10.0.0.1');
  await discoveries.begin(sourcesOf(server), configOf(LOOKING));
  offer(LOOKING);
  assert.deepEqual(found(), ['10.0.0.1']);
  server.addresses('a.test', '10.0.0.2');
  await until('it is told', () => said.filter((line) => line.startsWith('endpoints_changed')).length === 2);
  assert.deepEqual(found(), ['10.0.0.1']);
  discoveries.follow();
  assert.deepEqual(found(), ['10.0.0.2']);
  server.addresses('a.test', '10.0.0.3');
  await until('it is in force', () => found()?.[0] === '10.0.0.3');
  assert.equal(said.filter((line) => line === 'settled: swapped').length, 2);
  assert.deepEqual(
    discoveries.status().map(({ name }) => name),
    ['dns a.test:80'],
  );
});

test('who does not answer is named, and does not keep others waiting', WAITS, async (t) => {
  const { server, said, discoveries, found, offer } = await rig(t);
  server.mode = 'silent';
  await discoveries.begin(sourcesOf(server, 50), configOf(LOOKING));
  offer(LOOKING);
  assert.deepEqual(found(), []);
  assert.ok(said.includes('discovery_unanswered {"lookups":["dns a.test:80"]}'), said.join('\n'));
  assert.equal(await discoveries.prepare(configOf(LOOKING)), false);
  discoveries.follow();
  server.addresses('a.test', '10.0.0.1');
  server.mode = 'well';
  await until('it is in force', () => found()?.[0] === '10.0.0.1');
});

test('a lookup that only the next configuration has is waited for, and one that is left behind ends', async (t) => {
  const { server, discoveries, offer } = await rig(t);
  const other = LOOKING.replace('a.test', 'b.test');
  const names = (): string[] => discoveries.status().map(({ name }) => name);
  await discoveries.begin(sourcesOf(server), configOf(LOOKING));
  offer(LOOKING);
  assert.equal(await discoveries.prepare(configOf(other)), true);
  assert.deepEqual(names(), ['dns a.test:80', 'dns b.test:80']);
  // Refused, or overtaken: what is in force is kept, and what may be offered.
  discoveries.offered();
  assert.deepEqual(names(), ['dns a.test:80', 'dns b.test:80']);
  offer(other);
  assert.deepEqual(names(), ['dns b.test:80']);
  discoveries.close();
  discoveries.close();
  assert.deepEqual(names(), []);
});

test('a configuration that may be put in force again at once keeps its lookups', async (t) => {
  const { server, discoveries, offer, ready } = await rig(t);
  const names = (): string[] => discoveries.status().map(({ name }) => name);
  await discoveries.begin(sourcesOf(server), configOf(LOOKING));
  offer(LOOKING);
  const before = configOf(LOOKING);
  ready.push(before);
  await discoveries.prepare(configOf(SOUND));
  offer(SOUND);
  assert.deepEqual(names(), ['dns a.test:80']);
  assert.equal(discoveries.hold(before), null, 'nobody waits for them');
  ready.pop();
  discoveries.offered();
  assert.deepEqual(names(), []);
});

test('what was found outlives the process, and is in force until somebody answers', WAITS, async (t) => {
  const { server, discoveries, found, offer, said } = await rig(t);
  server.addresses('a.test', '10.0.0.1');
  await discoveries.begin(sourcesOf(server), configOf(LOOKING));
  offer(LOOKING);
  discoveries.close();
  const rows = discoveries.kept.save();
  server.mode = 'silent';
  const next = parts(t);
  await next.discoveries.begin(sourcesOf(server, 50), configOf(LOOKING));
  next.offer(LOOKING);
  assert.deepEqual(next.found(), []);
  for (const [key, row] of rows) assert.equal(next.discoveries.kept.recall(key, row), true);
  next.discoveries.kept.recalled();
  assert.deepEqual([next.found(), found()], [['10.0.0.1'], ['10.0.0.1']]);
  assert.ok(next.said.includes('settled: swapped'), 'before anything is followed');
  assert.match(next.said.find((line) => line.startsWith('endpoints_stale')) ?? '', /"lookups":\["dns a\.test:80"\]/);
  next.discoveries.follow();
  server.addresses('a.test', '10.0.0.2');
  server.mode = 'well';
  await until('it is in force', () => next.found()?.[0] === '10.0.0.2');
  assert.ok(next.said.includes('dns a.test:80: fresh'));
  assert.equal(next.discoveries.status()[0]?.staleStart, null);
  assert.deepEqual(
    said.filter((line) => line.startsWith('endpoints_stale')),
    [],
  );
});

test(
  'endpoints of before are told only where a lookup that was just opened has had its time to answer',
  WAITS,
  async (t) => {
    const { server, discoveries } = await rig(t);
    server.addresses('a.test', '10.0.0.1');
    await discoveries.begin(sourcesOf(server), configOf(LOOKING));
    discoveries.close();
    for (const mode of ['well', 'silent'] as const) {
      server.mode = mode;
      const next = parts(t);
      await next.discoveries.begin(sourcesOf(server, mode === 'well' ? 60_000 : 50), configOf(SOUND));
      // As for a pinned revision: its lookups are opened when the state is read.
      const opened = next.discoveries.hold(configOf(LOOKING));
      for (const [key, row] of discoveries.kept.save()) next.discoveries.kept.recall(key, row);
      next.discoveries.kept.recalled();
      const stales = (): number => next.said.filter((line) => line.startsWith('endpoints_stale')).length;
      assert.equal(stales(), 0, mode);
      await opened;
      assert.equal(stales(), mode === 'well' ? 0 : 1, mode);
      next.offer(LOOKING);
      assert.deepEqual(next.found(), ['10.0.0.1'], mode);
      server.mode = 'well';
      await until('it answers', () => next.discoveries.status()[0]?.staleStart === null);
      const isFresh = next.said.includes('dns a.test:80: fresh');
      assert.equal(isFresh, mode === 'silent', `${mode}: the end of what was told, and of nothing else`);
    }
  },
);

test('what tags say beyond what is read is told once', async (t) => {
  const { said, discoveries } = parts(t);
  const Service = { ID: 'a', Address: '10.0.0.1', Port: 80, Tags: ['urlprefix-/ strip=/x'] };
  const { url } = await startFake(t, ({ url: path }, response) => {
    if (path.includes('index=')) return;
    response.setHeader('x-consul-index', '7').end(JSON.stringify([{ Node: { Node: 'n' }, Service, Checks: [] }]));
  });
  const text = LOOKING.replace('dns: {name: a.test, port: 80}', 'consul: {}');
  const discovery = { consul: { address: url } };
  await discoveries.begin(buildSources({ discovery }), configOf(`discovery: {consul: {address: "${url}"}}\n${text}`));
  discoveries.reload();
  await until('it watches', () => discoveries.status()[0]?.state === 'watching');
  const ignored = said.filter((line) => line.startsWith('discovery_ignored'));
  assert.deepEqual(ignored, [
    `discovery_ignored {"source":"consul ${new URL(url).host} service shop","ignored":["fabio: host and path of urlprefix-","fabio: strip"]}`,
  ]);
});
