/** The weights of routes in real stores: many writers, stores that die or freeze, a gateway and its command line. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli } from '#src/cli/cli.ts';
import type { WeightsView } from '#src/model/status.ts';
import { weightsText } from '#src/sources/document/weights/text.ts';
import type { SourceSettings } from '#src/sources/stores/settings.ts';
import { openWeightsStore } from '#src/sources/stores/write/open.ts';
import type { WeightsStore } from '#src/sources/stores/write/writer.ts';
import { recordedDeps } from '../../support/cli.ts';
import { type GatewayProcess, logged, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { consulKeys, etcdKeys, type Keys } from '../../support/stores/keys.ts';
import {
  CONSUL,
  callOf,
  cannotRun,
  ETCD,
  type StoreKind,
  type StoreServer,
  startStore,
  ZOOKEEPER,
} from '../../support/stores/server.ts';
import { addUp, countOf, countUp, NOTHING } from '../../support/stores/writers.ts';
import { zooKeys } from '../../support/stores/zookeeper/zookeeper.ts';

const TOKEN = 'correct-horse-battery-staple';
const never = new AbortController().signal;

interface Stage {
  readonly kind: StoreKind;
  readonly settings: (url: string) => SourceSettings;
  readonly entry: (url: string) => string;
  readonly keys: (url: string) => Keys;
  readonly document: string;
  /** A store that is frozen: a write is sent, and nobody knows; or a look goes before it, and it certainly never is. */
  readonly frozen: 'unconfirmed' | 'refused';
}

const STAGES: readonly Stage[] = [
  {
    kind: CONSUL,
    settings: (address) => ({
      kind: 'consul',
      address,
      prefix: 'sluice',
      token: null,
      datacenter: null,
      consistency: 'default',
      waitMs: 1000,
      tls: null,
    }),
    entry: (url) => `consul: {address: "${url}", wait: 1s}`,
    keys: (url) => consulKeys(url, 'sluice'),
    document: 'consul sluice/weights/shop',
    frozen: 'unconfirmed',
  },
  {
    kind: ETCD,
    settings: (url) => ({
      kind: 'etcd',
      endpoints: [url],
      prefix: '/sluice/v1/',
      login: null,
      heartbeatMs: 500,
      tls: null,
    }),
    entry: (url) => `etcd: {endpoints: ["${url}"], heartbeat: 500ms}`,
    keys: (url) => etcdKeys(url, '/sluice/v1/'),
    document: 'etcd /sluice/v1/weights/shop',
    frozen: 'unconfirmed',
  },
  {
    kind: ZOOKEEPER,
    settings: (url) => ({
      kind: 'zookeeper',
      servers: [{ host: '127.0.0.1', port: Number(new URL(url).port) }],
      path: '/sluice',
      login: null,
      timeoutMs: 10_000,
      tls: null,
    }),
    entry: (url) => `zookeeper: {servers: ["${new URL(url).host}"], sessionTimeout: 2s}`,
    keys: (url) => zooKeys(url, '/sluice'),
    document: 'zookeeper /sluice/weights/shop',
    frozen: 'refused',
  },
];

function opened(settings: SourceSettings): WeightsStore {
  return openWeightsStore(settings) ?? assert.fail('not writable');
}

for (const stage of STAGES) {
  describe(`weights in ${callOf(stage.kind)}`, { skip: cannotRun(stage.kind) }, () => {
    const SEED = 7;

    test('are compared and set, and counted up by many without one of them being lost', async (t) => {
      const { store, settings } = await begin(t, stage);
      assert.deepEqual(await store.read('shop', never), NOTHING);
      const first = await store.write('shop', 'one', '0', never);
      const kept = await store.read('shop', never);
      assert.deepEqual(first, { kind: 'written', revision: kept.revision });
      assert.deepEqual(await store.write('shop', 'two', '0', never), { kind: 'conflict', present: kept });
      const outcomes = await countUp(() => opened(settings), { route: 'many', writers: 12, attempts: 15, seed: SEED });
      const final = countOf(await store.read('many', never));
      assert.equal(final, outcomes.written, `seed ${SEED}: ${JSON.stringify(outcomes)}`);
      assert.deepEqual([outcomes.refused, outcomes.unconfirmed, outcomes.unreadable], [0, 0, 0]);
      assert.ok(outcomes.conflict > 0, 'nobody met anybody');
    });

    test('of two writers who try again after every conflict have all of their 100 updates', async (t) => {
      const { store, settings } = await begin(t, stage);
      const conflicts = await addUp(() => opened(settings), { route: 'shop', writers: 2, updates: 50 });
      assert.equal(countOf(await store.read('shop', never)), 100);
      assert.ok(conflicts > 0, 'they never met');
    });

    test('of a store that is frozen are not said to be written, and are one or the other afterwards', async (t) => {
      const { server, store } = await begin(t, stage);
      const before = await store.write('shop', weightsText({ v1: 1 }, ''), '0', never);
      assert.ok(before.kind === 'written');
      server.freeze();
      const hasty = await store.write('shop', weightsText({ v1: 2 }, ''), before.revision, AbortSignal.timeout(2000));
      assert.equal(hasty.kind, stage.frozen, JSON.stringify(hasty));
      server.thaw();
      let count = 0;
      await until('it answers', async () => {
        count = await store.read('shop', never).then(countOf, () => 0);
        return count > 0;
      });
      assert.ok((stage.frozen === 'refused' ? [1] : [1, 2]).includes(count), String(count));
    });

    test('of a store that dies in the middle lose nothing that was said to be written', async (t) => {
      const { server, settings, store } = await begin(t, stage);
      const counting = countUp(() => opened(settings), { route: 'shop', writers: 6, attempts: 300, seed: SEED });
      await until('some are written', async () => countOf(await store.read('shop', never)) > 5);
      await server.kill();
      const outcomes = await counting;
      const refused = await store.write('shop', 'x', '1', never);
      assert.equal(refused.kind, 'refused', JSON.stringify(refused));
      await server.restart();
      let final = -1;
      await until('it answers', async () => {
        final = await store.read('shop', never).then(countOf, () => -1);
        return final >= 0;
      });
      const told = `seed ${SEED}: ${final} after ${JSON.stringify(outcomes)}`;
      assert.ok(final >= outcomes.written && final <= outcomes.written + outcomes.unconfirmed, told);
      assert.ok(outcomes.refused + outcomes.unreadable > 0, told);
    });

    test('are set by the command line, take effect, and lose to whoever was sooner', async (t) => {
      const { server } = await begin(t, stage);
      const gateway = await serve(t, stage, server);
      await scenario(gateway, stage.document);
      const keys = stage.keys(server.url);
      await keys.put('weights/shop', 'weights: {v9: 1}');
      await until('it is refused', async () => (await gateway.status()).config.last.result === 'refused');
      const [problem] = (await gateway.status()).config.last.problems;
      assert.deepEqual([problem?.file, problem?.code, problem?.line], [stage.document, 'SLU1111', 1]);
      const broken = await cli(gateway, 'get', 'shop');
      assert.match(broken.out, /in force weights from/);
      assert.equal((await cli(gateway, 'set', 'shop', 'v9=default', 'v1=1', 'v2=1')).code, 0);
      await until('it is mended', async () => (await gateway.status()).config.last.result === 'accepted');
      const told = stage.frozen === 'refused' ? [503, 'unavailable'] : [504, 'unconfirmed'];
      assert.deepEqual(await putFrozen(gateway, server), told);
      await server.kill();
      const away = await cli(gateway, 'get', 'shop');
      assert.deepEqual([away.code, /cannot be read now/.test(away.out)], [1, true], away.out + away.err);
      const lost = await cli(gateway, 'set', 'shop', 'v1=5');
      assert.equal(lost.code, 1);
      assert.deepEqual(await weightsOf(gateway), [1, 1]);
    });
  });
}

describe('weights in a directory', () => {
  function folderOf(t: TestContext): string {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-weights-'));
    t.after(() => rmSync(folder, { recursive: true }));
    return folder;
  }

  test('are counted up by several processes without one of them being lost', async (t) => {
    const path = folderOf(t);
    const settings: SourceSettings = { kind: 'directory', path };
    const parts = [1, 2, 3].map((seed) => counting(settings, seed));
    const outcomes = await Promise.all(parts);
    const written = outcomes.reduce((sum, one) => sum + one.written, 0);
    const store = opened(settings);
    assert.equal(countOf(await store.read('shop', never)), written, JSON.stringify(outcomes));
    // On a slow disk the lock may be somebody else's for longer than a writer waits: refused is not lost.
    assert.ok(
      outcomes.every(({ unconfirmed }) => unconfirmed === 0),
      JSON.stringify(outcomes),
    );
  });

  test('survive the death of a writer in the middle of a write', async (t) => {
    const path = folderOf(t);
    const settings: SourceSettings = { kind: 'directory', path };
    const child = spawnCounting(settings, 4, 100_000);
    const store = opened(settings);
    await until('it writes', async () => countOf(await store.read('shop', never)) > 3);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    const kept = await store.read('shop', never);
    assert.equal((await store.write('shop', weightsText({ v1: 0 }, ''), kept.revision, never)).kind, 'written');
  });

  test('are set by the command line, take effect, and lose to whoever was sooner', async (t) => {
    const path = folderOf(t);
    const [v1, v2] = [await startService('v1'), await startService('v2')];
    t.after(() => Promise.all([v1.close(), v2.close()]));
    writeFileSync(
      join(path, 'shop.yaml'),
      `services: {shop: ${shop(v1.port, v2.port)}}\nroutes: [{name: shop, ${ROUTE}}]\n`,
    );
    const gateway = await startGatewayProcess(`${HEAD}sources: [{directory: {path: "${path}"}}]\n`);
    t.after(() => gateway.end());
    await scenario(gateway, join(path, 'shop.weights.json'));
  });
});

test('weights of a route in the main file alone are not written, and it is said what to do', async (t) => {
  const service = await startService('v1');
  t.after(() => service.close());
  const gateway = await startGatewayProcess(
    `${HEAD}services: {shop: ${shop(service.port, service.port)}}\nroutes: [{name: shop, ${ROUTE}}]\n`,
  );
  t.after(() => gateway.end());
  const shown = await cli(gateway, 'get', 'shop');
  assert.deepEqual([shown.code, /shop v1 +3 +3 +route/.test(shown.out)], [0, true], shown.out);
  const { code, err } = await cli(gateway, 'set', 'shop', 'v1=1');
  assert.equal(code, 1);
  assert.match(
    err,
    /in no source that can be written: change its backendRefs where the route is .*give sources a directory/,
  );
});

const HEAD = `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nadminToken: ${TOKEN}\nworkers: 1\ndrain: {delay: 0s, timeout: 1s}\n`;
const ROUTE = 'backendRefs: [{name: shop, version: v1, weight: 3}, {name: shop, version: v2, weight: 1}]';

function shop(v1: number, v2: number): string {
  return `{versions: {v1: {endpoints: ["127.0.0.1:${v1}"]}, v2: {endpoints: ["127.0.0.1:${v2}"]}}}`;
}

async function begin(t: TestContext, stage: Stage) {
  const server = await startStore(stage.kind);
  t.after(() => server.end());
  const settings = stage.settings(server.url);
  const store = opened(settings);
  t.after(() => store.close());
  return { server, settings, store };
}

async function serve(t: TestContext, stage: Stage, server: StoreServer): Promise<GatewayProcess> {
  const [v1, v2] = [await startService('v1'), await startService('v2')];
  t.after(() => Promise.all([v1.close(), v2.close()]));
  const keys = stage.keys(server.url);
  await keys.put('services/shop', shop(v1.port, v2.port));
  await keys.put('routes/shop', `{${ROUTE}}`);
  const gateway = await startGatewayProcess(`${HEAD}sources: [{${stage.entry(server.url)}}]\n`);
  t.after(() => gateway.end());
  return gateway;
}

async function weightsOf(gateway: GatewayProcess): Promise<number[]> {
  return (await gateway.status()).routes[0]?.versions.map(({ weight }) => weight) ?? [];
}

/** Status and outcome of a PUT of what is there already to a store that stops answering. */
async function putFrozen(gateway: GatewayProcess, server: StoreServer): Promise<[number, unknown]> {
  const url = `${gateway.adminUrl}/api/v1/routes/shop/weights`;
  const etag = (await fetch(url)).headers.get('etag') ?? assert.fail('no ETag');
  const headers = { authorization: `Bearer ${TOKEN}`, 'if-match': etag, 'content-type': 'application/json' };
  server.freeze();
  const answer = await fetch(url, { method: 'PUT', headers, body: '{"weights": {"v1": 1, "v2": 1}}' });
  server.thaw();
  return [answer.status, ((await answer.json()) as { outcome: unknown }).outcome];
}

/** What an operator does with weights, wherever they are kept. */
async function scenario(gateway: GatewayProcess, document: string): Promise<void> {
  const first = await cli(gateway, 'get', 'shop');
  assert.match(first.out, /there is none yet, revision 0/);
  const done = await cli(gateway, 'set', 'shop', 'v2=7', '--reason', 'evening ${HOME}');
  assert.equal(done.code, 0, done.err);
  assert.ok(done.out.startsWith(`shop: written to ${document}, revision `), done.out);
  await until('it counts', async () => String(await weightsOf(gateway)) === '3,7');
  const [route] = (await gateway.status()).routes;
  const revision = / revision (\w+)\n$/.exec(done.out)?.[1] as string;
  assert.deepEqual([route?.weights?.revision, route?.weights?.reason], [revision, 'evening ${HOME}']);
  assert.deepEqual(
    route?.versions.map(({ weightFrom, weightOfRoute }) => [weightFrom, weightOfRoute]),
    [
      ['route', 3],
      ['weights', 1],
    ],
  );
  const json = await cli(gateway, 'get', 'shop', '-o', 'json');
  const view = JSON.parse(json.out) as WeightsView;
  assert.deepEqual([view.document, view.revision, view.weights, view.problem], [document, revision, { v2: 7 }, '']);
  // Somebody who saw less is told what is there.
  const late = await cli(gateway, 'set', 'shop', 'v2=9', '--revision', '0');
  assert.equal(late.code, 1);
  assert.match(late.err, /is not at revision 0: it has revision \w+ now; look at it and set it again; now v2=7/);
  const raced = await Promise.all([
    cli(gateway, 'set', 'shop', 'v1=1', '--revision', revision),
    cli(gateway, 'set', 'shop', 'v1=2', '--revision', revision),
  ]);
  assert.deepEqual(
    raced.map(({ code }) => code).toSorted((a, b) => a - b),
    [0, 1],
    JSON.stringify(raced),
  );
  const winner = raced[0]?.code === 0 ? 1 : 2;
  await until('the winner counts', async () => String(await weightsOf(gateway)) === `${winner},7`);
  const wrong = await cli(gateway, 'set', 'shop', 'v3=1');
  assert.deepEqual([wrong.code, /v3: expected a version of the route: v1, v2, got "v3"/.test(wrong.err)], [1, true]);
  assert.equal((await cli(gateway, 'set', 'shop', 'v1=default', 'v2=default')).code, 0);
  await until('the route’s own count again', async () => String(await weightsOf(gateway)) === '3,1');
  await logged(gateway, /"event":"weights_written"/);
  assert.ok(!gateway.output().includes(TOKEN));
}

/** `sluice weights …`, without the time that a process takes to begin. */
async function cli(gateway: GatewayProcess, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: gateway.adminUrl, SLUICE_ADMIN_TOKEN: TOKEN } });
  const code = await runCli(['weights', ...args], deps);
  return { code, out: out(), err: err() };
}

const WRITERS = new URL('../../support/stores/writers.ts', import.meta.url).href;
const OPEN = new URL('../../../src/sources/stores/write/open.ts', import.meta.url).href;

/** A process that counts the route shop up with three writers. */
function spawnCounting(settings: SourceSettings, seed: number, attempts: number) {
  const code = `
    import { countUp } from ${JSON.stringify(WRITERS)};
    import { openWeightsStore } from ${JSON.stringify(OPEN)};
    const open = () => openWeightsStore(${JSON.stringify(settings)});
    const asked = { route: 'shop', writers: 3, attempts: ${attempts}, seed: ${seed} };
    console.log(JSON.stringify(await countUp(open, asked)));`;
  const args = ['--no-warnings', '--input-type=module', '-e', code];
  return spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
  });
}

async function counting(settings: SourceSettings, seed: number): ReturnType<typeof countUp> {
  const child = spawnCounting(settings, seed, 10);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await new Promise((resolve) => child.once('close', resolve));
  return JSON.parse(text) as Awaited<ReturnType<typeof countUp>>;
}
