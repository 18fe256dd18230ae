/** How listening sockets are come by and passed on. */

import assert from 'node:assert/strict';
import { fstatSync, openSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { planListening, socketsToPass } from '#src/compose/handover/listening.ts';
import type { Owned } from '#src/compose/handover/owners.ts';
import type { Config } from '#src/model/config.ts';
import type { PassedSockets } from '#src/model/threads/handover.ts';
import { listenLoopback } from '../../../support/plane.ts';

const HOST = '127.0.0.1';
const NEW: Owned = { proxy: null, admin: null, others: [], unwanted: [] };

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
    const { listeners } = await planListening(configOf(0), { ...NEW, unwanted: [passed(fd)] });
    assert.deepEqual(listeners, [{ host: HOST, port: 0, http2: false }]);
    assert.throws(() => fstatSync(fd), { code: 'EBADF' });
  });

  it('listen at every address, each on what was passed for it', async () => {
    const config = {
      ...configOf(0),
      listeners: [
        { host: '::1', port: 0 },
        { host: HOST, port: 0 },
      ],
    };
    const others = [null, passed(99)];
    const { listeners } = await planListening(config, { ...NEW, others });
    const given = await Promise.all(listeners.map(async ({ sockets }) => (await sockets?.(0)) ?? []));
    assert.deepEqual(given, [[], [], [99]]);
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

  it("gets a supervisor's sockets of each listener beside those of the workers", () => {
    const config = { ...configOf(8080), listeners: [8443, 8444].map((port) => ({ host: HOST, port })) };
    const owned = { ...NEW, others: [null, passed(5, true)], admin: passed(6, true) };
    const sockets = socketsToPass(config, owned, { proxy: [[20], [21], [22, 23]], admin: 6 });
    assert.deepEqual(sockets, {
      proxy: { host: HOST, port: 8080, isActivated: false, fds: [20] },
      admin: { host: HOST, port: 8080, isActivated: true, fds: [6] },
      others: [
        { host: HOST, port: 8443, isActivated: false, fds: [21] },
        { host: HOST, port: 8444, isActivated: true, fds: [5] },
      ],
    });
    assert.match(socketsToPass(config, owned, { proxy: null, admin: 6 }) as string, /being replaced/);
    const all = { ...owned, proxy: passed(3, true), others: [passed(4, true), passed(5, true)] };
    assert.notEqual(
      typeof socketsToPass(config, all, { proxy: null, admin: 6 }),
      'string',
      'duplicates are not missed',
    );
  });

  it('gets nothing while a worker is being replaced, or where sockets have no descriptors', () => {
    assert.match(socketsToPass(configOf(0), NEW, { proxy: null, admin: 22 }) as string, /being replaced/);
    assert.match(socketsToPass(configOf(0), NEW, { proxy: [[20]], admin: null }) as string, /cannot hand/);
  });
});
