/** Sockets that a supervisor opened, by the protocol of systemd: each used by its listener as it is, by all workers, over restarts. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startService, type TestService, until } from '../../support/gateway.ts';
import { authorityOf } from '../../support/http/certificates.ts';
import { listenLoopback } from '../../support/plane.ts';
import {
  type Restarting,
  refusedRestart,
  restarted,
  startMixedLoad,
  startRestarting,
} from '../../support/state/restarting.ts';

const LIMIT = { timeout: 540_000, skip: process.platform === 'linux' ? false : 'systemd is on Linux' };
const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
/** What a supervisor does between fork and exec. */
const SHELL = 'LISTEN_PID=$$ exec "$@"';

let v1: TestService;

before(async () => {
  v1 = await startService('v1');
});

after(() => v1.close());

const config = (more = ''): string => `
listen: 127.0.0.1:1
${more}
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
drain: {delay: 3s, timeout: 10s}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${v1.port}"]}}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1}]
`;

interface Opened {
  readonly ports: readonly number[];
  readonly fds: readonly number[];
  /** When the gateway has its own descriptors of them. */
  readonly close: () => void;
}

/** Sockets as a supervisor opens them. */
async function opened(count: number): Promise<Opened> {
  const servers: Server[] = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) ports.push(await listenLoopback(server));
  const fds = servers.map((server) => (server as unknown as { _handle: { fd: number } })._handle.fd);
  return { ports, fds, close: () => void servers.map((server) => server.close()) };
}

/** A supervisor that listens for a gateway, starts it, and leaves the accepting to it. */
async function activated(
  t: TestContext,
  names: readonly string[],
  document: (ports: readonly number[]) => string,
): Promise<{ gateway: Restarting; ports: readonly number[] }> {
  const { ports, fds, close } = await opened(names.length);
  const env = { LISTEN_FDS: String(names.length), LISTEN_FDNAMES: names.join(':') };
  const starting = startRestarting(t, document(ports), { shell: SHELL, env, fds });
  close();
  return { gateway: await starting, ports };
}

/** A TLS answer, over a connection of its own. */
function answerOverTls(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, agent: false };
    const asking = request(options, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
    });
    asking.on('error', reject);
    asking.end();
  });
}

describe('a gateway with sockets of a supervisor', LIMIT, () => {
  it('listens on them with all workers, at other addresses than are configured if they are called so', async (t) => {
    const { gateway, ports } = await activated(t, ['admin', 'listen'], () => config());
    assert.equal(gateway.proxyUrl, `http://127.0.0.1:${ports[1]}`);
    assert.equal(gateway.adminUrl, `http://127.0.0.1:${ports[0]}`);
    assert.equal(await (await fetch(gateway.proxyUrl)).text(), 'v1');
    assert.deepEqual(
      (await gateway.status()).workers.map(({ state }) => state),
      ['serving', 'serving'],
    );
  });

  it('hands them on when it is restarted, and refuses nobody', async (t) => {
    const { gateway } = await activated(t, ['admin', 'listen'], () => config());
    const load = startMixedLoad(t, gateway.proxyUrl);
    for (let n = 0; n < 2; n++) {
      const sent = load.sent();
      await restarted(gateway);
      await until('the new process has traffic', () => load.sent() > sent + 100);
    }
    assert.deepEqual([...(await load.stop()).keys()], ['200 v1']);
    assert.equal(await gateway.firstExited, 0);
    gateway.signal('SIGTERM');
    await until('the last one is gone', () => gateway.pid() === 0);
  });

  it('gives each listener its own, by address and by name, before and after a restart', async (t) => {
    const { cert, key } = authorityOf(t).issue('live', { names: 'IP:127.0.0.1' });
    const tls = `tls: {certificates: [{cert: ${cert}, key: ${key}}]}`;
    // systemd calls all sockets of a unit by one name: the second is known by its address.
    const { gateway, ports } = await activated(t, ['listen', 'listen', 'listeners[1]'], ([, secure]) =>
      config(`listeners: [{host: 127.0.0.1, port: ${secure}, ${tls}}, 127.0.0.1:2]`),
    );
    const [plain = 0, secure = 0, further = 0] = ports;
    for (let n = 0; n < 2; n++) {
      if (n > 0) await restarted(gateway);
      const told = ['http', 'https', 'http'].map((scheme, i) => `${scheme}://127.0.0.1:${ports[i]}`);
      assert.deepEqual((await gateway.status()).listeners, told);
      for (const port of [plain, further]) assert.equal(await (await fetch(`http://127.0.0.1:${port}`)).text(), 'v1');
      assert.equal(await answerOverTls(secure), 'v1');
    }
    // Its listener is gone from the document, and none that is plain takes its place: the old process goes on.
    gateway.save(config('listeners: [127.0.0.1:2, 127.0.0.1:3]'));
    assert.match(await refusedRestart(gateway), new RegExp(`127\\.0\\.0\\.1:${secure}.* belongs to no listener`));
    assert.equal(await answerOverTls(secure), 'v1');
  });

  it('does not start with one that belongs to nobody, and says which and what to do', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-activation-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, config());
    for (const [names, culprit] of [
      ['web', 3],
      ['listen:', 4],
      ['listen:listen', 4],
    ] as const) {
      const { ports, fds, close } = await opened(names.split(':').length);
      const child = spawn('sh', ['-c', SHELL, 'sh', process.execPath, MAIN, 'run', '--config', file], {
        stdio: ['ignore', 'pipe', 'pipe', ...fds],
        env: { ...process.env, LISTEN_FDS: String(fds.length), LISTEN_FDNAMES: names },
      });
      close();
      let text = '';
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const code = await new Promise((resolve) => child.once('close', resolve));
      assert.equal(code, 1, text);
      const port = ports[culprit - 3];
      assert.match(text, new RegExp(`Descriptor ${culprit} of the supervisor \\(127\\.0\\.0\\.1:${port}, `));
      assert.match(text, /belongs to no listener.*FileDescriptorName=/);
    }
  });
});
