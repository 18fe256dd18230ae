/** Connecting: told once, later, and nothing stays open of what was given up. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Handle } from '#src/proxy/wire/binding.ts';
import { type Connecting, connectTo, connectToAny, paceMs } from '#src/proxy/wire/connect.ts';
import { blackholeOf } from '../../../support/http/blackhole.ts';
import { refusedPortOf } from '../../../support/proxy/running.ts';
import { noSockets, openSockets } from '../../../support/proxy/wires/sockets.ts';
import { type Gate, openGate, rounds } from '../../../support/proxy/wires/wires.ts';

interface Outcome {
  readonly handle: Handle | null;
  readonly code: string;
}

async function gateOf(t: TestContext): Promise<Gate> {
  await noSockets();
  const gate = await openGate();
  t.after(() => gate.close());
  return gate;
}

function outcome(address: string, port: number): Promise<Outcome> {
  return new Promise((resolve) => {
    let isReturned = false;
    connectTo(address, port, (handle, code) => {
      assert.ok(isReturned, 'told before the call returned');
      resolve({ handle, code });
    });
    isReturned = true;
  });
}

describe('connecting', () => {
  it('gives a connected handle', async (t) => {
    const gate = await gateOf(t);
    const { handle, code } = await outcome('127.0.0.1', gate.port);
    const peer: { address?: string; port?: number } = {};
    handle?.getpeername(peer);
    assert.deepEqual([code, peer.address, peer.port], ['', '127.0.0.1', gate.port]);
    handle?.close();
  });

  for (const [name, address, code] of [
    ['nobody listens', '127.0.0.1', 'ECONNREFUSED'],
    ['the address is none', 'localhost', 'EINVAL'],
    ['there is no address', undefined as unknown as string, 'EINVAL'],
  ] as const) {
    it(`that fails because ${name} is told later and leaves nothing open`, async (t) => {
      await noSockets();
      const port = await refusedPortOf(t);
      const before = openSockets();
      assert.deepEqual(await outcome(address, port), { handle: null, code });
      await rounds(5);
      assert.equal(openSockets(), before);
    });
  }

  it('can be given up, then nobody is told and nothing stays open', async (t) => {
    const gate = await gateOf(t);
    const before = openSockets();
    const told: string[] = [];
    const connecting = connectTo('127.0.0.1', gate.port, (_handle, code) => told.push(code));
    connecting.cancel();
    connecting.cancel();
    await rounds(10);
    assert.deepEqual([told, openSockets()], [[], before]);
  });

  it('can be given up between an error that is known at once and its report', async () => {
    const told: string[] = [];
    connectTo('nowhere', 1, (_handle, code) => told.push(code)).cancel();
    await rounds(5);
    assert.deepEqual(told, []);
  });

  it('given up when it is done does not close what was connected', async (t) => {
    const gate = await gateOf(t);
    const connecting: Connecting[] = [];
    const handle = await new Promise<Handle | null>((resolve) => {
      connecting.push(connectTo('127.0.0.1', gate.port, resolve));
    });
    connecting[0]?.cancel();
    assert.equal(handle?.getpeername({}), 0);
    handle?.close();
  });
});

/** Addresses of this machine that are not the one a blackhole or gate listens on. */
const NOWHERE = ['127.0.0.2', '127.0.0.3'] as const;
const NEVER_MS = 3_600_000;

interface Race {
  readonly connecting: Connecting;
  readonly told: Promise<Outcome>;
}

function race(addresses: readonly string[], port: number, nextAfterMs: number): Race {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const connecting = connectToAny(addresses, port, nextAfterMs, (handle, code) => resolve({ handle, code }));
  return { connecting, told: promise };
}

function addressOf(handle: Handle | null): string | undefined {
  const peer: { address?: string; port?: number } = {};
  handle?.getpeername(peer);
  handle?.close();
  return peer.address;
}

describe('connecting to a name with several addresses', () => {
  it('tries the next one while the first says nothing, and closes what came too late', async (t) => {
    await noSockets();
    const port = await blackholeOf(t);
    const gate = await openGate('127.0.0.2', port);
    t.after(() => gate.close());
    const before = openSockets();
    const { handle, code } = await race(['127.0.0.1', '127.0.0.2'], port, 10).told;
    assert.deepEqual([code, addressOf(handle)], ['', '127.0.0.2']);
    await rounds(5);
    assert.equal(openSockets(), before);
  });

  it('does not wait for its turn behind one that fails', async (t) => {
    const gate = await gateOf(t);
    const { handle } = await race([...NOWHERE, '127.0.0.1'], gate.port, NEVER_MS).told;
    assert.equal(addressOf(handle), '127.0.0.1');
  });

  it('takes the first one alone when it connects before the next one’s turn', async (t) => {
    const gate = await gateOf(t);
    const before = openSockets();
    const { handle } = await race(['127.0.0.1', ...NOWHERE], gate.port, NEVER_MS).told;
    await rounds(5);
    assert.equal(openSockets(), before + 1);
    assert.equal(addressOf(handle), '127.0.0.1');
  });

  it('fails with the last error when all did, and not before one that says nothing is given up', async (t) => {
    const { handle, code } = await race(['127.0.0.1', ...NOWHERE], await refusedPortOf(t), NEVER_MS).told;
    assert.deepEqual([handle, code], [null, 'ECONNREFUSED']);
    const port = await blackholeOf(t);
    let isTold = false;
    const { connecting, told } = race(['127.0.0.1', ...NOWHERE], port, 0);
    void told.then(() => {
      isTold = true;
    });
    await rounds(50);
    assert.equal(isTold, false);
    connecting.cancel();
  });

  it('can be given up as a whole: nobody is told, nothing stays open, no turn comes', async (t) => {
    await noSockets();
    const port = await blackholeOf(t);
    const before = openSockets();
    let isTold = false;
    const connecting = connectToAny(['127.0.0.1', ...NOWHERE], port, 0, () => {
      isTold = true;
    });
    connecting.cancel();
    connecting.cancel();
    await rounds(20);
    assert.deepEqual([isTold, openSockets()], [false, before]);
  });

  it('gives each address a turn within the whole time', () => {
    assert.deepEqual(
      [
        [1000, 2],
        [1000, 4],
        [1000, 10],
        [100, 2],
        [1000, 1000],
      ].map(([connectMs, count]) => paceMs(connectMs as number, count as number)),
      [250, 250, 100, 50, 10],
    );
  });
});
