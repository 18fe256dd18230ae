/** Connecting: told once, later, and nothing stays open of what was given up. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { Handle } from '#src/proxy/wire/binding.ts';
import { type Connecting, connectTo } from '#src/proxy/wire/connect.ts';
import { type Gate, openGate, openSockets, rounds } from '../../../support/proxy/wires.ts';

interface Outcome {
  readonly handle: Handle | null;
  readonly code: string;
}

async function gateOf(t: TestContext): Promise<Gate> {
  const gate = await openGate();
  t.after(() => gate.close());
  // What earlier tests closed is gone after a round.
  await rounds(5);
  return gate;
}

/** A port that nobody listens on: it was just given back. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
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
    it(`that fails because ${name} is told later and leaves nothing open`, async () => {
      await rounds(5);
      const before = openSockets();
      assert.deepEqual(await outcome(address, await closedPort()), { handle: null, code });
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
