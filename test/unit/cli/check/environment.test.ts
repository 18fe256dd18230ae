import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { checkEnvironment } from '#src/cli/check/environment.ts';
import type { Config } from '#src/model/config.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND } from '../../../support/config.ts';

const parsed = parseConfig(SOUND, 'a.yaml', {});
const CONFIG: Config = parsed.ok ? { ...parsed.config, services: [] } : assert.fail('no configuration');
const FREE = { host: '127.0.0.1', port: 0 };
const QUIET: Config = { ...CONFIG, listen: { ...CONFIG.listen, ...FREE }, admin: FREE };

/** A port that takes connections. */
async function taken(context: TestContext): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const look = (config: Config | null, more: { nodeVersion?: string; isRunning?: boolean } = {}) =>
  checkEnvironment({ nodeVersion: 'v26.10.0', engines: '^24.21.0 || >=26.10.0', isRunning: false, config, ...more });

function servicesAt(...ports: number[]): Config['services'] {
  const [service] = parsed.ok ? parsed.config.services : [];
  const [version] = service?.versions ?? [];
  assert.ok(service !== undefined && version !== undefined);
  const endpoints = ports.map((port) => ({ host: '127.0.0.1', port, weight: 1 }));
  return [{ ...service, versions: [{ ...version, endpoints }] }];
}

suite('checks of the environment', { timeout: 120_000 }, () => {
  test('a Node.js that the package does not ask for fails; without a configuration there is no more to see', async () => {
    assert.deepEqual(
      (await look(null)).map(({ state }) => state),
      ['pass'],
    );
    for (const [nodeVersion, state] of [
      ['v22.1.0', 'fail'],
      ['v24.20.0', 'fail'],
      ['v24.21.0', 'pass'],
      ['v26.9.0', 'fail'],
    ] as const) {
      assert.deepEqual(
        (await look(null, { nodeVersion })).map((check) => check.state),
        [state],
        nodeVersion,
      );
    }
  });

  test('an address in use fails, unless it is the gateway’s own', async (context) => {
    const port = await taken(context);
    const config = { ...QUIET, admin: { host: '127.0.0.1', port } };
    const failed = (await look(config)).filter(({ state }) => state === 'fail');
    assert.deepEqual(
      failed.map(({ sentence }) => sentence),
      [`127.0.0.1:${port} is in use`],
    );
    assert.ok((await look(config, { isRunning: true })).every(({ state }) => state !== 'fail'));
    const odd = { ...QUIET, admin: { host: '192.0.2.1', port: 1 } };
    assert.match(
      (await look(odd)).find(({ state }) => state === 'fail')?.sentence ?? '',
      /192\.0\.2\.1:1 (?:cannot|needs)/,
    );
  });

  test('endpoints that take no connection are named; all of them fail', async (context) => {
    const port = await taken(context);
    const about = async (...ports: number[]) => {
      const checks = await look({ ...QUIET, services: servicesAt(...ports) });
      return checks.find(({ sentence }) => sentence.includes('endpoints'));
    };
    assert.equal((await about(port))?.sentence, '1 endpoints take connections');
    const some = await about(port, 1);
    assert.deepEqual([some?.state, some?.sentence], ['warn', '1 of 2 endpoints take no connection: 127.0.0.1:1']);
    assert.equal((await about(1))?.state, 'fail');
  });

  test('state needs a folder that can be written to', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-check-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const about = async (directory: string | null) => {
      const checks = await look({ ...QUIET, state: { directory } });
      return checks.find(({ sentence }) => /state|written/.test(sentence));
    };
    assert.equal((await about(null))?.state, 'warn');
    assert.equal((await about(folder))?.sentence, `state is kept in ${folder}`);
    assert.match((await about(join(folder, 'new')))?.sentence ?? '', /is made at the start$/);
    assert.equal((await about(join(folder, 'a', 'b')))?.state, 'fail');
  });
});
