/** What `npm pack` makes, installed in an empty folder as its users do it, on the oldest Node that it runs on and on this one. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { checkOut, NPM, npm } from '../../../support/clients/checkout.ts';
import { runtimePackages, startRegistry } from '../../../support/clients/registry.ts';
import { until } from '../../../support/gateway.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { findBinary } from '../../../support/runner/servers.ts';
import { freePorts } from '../../../support/stores/server.ts';

const ROOT = join(import.meta.dirname, '../../../..');
/** More than sockets hold, so that writes have to wait. */
const LARGE_BYTES = 8 * 1024 * 1024;
const OLD_NODE = findBinary('node24');
const LIMIT = { timeout: 900_000, skip: NPM === null || OLD_NODE === null ? 'npm or node24 is missing' : false };
const BILL_LIMIT = { timeout: 900_000, skip: NPM === null ? 'npm is missing' : false };

/** @returns the tarball that is packed in a checkout of its own */
async function packed(folder: string): Promise<string> {
  checkOut(folder);
  await npm(folder, ['pack']);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball !== undefined);
  return join(folder, tarball);
}

/** A process whose output can be waited for. */
function started(t: TestContext, node: string, argv: readonly string[], cwd: string) {
  // Beside the package, as what is compiled is kept by its place, which is another one next time.
  const env = { ...process.env, TMPDIR: cwd, NODE_COMPILE_CACHE: join(dirname(cwd), 'compiled') };
  const child: ChildProcess = spawn(node, argv, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => code as number | null);
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exit;
  });
  const said = async (pattern: RegExp): Promise<string> => {
    await until(`${pattern} is said`, () => pattern.test(output) || child.exitCode !== null);
    const [, found] = pattern.exec(output) ?? [];
    assert.ok(found !== undefined, `${argv.join(' ')}: ${output}`);
    return found;
  };
  return { child, exit, said, output: () => output };
}

/** Serves answers that are larger than sockets hold, keeps a state, drains. */
async function serves(t: TestContext, node: string, sluice: string, folder: string): Promise<void> {
  const service = createServer((_request, response) => void response.end(Buffer.alloc(LARGE_BYTES, 'x')));
  const port = await listenLoopback(service);
  t.after(() => service.close());
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'gateway.yaml'),
    `listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
drain: {delay: 0s, timeout: 5s}
state: {directory: ${join(folder, 'state')}}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop, version: v1}]}]
`,
  );
  const { child, exit, said, output } = started(t, node, [sluice, 'run'], folder);
  await said(/^(config) /m);
  const answer = await fetch(await said(/^proxy +(\S+)/m));
  assert.deepEqual([answer.status, (await answer.arrayBuffer()).byteLength], [200, LARGE_BYTES]);
  child.kill('SIGTERM');
  service.closeAllConnections();
  assert.equal(await exit, 0, output());
}

/** Starts the demo and sees its traffic and its page; test/integration/demo.test.ts plays the whole story. */
async function demos(t: TestContext, node: string, sluice: string, folder: string): Promise<void> {
  mkdirSync(folder);
  const [port, adminPort] = (await freePorts(2)).map(String);
  const argv = [sluice, 'demo', '--once', '--port', port ?? '', '--admin-port', adminPort ?? ''];
  const { child, exit, said } = started(t, node, argv, folder);
  await said(/^ *(load: 200 requests\/s)/m);
  // By its color: the story may have begun to send users to v2.
  const answer = await fetch(`http://127.0.0.1:${port}/checkout`, { headers: { 'x-color': 'v1' } });
  assert.deepEqual([answer.status, await answer.json()], [200, { version: 'v1', total: 42 }]);
  const paths = ['/readyz', '/', '/page/style.css', '/page/browser/app.js', '/page/view/page.js', '/page/uplot.js'];
  for (const path of paths) assert.equal((await fetch(`http://127.0.0.1:${adminPort}${path}`)).status, 200, path);
  child.kill('SIGINT');
  assert.equal(await exit, 1);
}

test('npm pack makes a package that installs, serves, shows the demo and has types', LIMIT, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-package-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [tarball, registry] = await Promise.all([packed(join(folder, 'checkout')), startRegistry(t, ROOT)]);
  const home = join(folder, 'home');
  mkdirSync(home);
  const env = {
    npm_config_registry: registry,
    npm_config_cache: join(folder, 'cache'),
    npm_config_engine_strict: 'true',
  };
  // By the oldest Node, which npm takes from PATH, and which the engines that are asked for must allow.
  const old = join(folder, 'old');
  mkdirSync(old);
  symlinkSync(OLD_NODE as string, join(old, 'node'));
  await npm(home, ['install', tarball], { ...env, PATH: `${old}:${process.env['PATH'] ?? ''}` });

  const installed = readdirSync(join(home, 'node_modules'), { recursive: true, encoding: 'utf8' });
  const manifests = installed.filter((path) => /^(?:@[^/]+\/)?[^/@.]+\/package\.json$/.test(path));
  const names = manifests.map((path) => dirname(path)).toSorted();
  assert.deepEqual(names, [...runtimePackages(ROOT).keys(), 'sluice'].toSorted(), 'nothing but what runs');
  const own = installed.filter((path) => path.startsWith('sluice/'));
  assert.deepEqual(
    own.filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts')),
    [],
  );
  assert.deepEqual([...new Set(own.map((path) => path.split('/')[1] ?? ''))].toSorted(), [
    ...['CHANGELOG.md', 'LICENSE', 'README.md', 'config', 'deploy', 'dist', 'package.json'],
  ]);

  const sluice = join(home, 'node_modules/.bin/sluice');
  const nodes = [OLD_NODE as string, process.execPath];
  await Promise.all([...nodes.map((node, n) => serves(t, node, sluice, join(folder, `serves-${n}`))), hasTypes(home)]);
  // One at a time: a demo gives its gateway 15 seconds to begin.
  for (const [n, node] of nodes.entries()) await demos(t, node, sluice, join(folder, `demo-${n}`));
});

interface Bill {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
  readonly components?: readonly Component[];
}

async function bill(...args: string[]): Promise<Bill> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(ROOT, 'deploy/sbom.mjs'), ...args]);
  return JSON.parse(stdout) as Bill;
}

test('the bill of materials has what the package needs at run time, and nothing else', BILL_LIMIT, async () => {
  const { bomFormat, metadata, components } = await bill();
  assert.deepEqual([bomFormat, metadata.component.name], ['CycloneDX', 'sluice']);
  assert.deepEqual(components.map(({ name }) => name).toSorted(), [...runtimePackages(ROOT).keys()].toSorted());
  for (const { name, hashes } of components) assert.ok(hashes.length > 0, name);
});

test('that of the executable has its Node as well, with what is compiled into it', BILL_LIMIT, async () => {
  const { components, dependencies, metadata } = await bill('--executable');
  const node = components.find(({ name }) => name === 'node');
  assert.deepEqual(components.filter((one) => one !== node).length, runtimePackages(ROOT).size);
  assert.equal(node?.version, process.versions.node);
  const sha256 = createHash('sha256').update(readFileSync(process.execPath)).digest('hex');
  assert.deepEqual(node.hashes, [{ alg: 'SHA-256', content: sha256 }]);
  const libraries = new Map(node.components?.map(({ name, version }) => [name, version]));
  for (const name of ['v8', 'openssl', 'sqlite'] as const) assert.equal(libraries.get(name), process.versions[name]);
  assert.ok(!libraries.has('napi') && ![...libraries.values()].includes(''));
  const whole = dependencies.find(({ ref }) => ref === `sluice@${metadata.component.version}`);
  assert.ok(whole?.dependsOn.includes(node['bom-ref']));
});

/** What a user's compiler makes of it. */
async function hasTypes(home: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  writeFileSync(
    join(home, 'mine.ts'),
    `import { startGateway } from 'sluice';
const gateway = startGateway(
  { configFile: 'gateway.yaml', configKeyFile: null, isFreshRequired: false, logLevel: 'info', pidFile: null, isTied: false, restartTimeoutMs: 60_000 },
  { version: '${version}' },
);
export const url: Promise<string> = gateway.then(({ adminUrl }) => adminUrl);
// @ts-expect-error: it is no number
export const wrong: Promise<number> = gateway.then(({ adminUrl }) => adminUrl);
`,
  );
  const options = ['--module', 'nodenext', '--target', 'esnext', '--strict', '--noEmit', '--skipLibCheck'];
  const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/tsc'), [...options, ...types, 'mine.ts'], { cwd: home });
}
