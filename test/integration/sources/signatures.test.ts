/** Signed documents in every kind of source: taken, waited for, refused, and refused again after a restart. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { readConfigKeys } from '#src/sources/document/signature/keys.ts';
import { formatSignature, sign } from '#src/sources/document/signature/signature.ts';
import { type GatewayProcess, logged, runToExit, startGatewayProcess, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';
import { findBinary } from '../../support/runner/servers.ts';
import { consulKeys, etcdKeys, type Keys } from '../../support/stores/keys.ts';
import { CONSUL, cannotRun, ETCD, type StoreKind, startStore, ZOOKEEPER } from '../../support/stores/server.ts';
import { zooKeys } from '../../support/stores/zookeeper/zookeeper.ts';

const HEX = '5c'.repeat(32);
const env = { SLUICE_CONFIG_KEYS: `new:${'a1'.repeat(32)}\nk1:${HEX}` };
const KEYS = readConfigKeys(env.SLUICE_CONFIG_KEYS, 'test');

function signatureOf(subject: string, revision: number, text: string, key = KEYS[1]): string {
  return formatSignature(sign(key as NonNullable<typeof key>, { subject, revision, text }));
}

const PLACE = 'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 1\n';
const SHOP = 'services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:9"]}}}}\n';
const route = (name: string, host: string): string =>
  `routes: [{name: ${name}, hostnames: [${host}], backendRefs: [{name: shop}]}]\n`;

async function start(t: TestContext, config: string, revision = 1): Promise<GatewayProcess> {
  const signature = signatureOf('gateway.yaml', revision, config);
  const gateway = await startGatewayProcess(config, undefined, { env, signature });
  t.after(() => gateway.end());
  return gateway;
}

async function refusalOf(gateway: GatewayProcess, code: string): Promise<string> {
  let file = '';
  await until(`${code} is told`, async () => {
    const { last } = (await gateway.status()).config;
    const problem = last.result === 'refused' ? last.problems.find((one) => one.code === code) : undefined;
    file = problem?.file ?? '';
    return problem !== undefined;
  });
  return file;
}

async function accepted(gateway: GatewayProcess, revision: number): Promise<void> {
  const isThere = async (): Promise<boolean> => {
    const { config } = await gateway.status();
    return config.revision === revision && config.last.result === 'accepted';
  };
  await until(`revision ${revision} is in force`, isThere);
}

describe('the main document', () => {
  test('is not started with unless it is signed, and no source of it is asked', async (t) => {
    let asked = 0;
    const remote = createServer((_request, response) => {
      asked += 1;
      response.end(SHOP);
    });
    const port = await listenLoopback(remote);
    t.after(() => remote.close());
    const config = `${PLACE}sources: [{http: {url: "http://127.0.0.1:${port}/"}}]\n`;
    const [unsigned, forged, elsewhere] = await Promise.all([
      runToExit(config, { env }),
      runToExit(config, { env, signature: signatureOf('gateway.yaml', 1, `${config} `) }),
      runToExit(config, { env, signature: signatureOf('other.yaml', 1, config) }),
    ]);
    assert.deepEqual([unsigned.code, forged.code, elsewhere.code, asked], [1, 1, 1, 0]);
    assert.match(unsigned.output, /gateway\.yaml:0:0: SLU1140 expected a signature, got none/);
    for (const { output } of [forged, elsewhere]) assert.match(output, /SLU1141 expected a signature of gateway\.yaml/);
    for (const { output } of [unsigned, forged, elsewhere]) assert.doesNotMatch(output, /5c5c|a1a1/);
  });

  test('is taken with its signature, refused without, and an earlier one for good', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-state-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const config = (name: string): string =>
      `${PLACE}drain: {delay: 0s}\nstate: {directory: "${folder}"}\n${SHOP}${route(name, 'a.test')}`;
    const gateway = await start(t, config('a'), 5);
    // One after the other, as people do; what is in between is not told as wrong.
    gateway.save(config('b'));
    gateway.save(signatureOf('gateway.yaml', 6, config('b'), KEYS[0]), '.sig');
    await accepted(gateway, 2);
    const { signatures, config: shown } = await gateway.status();
    assert.deepEqual([signatures?.keys, signatures?.documents, shown.reloads.refused], [['new', 'k1'], 1, 0]);

    gateway.save(signatureOf('gateway.yaml', 5, config('a')), '.sig');
    gateway.save(config('a'));
    assert.match(await refusalOf(gateway, 'SLU1142'), /gateway\.yaml$/);
    assert.deepEqual(
      (await gateway.status()).routes.map(({ name }) => name),
      ['b'],
    );
    const page = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    assert.match(page, /^sluice_config_signatures_refused_total\{reason="replayed"\} 1$/m);
    await logged(gateway, /"event":"config_refused"[^\n]*SLU1142/);

    gateway.child.kill('SIGTERM');
    await gateway.exited;
    const again = await runToExit(config('a'), { env, signature: signatureOf('gateway.yaml', 5, config('a')) });
    assert.equal(again.code, 1);
    assert.match(again.output, /SLU1142 expected a revision above 6, got 5/);
    const next = await start(t, config('a'), 7);
    assert.deepEqual(
      (await next.status()).routes.map(({ name }) => name),
      ['a'],
    );
  });
});

test('a key is replaced while the gateway serves, and the old one is worth nothing any more', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const keys = join(folder, 'keys');
  const [fresh, old] = env.SLUICE_CONFIG_KEYS.split('\n') as [string, string];
  const keep = (...lines: readonly string[]): void => {
    writeFileSync(`${keys}.new`, `${lines.join('\n')}\n`);
    renameSync(`${keys}.new`, keys);
  };
  const config = (name: string): string => PLACE + SHOP + route(name, 'a.test');
  keep(old);
  const args = ['--config-key-file', keys];
  const signature = signatureOf('gateway.yaml', 1, config('a'));
  const gateway = await startGatewayProcess(config('a'), undefined, { args, signature });
  t.after(() => gateway.end());
  const keysNow = async (): Promise<string> => (await gateway.status()).signatures?.keys.join() ?? '';
  const save = (revision: number, name: string, key = KEYS[0]): void => {
    gateway.save(config(name));
    gateway.save(signatureOf('gateway.yaml', revision, config(name), key), '.sig');
  };
  keep(fresh, old);
  await until('the new key is known', async () => (await keysNow()) === 'new,k1');
  save(2, 'b');
  await accepted(gateway, 2);
  keep('');
  await logged(gateway, /"event":"config_keys_refused"/);
  assert.equal(await keysNow(), 'new,k1', 'an empty file takes no key away');
  keep(fresh);
  await until('the old key is gone', async () => (await keysNow()) === 'new');
  save(3, 'c', KEYS[1]);
  await refusalOf(gateway, 'SLU1141');
  save(4, 'd');
  await accepted(gateway, 3);
  assert.doesNotMatch(gateway.output(), /5c5c|a1a1/);
});

test('without its signature a document of a directory is waited for, then refused by name, and weights are not written', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-conf-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const save = (name: string, text: string): void => {
    writeFileSync(join(folder, '.new'), text);
    renameSync(join(folder, '.new'), join(folder, name));
  };
  save('a.yaml', route('a', 'a.test'));
  save('a.yaml.sig', signatureOf('a.yaml', 1, route('a', 'a.test')));
  const token = 'geheimgeheimgeheim';
  const gateway = await start(t, `${PLACE}adminToken: ${token}\n${SHOP}sources: [{directory: {path: "${folder}"}}]\n`);
  assert.deepEqual(
    (await gateway.status()).sources.map(({ pieces }) => pieces),
    [1],
  );

  save('b.yaml', route('b', 'b.test'));
  await until('it waits', async () => (await gateway.status()).signatures?.isWaiting === true);
  assert.equal((await gateway.status()).config.reloads.refused, 0);
  assert.equal(await refusalOf(gateway, 'SLU1140'), join(folder, 'b.yaml'));
  assert.deepEqual((await gateway.status()).signatures?.refused, { unsigned: 1, wrong: 0, replayed: 0 });
  save('b.yaml.sig', signatureOf('b.yaml', 1, route('b', 'b.test')));
  await accepted(gateway, 2);

  const put = await fetch(`${gateway.adminUrl}/api/v1/routes/a/weights`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'if-match': '"0"' },
    body: '{"weights": {"v1": 5}}',
  });
  assert.equal(put.status, 409);
  assert.match(await put.text(), /are signed, and the gateway signs none/);
});

/** What is written where: the document of the route `a`, or its signature. */
interface SignedPlace {
  readonly subject: string;
  readonly text: (host: string) => string;
  put(text: string): Promise<void>;
  putSignature(text: string): Promise<void>;
}

async function assertFollowed(t: TestContext, entry: string, place: SignedPlace): Promise<void> {
  const { subject, text } = place;
  const write = async (revision: number, host: string): Promise<void> => {
    await place.put(text(host));
    await place.putSignature(signatureOf(subject, revision, text(host)));
  };
  await write(3, 'a.test');
  const gateway = await start(t, `${PLACE}${SHOP}sources: [{${entry}}]\n`);
  await write(4, 'b.test');
  await accepted(gateway, 2);
  assert.equal((await gateway.status()).signatures?.documents, 2);
  await write(3, 'a.test');
  await refusalOf(gateway, 'SLU1142');
  await write(5, 'a.test');
  await accepted(gateway, 3);
}

test('what a URL answers is taken with what the URL of its signature answers', async (t) => {
  const pages = new Map<string, string>();
  const remote = createServer((request, response) => {
    const page = pages.get(request.url ?? '');
    response.writeHead(page === undefined ? 404 : 200).end(page);
  });
  const port = await listenLoopback(remote);
  t.after(() => {
    remote.closeAllConnections();
    remote.close();
  });
  await assertFollowed(t, `http: {url: "http://127.0.0.1:${port}/c/shop.yaml", interval: 100ms}`, {
    subject: 'shop.yaml',
    text: (host) => route('a', host),
    put: async (text) => void pages.set('/c/shop.yaml', text),
    putSignature: async (text) => void pages.set('/c/shop.yaml.sig', text),
  });
});

describe('a start whose source is away', () => {
  /** A source behind a URL with its signature, which can be away, and a state directory that several gateways have in turn. */
  async function rig(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-state-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const pages = new Map<string, string>();
    let isAway = false;
    const remote = createServer((request, response) => {
      const page = pages.get(request.url ?? '');
      if (isAway) response.socket?.destroy();
      else response.writeHead(page === undefined ? 404 : 200).end(page);
    });
    const port = await listenLoopback(remote);
    t.after(() => {
      remote.closeAllConnections();
      remote.close();
    });
    const document = (wait: string): string => {
      const own = `${PLACE}drain: {delay: 0s}\nstate: {directory: "${folder}"}\nfollow: {startTimeout: ${wait}}\n`;
      return `${own}sources: [{http: {url: "http://127.0.0.1:${port}/c.yaml", interval: 100ms}}]\n${SHOP}`;
    };
    let revision = 0;
    const hold = (name: string, key: (typeof KEYS)[number] | undefined): void => {
      pages.set('/c.yaml', route(name, `${name}.test`));
      if (key === undefined) pages.delete('/c.yaml.sig');
      else pages.set('/c.yaml.sig', signatureOf('c.yaml', ++revision, route(name, `${name}.test`), key));
    };
    const surroundings = (config: string, isSigned: boolean) =>
      isSigned ? { env, signature: signatureOf('gateway.yaml', ++revision, config) } : {};
    const run = async (isSigned: boolean): Promise<GatewayProcess> => {
      const config = document(isAway ? '500ms' : '60s');
      const gateway = await startGatewayProcess(config, undefined, surroundings(config, isSigned));
      t.after(() => gateway.end());
      return gateway;
    };
    /** One that serves and ends. */
    const serve = async (isSigned: boolean): Promise<void> => {
      const gateway = await run(isSigned);
      gateway.child.kill('SIGTERM');
      assert.equal(await gateway.exited, 0);
    };
    const refused = (): Promise<{ code: number | null; output: string }> => {
      const config = document('500ms');
      return runToExit(config, surroundings(config, true));
    };
    const away = (is: boolean): void => void (isAway = is);
    return { hold, run, serve, refused, away };
  }

  const routesOf = async (gateway: GatewayProcess): Promise<string> =>
    (await gateway.status()).routes.map(({ name }) => name).join();

  test('passes over what was accepted while nothing had to be signed, says so, and takes what is signed', async (t) => {
    const { hold, run, serve, away } = await rig(t);
    hold('a', KEYS[1]);
    await serve(true);
    hold('b', undefined);
    await serve(false);
    away(true);
    const gateway = await run(true);
    assert.equal(await routesOf(gateway), 'a');
    const { staleStart, difference } = (await gateway.status()).revisions;
    assert.equal(staleStart?.number, 1);
    assert.match(staleStart.passedOver, /^revision 2 was accepted without signatures at /);
    assert.match(difference, /passed over: revision 2/);
    await logged(
      gateway,
      /"event":"config_unverified","code":"SLU1928","directory":"[^"]*sluice-state-[^\n]*revision 2 /,
    );
    hold('c', KEYS[0]);
    away(false);
    await until('what is signed is in force', async () => (await routesOf(gateway)) === 'c');
    const { revisions } = (await (await fetch(`${gateway.adminUrl}/api/v1/config/history`)).json()) as {
      revisions: { number: number; verifiedWith: string[] | null }[];
    };
    const verified = revisions.map(
      ({ verifiedWith }) => verifiedWith?.map((print) => print.split(':')[0]).join() ?? '',
    );
    assert.deepEqual(verified, ['k1,new', 'k1', '', 'k1']);
    // Signed at last, the same content passes for verified.
    gateway.child.kill('SIGTERM');
    assert.equal(await gateway.exited, 0);
    away(true);
    assert.equal(await routesOf(await run(true)), 'c');
  });

  test('fails where nothing that is kept was verified, and says what to do', async (t) => {
    const { hold, serve, refused, away } = await rig(t);
    hold('b', undefined);
    await serve(false);
    away(true);
    const { code, output } = await refused();
    assert.equal(code, 1);
    assert.match(
      output,
      /sluice-state-.*SLU1241 .*got revision 1 was accepted without signatures at .*no other one was/,
    );
    assert.match(output, /\(start once while the sources answer: what they hold is verified then/);
    // The same content, signed now: no revision of its own, and verified all the same.
    hold('b', KEYS[1]);
    away(false);
    await serve(true);
    away(true);
    await serve(true);
  });
});

const STORES: readonly [StoreKind, entry: (url: string) => string, keys: (url: string) => Keys][] = [
  [CONSUL, (url) => `consul: {address: "${url}", wait: 1s}`, (url) => consulKeys(url, 'sluice')],
  [ETCD, (url) => `etcd: {endpoints: ["${url}"], heartbeat: 1s}`, (url) => etcdKeys(url, '/sluice/v1/')],
  [ZOOKEEPER, (url) => `zookeeper: {servers: ["${new URL(url).host}"]}`, (url) => zooKeys(url, '/sluice')],
];

for (const [kind, entry, keysOf] of STORES) {
  test(`a key of ${kind.binary} is taken with the key of its signature`, { skip: cannotRun(kind) }, async (t) => {
    const server = await startStore(kind);
    t.after(() => server.end());
    const keys = keysOf(server.url);
    await assertFollowed(t, entry(server.url), {
      subject: 'routes/a',
      text: (host) => `{hostnames: [${host}], backendRefs: [{name: shop}]}`,
      put: (text) => keys.put('routes/a', text),
      putSignature: (text) => keys.put('signatures/routes/a', text),
    });
  });
}

const NO_OPENSSL = findBinary('openssl') === null ? 'openssl is not installed' : false;

test('what the page says to do with openssl makes a good signature', { skip: NO_OPENSSL }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-openssl-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const page = readFileSync(new URL('../../../docs/SOURCES.md', import.meta.url), 'utf8');
  const script = /```sh\n([^`]*openssl dgst[^`]*)```/.exec(page)?.[1] ?? '';
  writeFileSync(join(folder, 'keys'), `2026-11:${HEX}\n`);
  writeFileSync(join(folder, 'shop.yaml'), 'backendRefs: [{name: shop}] # ä\n');
  const { status, stderr } = spawnSync('sh', ['-eu'], { cwd: folder, input: script, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const main = new URL('../../../src/main.ts', import.meta.url).pathname;
  const words = ['verify', 'shop.yaml', '--name', 'routes/shop', '--config-key-file', 'keys'];
  const verified = spawnSync(process.execPath, [main, 'config', ...words], { cwd: folder, encoding: 'utf8' });
  assert.equal(verified.stdout, 'shop.yaml: signed as routes/shop, revision 7, key 2026-11\n', verified.stderr);
});
