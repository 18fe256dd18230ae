/** The single executable: one file, alone in its folder and without an environment, is the whole program. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { IN_PLACE_CHARS_MAX } from '#src/sources/parser.ts';
import { checkOut, NPM, npm } from '../../../support/clients/checkout.ts';
import { startService, type TestService, until } from '../../../support/gateway.ts';
import { startCollector } from '../../../support/readings/traces/collector.ts';
import { refusedRestart, restarted, startMixedLoad, startRestarting } from '../../../support/state/restarting.ts';
import { freePorts } from '../../../support/stores/server.ts';

const EXAMPLE = join(import.meta.dirname, '../../../../config/examples/minimal.yaml');
const PAGE = ['/', '/page/style.css', '/page/browser/app.js', '/page/view/page.js', '/page/uplot.js', '/favicon.ico'];
/** A comment by which a document is read and explained in threads of their own. */
const LONG = `# ${'x'.repeat(IN_PLACE_CHARS_MAX)}\n`;
/** Of a shell: the environment of what follows is empty. */
const BARE = 'exec env -i "$@"';
const skip = NPM === null || process.platform === 'win32' ? 'needs npm, and sockets that are inherited' : false;

const root = mkdtempSync(join(tmpdir(), 'sluice-executable-'));
const home = join(root, 'home');
const built = join(root, 'built');
const sluice = join(home, 'sluice');
let v1: TestService;

interface Ended {
  readonly code: number;
  readonly output: string;
}

/** Runs it to its end. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(sluice, [...args], { cwd: home, env: { ...env } }, (error, stdout, stderr) => {
      resolve({
        code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1,
        output: stdout + stderr,
      });
    });
  });
}

/** Puts another file into its place, as an update does. */
function replace(write: (file: string) => void): void {
  const file = `${sluice}.new`;
  write(file);
  chmodSync(file, 0o755);
  renameSync(file, sluice);
}

function config(collectorUrl: string, route = 'shop'): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: 3s, timeout: 60s}
state: {directory: ${join(root, 'state')}}
tracing: {endpoint: "${collectorUrl}", sample: 1}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${v1.port}"]}}}}
routes: [{name: ${route}, backendRefs: [{name: shop, version: v1}]}]
`;
}

describe('the single executable', { timeout: 900_000, skip }, () => {
  before(async () => {
    checkOut(join(root, 'checkout'));
    await npm(join(root, 'checkout'), ['run', 'executable', '--', built]);
    mkdirSync(home);
    copyFileSync(built, sluice);
    v1 = await startService('v1');
  });

  after(async () => {
    await v1?.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('says its version and checks a configuration, and leaves nothing behind', async () => {
    const version = await run(['version']);
    assert.match(version.output, new RegExp(`^sluice \\d+\\.\\d+\\.\\d+ \\(node ${process.version}, `));
    assert.equal(version.code, 0);
    const { code, output } = await run(['check', EXAMPLE, '--pre']);
    assert.match(output, /minimal\.yaml is sound: 1 routes, 1 services/);
    assert.match(output, /endpoints take no connection/);
    assert.equal(code, 1, 'as the endpoints of the example are not there');
    assert.deepEqual(readdirSync(home), ['sluice']);
  });

  it('serves over two workers, keeps a state, sends traces, has the page, and restarts under load', async (t) => {
    const collector = await startCollector(t);
    const gateway = await startRestarting(t, config(collector.url), { executable: sluice, shell: BARE });
    assert.equal((await gateway.status()).workers.length, 2);
    const load = startMixedLoad(t, gateway.proxyUrl);
    for (const path of PAGE) assert.equal((await fetch(gateway.adminUrl + path)).status, 200, path);
    const spans = await collector.wait(1, ({ name }) => name.startsWith('GET'));
    assert.equal(spans[0]?.resource['service.name'], 'sluice');

    gateway.save(LONG + config(collector.url, 'another'));
    await until('the long document is in force', async () => (await gateway.status()).routes[0]?.name === 'another');
    const explained = await fetch(`${gateway.adminUrl}/api/v1/explain/config?path=workers`);
    assert.equal(explained.status, 200, await explained.text());

    replace((file) => writeFileSync(file, '#!/bin/sh\nexit 3\n'));
    assert.equal(await refusedRestart(gateway), 'it ended with code 3', 'what lies there now is what is started');
    replace((file) => copyFileSync(built, file));
    for (const what of ['the new file has traffic', 'so has what it started']) {
      const sent = load.sent();
      await restarted(gateway);
      await until(what, () => load.sent() > sent + 100);
    }
    assert.deepEqual([...(await load.stop()).keys()], ['200 v1']);
    assert.equal(await gateway.firstExited, 0);
    assert.doesNotMatch(gateway.output(), /Warning/);
  });

  it('shows the demo, whose services and gateway are itself', async () => {
    const [port, adminPort] = (await freePorts(2)).map(String);
    const ports = ['--port', port ?? '', '--admin-port', adminPort ?? ''];
    const { code, output } = await run(['demo', '--once', ...ports], { TMPDIR: root });
    assert.equal(code, 0, output);
    assert.match(output, /ROLLED BACK v2: weight 20 → 0/);
    assert.deepEqual(readdirSync(home), ['sluice']);
  });
});
