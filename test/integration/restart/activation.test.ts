/** Sockets that a supervisor opened, by the protocol of systemd: used as they are, by all workers, over restarts. */

import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { after, before, describe, it, type TestContext } from 'node:test';
import { startService, type TestService, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';
import { type Restarting, restarted, startMixedLoad, startRestarting } from '../../support/state/restarting.ts';

const LIMIT = { timeout: 120_000, skip: process.platform === 'linux' ? false : 'systemd is on Linux' };
/** What a supervisor does between fork and exec. */
const SHELL = 'LISTEN_PID=$$ exec "$@"';

let v1: TestService;

before(async () => {
  v1 = await startService('v1');
});

after(() => v1.close());

const config = (): string => `
listen: 127.0.0.1:1
admin: 127.0.0.1:0
workers: 2
drain: {delay: 200ms, timeout: 10s}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${v1.port}"]}}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1}]
`;

interface Activated {
  readonly gateway: Restarting;
  readonly proxyPort: number;
  readonly adminPort: number;
}

/** A supervisor that listens for a gateway, starts it, and leaves the accepting to it. */
async function activated(t: TestContext): Promise<Activated> {
  const servers: Server[] = [createServer(), createServer()];
  const [adminPort, proxyPort] = [
    await listenLoopback(servers[0] as Server),
    await listenLoopback(servers[1] as Server),
  ];
  const fds = servers.map((server) => (server as unknown as { _handle: { fd: number } })._handle.fd);
  const env = { LISTEN_FDS: '2', LISTEN_FDNAMES: 'admin:web' };
  const starting = startRestarting(t, config(), { shell: SHELL, env, fds });
  // The process has its own descriptors of them by now.
  for (const server of servers) server.close();
  return { gateway: await starting, proxyPort, adminPort };
}

describe('a gateway with sockets of a supervisor', LIMIT, () => {
  it('listens on them with all workers, whatever is configured', async (t) => {
    const { gateway, proxyPort, adminPort } = await activated(t);
    assert.equal(gateway.proxyUrl, `http://127.0.0.1:${proxyPort}`);
    assert.equal(gateway.adminUrl, `http://127.0.0.1:${adminPort}`);
    assert.equal(await (await fetch(gateway.proxyUrl)).text(), 'v1');
    assert.deepEqual(
      (await gateway.status()).workers.map(({ state }) => state),
      ['serving', 'serving'],
    );
  });

  it('hands them on when it is restarted, and refuses nobody', async (t) => {
    const { gateway } = await activated(t);
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
});
