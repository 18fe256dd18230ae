/** Whose the sockets are that a process was given. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Origin } from '#src/compose/handover/origin.ts';
import { type Owned, ownedBy } from '#src/compose/handover/owners.ts';
import type { Config, ListenAddress } from '#src/model/config.ts';
import type { PassedSockets } from '#src/model/threads/handover.ts';

const NEW: Origin = { heir: null, activated: [], proxy: null, admin: null, others: [] };
const CONFIG = {
  listen: { host: '0.0.0.0', port: 80 },
  listeners: [
    { host: '0.0.0.0', port: 443 },
    { host: '127.0.0.1', port: 0 },
  ],
  admin: { host: '127.0.0.1', port: 9900 },
} as unknown as Config;

/** What a supervisor passed, from descriptor 3 on: `host port name`. */
function activated(config: Config, ...sockets: string[]): Owned {
  const bound = sockets.map((socket) => socket.split(' '));
  const origin = { ...NEW, activated: bound.map(([, , name = ''], n) => ({ fd: n + 3, name })) };
  return ownedBy(config, origin, (fd) => {
    const [host = '', port] = bound[fd - 3] as string[];
    return host === 'file' ? null : { host, port: Number(port) };
  });
}

const fdsOf = ({ proxy, admin, others }: Owned): unknown => [proxy, ...others, admin].map((one) => one?.fds ?? null);

describe("a supervisor's socket", () => {
  it('belongs to the listener whose address it has, whatever its name is', () => {
    const owned = activated(CONFIG, '127.0.0.1 9900 listen', '0.0.0.0 443 listen', '0.0.0.0 80 web');
    assert.deepEqual(fdsOf(owned), [[5], [4], null, [3]]);
    assert.deepEqual(owned.others[0], { host: '0.0.0.0', port: 443, isActivated: true, names: ['listen'], fds: [4] });
  });

  it('at every interface is for a listener at every interface, of either family', () => {
    assert.deepEqual(fdsOf(activated(CONFIG, ':: 80 ', ':: 443 ')), [[3], [4], null, null]);
    assert.throws(() => activated(CONFIG, '10.0.0.1 80 '), /belongs to no listener/);
    assert.throws(() => activated(CONFIG, '0.0.0.0 9900 '), /belongs to no listener/);
  });

  it('may have its address in another spelling than the listener', () => {
    const at = (host: string): Config => ({ ...CONFIG, listeners: [], listen: { host, port: 8080 } });
    for (const [host, bound] of [
      ['localhost', '127.0.0.1'],
      ['LocalHost', '::1'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['0::0', '::'],
      ['10.0.0.1', '::ffff:10.0.0.1'],
    ] as const) {
      assert.deepEqual(fdsOf(activated(at(host), `${bound} 8080 sluice.socket`)), [[3], null], host);
    }
    assert.throws(() => activated(at('localhost'), '10.0.0.1 8080 sluice.socket'), /belongs to no listener/);
    assert.throws(() => activated(at('edge.example'), '127.0.0.1 8080 sluice.socket'), /belongs to no listener/);
  });

  it('at another address belongs to the listener by whose name it is called', () => {
    const owned = activated(CONFIG, '10.0.0.1 8080 listen', '::1 8081 listeners[1]', '::1 8082 admin');
    assert.deepEqual(fdsOf(owned), [[3], null, [4], [5]]);
  });

  it('that is nobody’s ends the start, and says which, where and what to do', () => {
    assert.throws(() => activated(CONFIG, '0.0.0.0 80 web', '::1 8443 web'), {
      code: 'SLU_LISTEN_FAILED',
      message:
        'Descriptor 4 of the supervisor ([::1]:8443, named "web") belongs to no listener: no listener has this address, and its name is none of ' +
        'listen, listeners[0], listeners[1], admin; configure a listener at its address, name it after its listener ' +
        '(FileDescriptorName=, in a socket unit of its own), or do not pass it',
    });
    assert.throws(() => activated(CONFIG, '::1 8443 '), /\(\[::1\]:8443, without a name\)/);
    assert.throws(() => activated(CONFIG, 'file 0 listen'), /Descriptor 3 .*no socket of IP/);
  });

  it('gives no listener a second port, as the unit’s name is that of all its sockets', () => {
    const plain = { ...CONFIG, listeners: [] } as unknown as Config;
    const message = /Descriptor 4 .*0\.0\.0\.0:443.* listen has descriptor 3 \(0\.0\.0\.0:80\) already/;
    assert.throws(() => activated(plain, '0.0.0.0 80 listen', '0.0.0.0 443 listen'), message);
    assert.throws(() => activated(plain, '0.0.0.0 8080 listen', '0.0.0.0 8443 listen'), /belongs to no listener/);
    assert.deepEqual(fdsOf(activated(plain, '0.0.0.0 80 listen', '10.0.0.1 80 listen')), [[3, 4], null]);
  });

  it('is the only one of the admin server', () => {
    assert.throws(() => activated(CONFIG, '127.0.0.1 9900 admin', '::1 9900 admin'), /Descriptor 4 .*one socket/);
  });
});

describe("a predecessor's sockets", () => {
  const passed = ({ host, port }: ListenAddress, fd: number): PassedSockets => {
    return { host, port, isActivated: false, fds: [fd] };
  };
  const never = () => assert.fail('their addresses are known');
  const [tls, local] = CONFIG.listeners as [ListenAddress, ListenAddress];

  it('belong to the listeners that have the addresses they were opened for', () => {
    const others = [passed(local, 5), passed({ host: '::1', port: 1 }, 6), passed(tls, 4)];
    const origin = { ...NEW, proxy: passed(CONFIG.listen, 3), admin: passed(CONFIG.admin, 7), others };
    const owned = ownedBy(CONFIG, origin, never);
    assert.deepEqual(fdsOf(owned), [[3], [4], [5], [7]]);
    assert.deepEqual(owned.unwanted, [others[1]]);
  });

  it('are unwanted at other addresses, and where a supervisor has some', () => {
    const origin = {
      ...NEW,
      proxy: passed(tls, 3),
      admin: passed(CONFIG.admin, 7),
      activated: [{ fd: 8, name: 'admin' }],
    };
    const owned = ownedBy(CONFIG, origin, () => ({ host: '::1', port: 2 }));
    assert.deepEqual(fdsOf(owned), [null, null, null, [8]]);
    assert.deepEqual(owned.unwanted, [origin.proxy, origin.admin]);
  });
});
