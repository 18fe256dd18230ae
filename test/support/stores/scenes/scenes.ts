/**
 * What every store must be able to do to a running gateway, and must not: the same scenes for each kind.
 */

import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import type { SourceStatus } from '#src/model/status.ts';
import {
  type GatewayProcess,
  linked,
  logged,
  runToExit,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../gateway.ts';
import { refusedPortOf } from '../../proxy/running.ts';
import type { Keys } from '../keys.ts';
import { callOf, cannotRun, type StoreKind, type StoreServer, startStore } from '../server.ts';

/** How a kind of store is named, asked and written to. */
export interface Stage {
  readonly kind: StoreKind;
  /** Of a problem's file: `consul sluice/routes/` for the route `a` is `consul sluice/routes/a`. */
  readonly nameOf: (key: string) => string;
  /** The entry of `sources`, with limits that notice a frozen store within seconds. */
  readonly entry: (url: string) => string;
  readonly keys: (url: string) => Keys;
}

const LOAD = { connections: 4, users: 50 };

function route(host: string, version = 'v1'): string {
  return `hostnames: [${host}]\nbackendRefs:\n  - {name: shop, version: ${version}}\n`;
}

/** Runs the scenes, one after the other, against one store and one gateway that serves a load all the time. */
export function describeStore(stage: Stage): void {
  describe(`${callOf(stage.kind)} as a source`, { skip: cannotRun(stage.kind) }, () => {
    let store: StoreServer;
    let keys: Keys;
    let gateway: GatewayProcess;
    let load: ReturnType<typeof startLoad>;
    const services: TestService[] = [];
    const scenes: (readonly [name: string, play: () => Promise<void>])[] = [];
    const scene = (name: string, play: () => Promise<void>): void => void scenes.push([name, play]);

    before(async () => {
      store = await startStore(stage.kind);
      keys = stage.keys(store.url);
      services.push(await startService('v1'), await startService('v2'));
      await keys.put('services/shop', shop(services));
      for (const name of ['shop', 'b', 'c', 'd']) await keys.put(`routes/${name}`, route(`${name}.test`));
      gateway = await startGatewayProcess(mainDocument(stage.entry(store.url)));
      load = startLoad(gateway.proxyUrl, { ...LOAD, headers: { host: 'shop.test' } });
    });

    after(async () => {
      const { answers } = await load.stop();
      await gateway.end();
      await store.end();
      for (const service of services) await service.close();
      // Through all of it, nobody noticed.
      assert.deepEqual([...answers.keys()], ['200 v1']);
      assert.ok((answers.get('200 v1') ?? 0) > 100);
    });

    const source = async (): Promise<SourceStatus> => (await gateway.status()).sources[0] as SourceStatus;
    const answerOf = async (host: string): Promise<string> => ask(gateway.proxyUrl, host);
    const goesLive = async (name: string): Promise<void> => {
      await keys.put(`routes/${name}`, route(`${name}.test`));
      await until(`${name} goes live`, async () => (await answerOf(`${name}.test`)) === '200 v1');
      await linked(gateway);
    };

    scene('a route that is written goes live, changes and leaves', async () => {
      assert.equal(await answerOf('new.test'), '404 ');
      const startedAtMs = performance.now();
      await goesLive('new');
      await keys.put('routes/new', route('new.test', 'v2'));
      await until('the change goes live', async () => (await answerOf('new.test')) === '200 v2');
      await keys.remove('routes/new');
      await until('the route leaves', async () => (await answerOf('new.test')) === '404 ');
      // Timed is what every worker has.
      await until('all three are timed', async () => (await gateway.status()).apply.count >= 3);
      const { apply } = await gateway.status();
      const tookMs = performance.now() - startedAtMs;
      assert.ok(apply.lastMs !== null && apply.lastMs > 0 && apply.lastMs <= tookMs, JSON.stringify(apply));
    });

    scene('a document that is wrong changes nothing and is told by its key, line and column', async () => {
      await keys.put('routes/bad', 'hostnames: [bad.test]\nbackendRefs:\n  - {name: shopp}\n');
      await until('it is refused', async () => (await gateway.status()).config.last.result === 'refused');
      const { config } = await gateway.status();
      const [problem] = config.last.problems;
      assert.deepEqual(
        [problem?.file, problem?.line, problem?.column, problem?.path, problem?.code],
        [stage.nameOf('routes/bad'), 3, 12, 'backendRefs[0].name', 'SLU1053'],
      );
      assert.equal(await answerOf('b.test'), '200 v1');
      await keys.put('routes/bad', route('bad.test'));
      await until('the mended one goes live', async () => (await answerOf('bad.test')) === '200 v1');
      await keys.remove('routes/bad');
      await until('it leaves', async () => (await answerOf('bad.test')) === '404 ');
    });

    scene('a variable in a document is refused: the environment is not the store’s to read', async () => {
      await keys.put('routes/spy', 'hostnames: ["${PATH}"]\nbackendRefs: [{name: shop, version: v1}]\n');
      await until('it is refused', async () => {
        const { problems } = (await gateway.status()).config.last;
        return problems.some(({ code, file }) => code === 'SLU1088' && file === stage.nameOf('routes/spy'));
      });
      assert.ok(!gateway.output().includes(process.env['PATH'] as string));
      await keys.remove('routes/spy');
      await until('it is accepted again', async () => (await gateway.status()).config.last.result === 'accepted');
    });

    scene('a store that is killed is told of, fails nothing, and is followed again when it is back', async () => {
      await store.kill();
      await until('it is noticed', async () => (await source()).failures > 1);
      const { state, lastError, staleMs } = await source();
      assert.ok(['backing-off', 'listing'].includes(state), state);
      assert.notEqual(lastError, '');
      assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);
      await until('staleness grows', async () => (await source()).staleMs > staleMs + 500);
      await store.restart();
      await goesLive('restarted');
      await until('it is well again', async () => (await source()).lastError === '');
    });

    scene('a store that is frozen is noticed, fails nothing, and is followed again when it thaws', async () => {
      store.freeze();
      await until('it is noticed', async () => (await source()).failures > 0);
      assert.match((await source()).lastError, /no answer within/);
      assert.equal((await fetch(`${gateway.adminUrl}/readyz`)).status, 200);
      store.thaw();
      await goesLive('thawed');
    });

    scene('a store that lost its data is not believed, until an operator says so', async () => {
      const { revision } = (await gateway.status()).config;
      await store.kill();
      store.wipe();
      await store.restart();
      await until('the loss is seen', async () => (await source()).shrink !== null);
      const { pieces, shrink, shrinksRefused } = await source();
      assert.deepEqual([pieces, shrink?.pieces], [7, 0]);
      // Not always the first: Consul answers before it has read its own log again.
      assert.ok(shrinksRefused >= 1);
      assert.equal((await gateway.status()).config.revision, revision);
      await logged(gateway, /"event":"source_shrunk"/);
      gateway.child.kill('SIGHUP');
      await until('it is believed', async () => (await source()).pieces === 0);
      // Even then: a configuration without routes is none.
      await until('it is refused', async () => (await gateway.status()).config.last.result === 'refused');
      assert.equal(await answerOf('b.test'), '200 v1');
      await keys.put('services/shop', shop(services));
      await goesLive('shop');
    });

    scene('metrics and readiness tell of the source', async () => {
      const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      for (const name of ['state', 'stale_seconds', 'revision_info', 'errors_total', 'shrinks_refused_total']) {
        assert.match(metrics, new RegExp(`^sluice_source_${name}\\{source="${callOf(stage.kind)} `, 'm'));
      }
      assert.match(metrics, /^sluice_config_apply_seconds_count [1-9]/m);
      await until('it watches both documents again', async () => {
        const { state, pieces } = await source();
        return state === 'watching' && pieces === 2;
      });
      // Now and then it is asked although it tells of nothing.
      const told = new RegExp(`^\\[\\+\\]${callOf(stage.kind)} .*watching, 2 documents`, 'm');
      await until('readiness tells of them', async () => {
        return told.test(await (await fetch(`${gateway.adminUrl}/readyz?verbose`)).text());
      });
    });

    // One after the other, whatever the order of tests: a store that was wiped is wiped for those that follow.
    test('plays every scene', async (t) => {
      for (const [name, play] of scenes) await t.test(name, play);
    });
  });

  test(`${callOf(stage.kind)} that is not there at the start is named, with what to do`, async (t) => {
    const port = await refusedPortOf(t);
    const entry = stage.entry(`http://127.0.0.1:${port}`);
    // Long enough for one refusal, on a machine that stands still as well.
    const { code, output } = await runToExit(`${mainDocument(entry)}follow: {startTimeout: 5s}\n`);
    assert.equal(code, 1);
    assert.match(output, new RegExp(`^${callOf(stage.kind)} 127.0.0.1:${port}.*follow.startTimeout`, 'm'));
    assert.match(output, /ECONNREFUSED/);
  });
}

/** A gateway of two workers that has everything from one source. A machine that is short of time is none of its business. */
export function mainDocument(entry: string): string {
  const own = 'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 2\nsaturation: {response: observe}\n';
  return `${own}sources:\n  - ${entry}\n`;
}

/** The service `shop` with a version for each. */
export function shop(services: readonly Pick<TestService, 'port'>[]): string {
  return `versions:\n${services.map(({ port }, i) => `  v${i + 1}: {endpoints: ["127.0.0.1:${port}"]}`).join('\n')}\n`;
}

/** Status and, of a 200, body. */
export function ask(url: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { headers: { host }, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(`${response.statusCode} ${response.statusCode === 200 ? body : ''}`));
    });
    sent.on('error', reject);
    sent.end();
  });
}
