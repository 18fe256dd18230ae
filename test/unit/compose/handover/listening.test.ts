/** How listening sockets are come by and passed on. */

import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { adminFd, planListening, socketsToPass } from '#src/compose/handover/listening.ts';
import type { Origin } from '#src/compose/handover/origin.ts';
import type { Config } from '#src/model/config.ts';
import type { PassedSockets } from '#src/model/threads/handover.ts';
import { listenLoopback } from '../../../support/plane.ts';

const HOST = '127.0.0.1';
const NEW: Origin = { heir: null, proxy: null, admin: null, others: [] };

function configOf(port: number, workers: Config['workers'] = 1): Config {
  const address = { host: HOST, port };
  return { listen: address, admin: address, workers } as Config;
}

const passed = (fd: number, isActivated = false): PassedSockets => ({ host: HOST, port: 0, isActivated, fds: [fd] });

describe('workers', () => {
  it('open their sockets, one port for all, where nobody listens', async () => {
    const plan = await planListening(configOf(0, 3), NEW);
    assert.deepEqual(plan.listeners, [{ host: HOST, port: 0, http2: false }]);
    if (process.platform === 'linux') assert.deepEqual([plan.count, plan.reusePort, plan.warnings], [3, true, []]);
  });

  it('do not share a port with somebody else', async (t) => {
    const other = createServer();
    t.after(() => other.close());
    await assert.rejects(planListening(configOf(await listenLoopback(other)), NEW), { code: 'SLU_PORT_IN_USE' });
  });

  it('listen on what was passed for their address', async () => {
    const { listeners } = await planListening(configOf(0), { ...NEW, proxy: passed(99) });
    assert.deepEqual(await listeners[0]?.sockets?.(0), [99]);
  });

  it('are told whether connections begin with a PROXY header, on their own sockets and on those that were passed', async () => {
    const listen = { host: HOST, port: 0, proxyProtocol: 'required' } as const;
    for (const origin of [NEW, { ...NEW, proxy: passed(99) }]) {
      const { listeners } = await planListening({ ...configOf(0), listen }, origin);
      assert.equal(listeners[0]?.proxyProtocol, 'required');
    }
  });

  it('let go of what was passed for another address', async () => {
    const fd = openSync('/dev/null', 'r');
    const free = createServer();
    const port = await listenLoopback(free);
    await new Promise((resolve) => free.close(resolve));
    const { listeners } = await planListening(configOf(port), { ...NEW, proxy: passed(fd) });
    assert.deepEqual(listeners, [{ host: HOST, port, http2: false }]);
    assert.throws(() => fstatSync(fd), { code: 'EBADF' });
  });

  it('listen at every address, each on what was passed for it', async () => {
    const [unwanted, wanted] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')];
    const config = {
      ...configOf(0),
      listeners: [
        { host: '::1', port: 0 },
        { host: HOST, port: 0 },
      ],
    };
    const others = [{ ...passed(unwanted), port: 1 }, passed(wanted)];
    const { listeners } = await planListening(config, { ...NEW, others });
    const given = await Promise.all(listeners.map(async ({ sockets }) => (await sockets?.(0)) ?? []));
    assert.deepEqual(given, [[], [], [wanted]]);
    assert.throws(() => fstatSync(unwanted), { code: 'EBADF' });
    closeSync(wanted);
  });
});

describe('the admin server', () => {
  it('takes the socket that is for its address, and lets go of another', () => {
    assert.equal(adminFd({ host: HOST, port: 0 }, NEW), undefined);
    assert.equal(adminFd({ host: HOST, port: 0 }, { ...NEW, admin: passed(99) }), 99);
    assert.equal(adminFd({ host: HOST, port: 9900 }, { ...NEW, admin: passed(99, true) }), 99);
    const fd = openSync('/dev/null', 'r');
    assert.equal(adminFd({ host: HOST, port: 9900 }, { ...NEW, admin: passed(fd) }), undefined);
    assert.throws(() => closeSync(fd), { code: 'EBADF' });
  });
});

describe('a successor', () => {
  it("gets every worker's sockets and the admin server's, with the address they were opened for", () => {
    assert.deepEqual(socketsToPass(configOf(8080), NEW, { proxy: [[20, 21]], admin: 22 }), {
      proxy: { host: HOST, port: 8080, isActivated: false, fds: [20, 21] },
      admin: { host: HOST, port: 8080, isActivated: false, fds: [22] },
      others: [],
    });
  });

  it('gets the sockets of every further listener', () => {
    const config = { ...configOf(8080), listeners: [{ host: HOST, port: 8443 }] };
    const sockets = socketsToPass(config, NEW, { proxy: [[20], [23, 24]], admin: 22 });
    assert.deepEqual(typeof sockets === 'string' ? sockets : sockets.others, [
      { host: HOST, port: 8443, isActivated: false, fds: [23, 24] },
    ]);
  });

  it("gets a supervisor's own sockets, not the workers' duplicates of them", () => {
    const sockets = socketsToPass(configOf(8080), { ...NEW, proxy: passed(3, true) }, { proxy: [[20, 21]], admin: 22 });
    assert.deepEqual(typeof sockets === 'string' ? sockets : sockets.proxy, {
      host: HOST,
      port: 8080,
      isActivated: true,
      fds: [3],
    });
  });

  it('gets nothing while a worker is being replaced, or where sockets have no descriptors', () => {
    assert.match(socketsToPass(configOf(0), NEW, { proxy: null, admin: 22 }) as string, /being replaced/);
    assert.match(socketsToPass(configOf(0), NEW, { proxy: [[20]], admin: null }) as string, /cannot hand/);
  });
});
