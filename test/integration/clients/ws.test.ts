/** `ws` through the running gateway, as it comes: compressed both ways, in large and many fragments, every way to close. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { ClientOptions, WebSocket } from 'ws';
import { type EchoGateway, echoGateway } from '../../support/proxy/echo.ts';
import { webSocketTo } from '../../support/proxy/upgrade.ts';

/** Bytes of one message, more than every buffer on the way. */
const LARGE_BYTES = 16 * 1_048_576;
const FRAGMENT_BYTES = 50_000;
/** Reached only when something hangs. */
const LIMIT = { timeout: 400_000 };

async function message(socket: WebSocket): Promise<Buffer> {
  const [data] = (await once(socket, 'message')) as [Buffer];
  return data;
}

async function closing(socket: WebSocket): Promise<[number, string]> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return [code, String(reason)];
}

/** Sends a message in fragments, a ping between any two of them. */
function sendInFragments(socket: WebSocket, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at += FRAGMENT_BYTES) {
    socket.send(bytes.subarray(at, at + FRAGMENT_BYTES), { fin: at + FRAGMENT_BYTES >= bytes.length });
    socket.ping();
  }
}

describe('ws', LIMIT, () => {
  let gateway: EchoGateway;
  const ends: (() => unknown)[] = [];
  before(async () => {
    gateway = await echoGateway({ after: (end) => void ends.push(end as () => unknown) });
  });
  after(async () => {
    for (const end of ends) await end();
  });

  /** A client, and the service's own end of the same session. */
  async function session(
    t: TestContext,
    options: ClientOptions & { path?: string } = {},
  ): Promise<[client: WebSocket, atService: WebSocket]> {
    const opened = once(gateway.sockets, 'connection') as Promise<[WebSocket]>;
    const client = await webSocketTo(t, gateway, options);
    return [client, (await opened)[0]];
  }

  for (const [name, perMessageDeflate] of [
    ['with its context kept', true],
    ['without context', { clientNoContextTakeover: true, serverNoContextTakeover: true }],
    ['in small windows', { clientMaxWindowBits: 9, serverMaxWindowBits: 9 }],
    ['not at all', false],
  ] as const) {
    it(`compresses ${name}, both ways`, async (t) => {
      const [socket] = await session(t, { perMessageDeflate });
      assert.equal(socket.extensions.startsWith('permessage-deflate'), perMessageDeflate !== false);
      for (const bytes of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(300_000, 'sluice '), randomBytes(300_000)]) {
        socket.send(bytes);
        assert.ok(bytes.equals(await message(socket)));
      }
      socket.send('text');
      assert.equal(String(await message(socket)), 'text');
    });
  }

  for (const perMessageDeflate of [false, true]) {
    it(`sends ${LARGE_BYTES} bytes in fragments, ${perMessageDeflate ? 'compressed' : 'plain'}, and as one`, async (t) => {
      const [socket, atService] = await session(t, { perMessageDeflate });
      const bytes = randomBytes(LARGE_BYTES);
      let pongs = 0;
      socket.on('pong', () => pongs++);
      const back = message(socket);
      sendInFragments(socket, bytes);
      assert.ok(bytes.equals(await back));
      assert.ok(pongs > 0, 'pings pass between fragments');
      const forth = message(socket);
      sendInFragments(atService, bytes);
      assert.ok(bytes.equals(await forth));
      const whole = message(socket);
      socket.send(bytes);
      assert.ok(bytes.equals(await whole));
    });
  }

  it('keeps a thousand small messages apart and in order', async (t) => {
    const [socket] = await session(t);
    const got: number[] = [];
    const all = new Promise<void>((resolve) => {
      socket.on('message', (data: Buffer) => {
        if (got.push(Number(String(data))) === 1000) resolve();
      });
    });
    for (let n = 0; n < 1000; n++) socket.send(String(n));
    await all;
    assert.deepEqual(got, [...Array(1000).keys()]);
  });

  for (const code of [1000, 1001, 1008, 1011, 3000, 4999]) {
    it(`passes close code ${code} with its reason, whoever says it`, async (t) => {
      const [socket, atService] = await session(t);
      const ended = Promise.all([closing(socket), closing(atService)]);
      socket.close(code, 'bye');
      assert.deepEqual(await ended, [
        [code, 'bye'],
        [code, 'bye'],
      ]);
      const [answered] = await session(t, { path: `/?close=${code}` });
      assert.deepEqual(await closing(answered), [code, 'as asked']);
    });
  }

  it('may close without a code, and a frame that nobody may send ends both sides', async (t) => {
    const [plain, plainAtService] = await session(t);
    const ended = closing(plainAtService);
    plain.close();
    assert.deepEqual(await ended, [1005, '']);
    const [socket, atService] = await session(t);
    const faults = Promise.all([once(atService, 'error'), closing(socket)]);
    // A text frame with a reserved bit that nothing negotiated, masked with zeros.
    (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.from([0xa1, 0x81, 0, 0, 0, 0, 0x61]),
    );
    const [[error], [code]] = (await faults) as [[Error], [number, string]];
    assert.match(error.message, /RSV2 and RSV3 must be clear/);
    assert.equal(code, 1002);
  });
});
