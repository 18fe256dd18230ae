/** A gateway that is started while its store is away goes on with what was in force last, says so, and catches up afterwards. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Status } from '#src/model/status.ts';
import type { ReloadAnswer } from '#src/model/threads/revision.ts';
import { History } from '#src/snapshot/revisions/history.ts';
import { StateDatabase } from '#src/state/database.ts';
import { configOf, SOUND } from '../../support/config.ts';
import {
  type GatewayProcess,
  linked,
  logged,
  runToExit,
  startGatewayProcess,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';
import { refusedPortOf } from '../../support/proxy/running.ts';
import { inFolder } from '../../support/state/folder.ts';
import { batchOf } from '../../support/state/log.ts';
import { refusedRestart, restarted, startRestarting } from '../../support/state/restarting.ts';
import { consulKeys, etcdKeys, type Keys } from '../../support/stores/keys.ts';
import { ask, mainDocument, shop } from '../../support/stores/scenes/scenes.ts';
import { CONSUL, callOf, cannotRun, ETCD, type StoreServer, startStore } from '../../support/stores/server.ts';

const TOKEN = 'correct-horse-battery-staple';
const LIMITS = { timeout: 540_000 };
const STORES = [
  {
    kind: ETCD,
    entry: (url: string) => `etcd: {endpoints: ["${url}"], heartbeat: 500ms}`,
    keysOf: (url: string) => etcdKeys(url, '/sluice/v1/'),
  },
  {
    kind: CONSUL,
    entry: (url: string) => `consul: {address: "${url}", wait: 1s}`,
    keysOf: (url: string) => consulKeys(url, 'sluice'),
  },
];

/** The shop under a rollout that moves when it is told to. */
const SHOP = `hostnames: [shop.test]
backendRefs: [{name: shop, version: v1, weight: 100}, {name: shop, version: v2, weight: 0}]
sticky: {header: x-user-id}
slo: {availability: 0.9}
rollout: {stable: v1, canary: v2, steps: [30, 60, 100], dwell: 10m, evidence: false, requestsMin: 0}
`;

/** What the main document may have of its own, sound by itself. */
const OWN = `services: {own: {versions: {v1: {endpoints: ["127.0.0.1:9"]}}}}
routes: [{name: own, hostnames: [own.test], backendRefs: [{name: own}]}]
`;

let services: TestService[] = [];

before(async () => {
  services = [await startService('v1'), await startService('v2')];
});

after(() => Promise.all(services.map((service) => service.close())));

interface Wishes {
  /** How long a start waits for the store: long where it is there, on any machine. */
  readonly wait?: string;
  readonly more?: string;
}

function documentOf(entry: string, state: string, { wait = '60s', more = '' }: Wishes = {}): string {
  const own = `adminToken: ${TOKEN}\nstate: {directory: "${state}"}\nfollow: {startTimeout: ${wait}, shrinkConfirm: 1h}\n`;
  return `${mainDocument(entry)}${own}${more}`;
}

async function fill(keys: Keys): Promise<void> {
  await keys.put('services/shop', shop(services));
  await keys.put('routes/shop', SHOP);
  await keys.put(
    'routes/b',
    'hostnames: [b.test]\nbackendRefs: [{name: shop, version: v1}, {name: shop, version: v2}]\n',
  );
  await keys.put('weights/b', 'weights: {v1: 0, v2: 10}\n');
}

const writeRoute = (keys: Keys, name: string): Promise<void> =>
  keys.put(`routes/${name}`, `hostnames: [${name}.test]\nbackendRefs: [{name: shop, version: v1}]\n`);

/** Ends it as a loss of power would, once all that it knows is on the disk. */
async function kill(gateway: GatewayProcess): Promise<void> {
  await until('everything is saved', async () => {
    const url = `${gateway.adminUrl}/api/v1/config/history`;
    const { revisions } = (await (await fetch(url)).json()) as { revisions: { bytes: number }[] };
    const isPacked = revisions.length > 0 && revisions.every(({ bytes }) => bytes > 0);
    return isPacked && (await gateway.status()).state.rowsPending === 0;
  });
  gateway.child.kill('SIGKILL');
  await gateway.exited;
}

async function command(gateway: GatewayProcess, name: string): Promise<void> {
  // From the first turn of the loop on, which comes after the line that the gateway serves.
  await until('the rollout is known', async () => rolloutOf(await gateway.status()) !== null);
  const headers = { authorization: `Bearer ${TOKEN}` };
  const answer = await fetch(`${gateway.adminUrl}/api/v1/rollouts/shop/${name}`, { method: 'POST', headers });
  assert.equal(answer.status, 200, await answer.text());
}

/** Has everything read again, and waits for what comes of it. */
async function reload({ adminUrl }: GatewayProcess): Promise<ReloadAnswer & { readonly kind: 'done' }> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  for (;;) {
    const answer = await fetch(`${adminUrl}/api/v1/reload`, { method: 'POST', headers });
    const { reload } = (await answer.json()) as { reload: ReloadAnswer & { readonly kind: 'done' } };
    if (answer.status === 200) return reload;
    assert.equal(answer.status, 504, 'not every source has answered yet');
  }
}

const rolloutOf = ({ routes }: Status) => routes.find(({ name }) => name === 'shop')?.rollout ?? null;
const standingOf = (status: Status): unknown => {
  const { state, step } = rolloutOf(status) ?? {};
  return {
    state,
    step: step?.number,
    weights: status.routes.map(({ versions }) => versions.map(({ weight }) => weight)),
  };
};
const staleOf = async (gateway: Pick<GatewayProcess, 'status'>) => (await gateway.status()).revisions.staleStart;

async function told(adminUrl: string, path: string): Promise<string> {
  return (await fetch(adminUrl + path)).text();
}

/** Runs a gateway until its rollout stands in the middle, and kills it. @returns how it stood */
async function runBefore(document: string): Promise<Status> {
  const gateway = await startGatewayProcess(document);
  try {
    await command(gateway, 'start');
    await command(gateway, 'promote');
    await linked(gateway);
    const status = await gateway.status();
    assert.equal(rolloutOf(status)?.step?.number, 2);
    await kill(gateway);
    return status;
  } finally {
    await gateway.end();
  }
}

for (const { kind, entry, keysOf } of STORES) {
  describe(`a start without ${callOf(kind)}`, { ...LIMITS, skip: cannotRun(kind) }, () => {
    for (const how of ['frozen', 'gone'] as const) {
      it(`goes on with what was in force when it is ${how}, and takes what it missed`, (t) =>
        inFolder(async (state) => {
          const store = await startStore(kind);
          t.after(() => store.end());
          const keys = keysOf(store.url);
          await fill(keys);
          const before = await runBefore(documentOf(entry(store.url), state));
          await writeRoute(keys, 'missed');
          if (how === 'frozen') store.freeze();
          else await store.kill();
          const document = documentOf(entry(store.url), state, { wait: '500ms' });
          const gateway = await startGatewayProcess(document);
          t.after(() => gateway.end());
          await serves(gateway, before);
          await saysSo(gateway, before);
          // Other documents wait for the store as well, the file that it was started with among them.
          gateway.save(`${document}${OWN}`);
          const { outcome, hash, unanswered } = await reload(gateway);
          assert.deepEqual([outcome, hash, unanswered.length], ['unchanged', before.config.hash, 1]);
          await command(gateway, 'pause');
          if (how === 'frozen') store.thaw();
          else await store.restart();
          await until('what it missed is live', async () => (await ask(gateway.proxyUrl, 'missed.test')) === '200 v1');
          await linked(gateway);
          await logged(gateway, /"event":"config_fresh","startedWith":\d+,"isSame":false/);
          const { revisions, config } = await gateway.status();
          assert.deepEqual([revisions.staleStart, revisions.difference], [null, '']);
          assert.ok(revisions.number > before.revisions.number, 'numbers go on');
          assert.equal(revisions.sourceHash, config.hash);
          assert.equal(rolloutOf(await gateway.status())?.state, 'paused', 'what was decided meanwhile stays');
          await writeRoute(keys, 'next');
          await until('changes are followed', async () => (await ask(gateway.proxyUrl, 'next.test')) === '200 v1');
        }));
    }
  });
}

/** Requests go where they went: by the operator's weights, and by the rollout. */
async function serves(gateway: GatewayProcess, before: Status): Promise<void> {
  assert.equal(await ask(gateway.proxyUrl, 'b.test'), '200 v2');
  assert.match(await ask(gateway.proxyUrl, 'shop.test'), /^200 v[12]$/);
  assert.equal(await ask(gateway.proxyUrl, 'missed.test'), '404 ');
  await until('the rollout is known', async () => rolloutOf(await gateway.status()) !== null);
  assert.deepEqual(standingOf(await gateway.status()), standingOf(before));
}

/** In every place that somebody could look at. */
async function saysSo(gateway: GatewayProcess, before: Status): Promise<void> {
  const { adminUrl, output } = gateway;
  const { revisions, config, ready } = await gateway.status();
  assert.deepEqual([ready, config.hash, revisions.number], [true, before.config.hash, before.revisions.number]);
  const { number, hash, confirmedMs = 0, unanswered = [] } = revisions.staleStart ?? {};
  assert.deepEqual([number, hash, unanswered.length], [before.revisions.number, before.config.hash, 1]);
  assert.ok(revisions.staleMs >= confirmedMs);
  await logged(gateway, /"level":"error".*"event":"config_stale","code":"SLU1926","number":\d+/);
  assert.doesNotMatch(output(), /"event":"config_fresh"/);
  assert.equal((await fetch(`${adminUrl}/readyz`)).status, 200);
  assert.match(await told(adminUrl, '/readyz?verbose'), /configuration ok: .*SLU1926 started with revision \d+/);
  const health = JSON.parse(await told(adminUrl, '/healthz?include=config')) as { config: Record<string, unknown> };
  assert.partialDeepStrictEqual(health.config, { isSame: false, sourceHash: null, staleStart: { number, hash } });
  const metrics = await told(adminUrl, '/metrics');
  assert.match(metrics, /^sluice_config_in_sync 0$/m);
  assert.ok(Number(/^sluice_config_stale_start_seconds (\S+)$/m.exec(metrics)?.[1]) > 0);
}

describe('a start with what was in force', { ...LIMITS, skip: cannotRun(ETCD) }, () => {
  const [{ entry, keysOf }] = STORES as [(typeof STORES)[number]];

  async function startEtcd(t: TestContext): Promise<{ store: StoreServer; keys: Keys }> {
    const store = await startStore(ETCD);
    t.after(() => store.end());
    const keys = keysOf(store.url);
    await fill(keys);
    return { store, keys };
  }

  it('does not believe a store that comes back without most of what it held, until somebody does', (t) =>
    inFolder(async (state) => {
      const { store, keys } = await startEtcd(t);
      for (const name of ['c', 'd', 'e']) await writeRoute(keys, name);
      await runBefore(documentOf(entry(store.url), state, { more: OWN }));
      await store.kill();
      store.wipe();
      const gateway = await startGatewayProcess(documentOf(entry(store.url), state, { wait: '500ms', more: OWN }));
      t.after(() => gateway.end());
      await store.restart();
      await logged(gateway, /"event":"config_shrunk","before":8,"after":2/);
      assert.notEqual(await staleOf(gateway), null);
      assert.equal(await ask(gateway.proxyUrl, 'c.test'), '200 v1');
      gateway.child.kill('SIGHUP');
      await until('it is believed', async () => (await ask(gateway.proxyUrl, 'c.test')) === '404 ');
      assert.equal((await gateway.status()).config.reloads.refused, 0);
      assert.equal(await staleOf(gateway), null);
    }));

  it('takes over from a process that served, which stays where that may not be', (t) =>
    inFolder(async (state) => {
      const { store, keys } = await startEtcd(t);
      const gateway = await startRestarting(t, documentOf(entry(store.url), state));
      await until('its configuration is saved', async () => {
        const { revisions, state: kept } = await gateway.status();
        return revisions.keptBytes > 0 && kept.rowsPending === 0;
      });
      store.freeze();
      const document = documentOf(entry(store.url), state, { wait: '500ms' });
      gateway.save(document.replace('500ms, shrink', '500ms, staleStart: false, shrink'));
      const because = await refusedRestart(gateway);
      assert.match(because, /no answer from etcd .*SLU1241 .*follow\.staleStart: false/);
      assert.equal(await ask(gateway.proxyUrl, 'b.test'), '200 v2', 'the old one serves');
      gateway.save(document);
      await restarted(gateway);
      assert.equal(await ask(gateway.proxyUrl, 'b.test'), '200 v2');
      assert.notEqual(await staleOf(gateway), null);
      await logged(gateway, /"event":"config_stale"/);
      store.thaw();
      await writeRoute(keys, 'next');
      await until('it is live', async () => (await ask(gateway.proxyUrl, 'next.test')) === '200 v1');
      assert.equal(await staleOf(gateway), null);
    }));
});

describe('a start that has nothing to go on with', LIMITS, () => {
  async function refusal(
    t: TestContext,
    state: string,
    { wait = '200ms', args = [] as string[] } = {},
  ): Promise<string> {
    const document = documentOf(`etcd: {endpoints: ["http://127.0.0.1:${await refusedPortOf(t)}"]}`, state, { wait });
    const { code, output } = await runToExit(document, { args });
    assert.equal(code, 1);
    assert.match(output, /^etcd 127.0.0.1:\d+ .*expected an answer, got .*startTimeout/m);
    return output;
  }

  it('names the place, what is wrong with it and what helps', (t) =>
    inFolder(async (state) => {
      // Long enough for one refusal, on a machine that stands still as well.
      const empty = await refusal(t, state, { wait: '5s' });
      assert.match(empty, /got .*ECONNREFUSED/);
      assert.match(empty, /sluice-state-.*SLU1241 .*there is no sluice\.db in it \(a start whose/);
      const file = join(state, 'sluice.db');
      const history = new History('0.0.1');
      const head = { revision: 1, hash: 'a'.repeat(64), at: new Date().toISOString(), origin: [], contentOf: null };
      history.add({ ...head, config: configOf(SOUND) });
      await history.pack();
      const database = new StateDatabase({ path: file, wallTime: () => '' });
      const rows = [...history.rows()].map(([key, bytes]) => [`config/${key}`, { format: 1, bytes, at: '' }] as const);
      database.write(batchOf({ budgets: new Map(rows) }));
      database.close();
      assert.match(await refusal(t, state), /SLU1241 .*revision 1 was accepted by release 0\.0\.1, and this is/);
      assert.match(
        await refusal(t, state, { args: ['--require-fresh'] }),
        /SLU1241 .*got --require-fresh \(start without it\)/,
      );
      writeFileSync(file, 'this was a database once, and has become something else altogether. '.repeat(99));
      assert.match(await refusal(t, state), /SLU1241 .*file is not a database/);
    }));
});
