import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { resetSocket } from '#src/proxy/upgrade/reset.ts';
import { closedSocket, eventually, upstreamOf } from '../../../support/proxy/running.ts';
import { openSockets } from '../../../support/proxy/wires/sockets.ts';

/** A connected socket, and its peer. */
async function pairOf(t: TestContext): Promise<[Socket, Socket]> {
  const upstream = await upstreamOf(t, () => undefined);
  const socket = connect({ host: '127.0.0.1', port: upstream.port, allowHalfOpen: true });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  await eventually(() => upstream.sockets.length === 1, 'accepted');
  return [socket, upstream.sockets[0] as Socket];
}

async function assertNothingOpen(...sockets: Socket[]): Promise<void> {
  await Promise.all(sockets.map(closedSocket));
  await eventually(() => openSockets() === 0, 'nothing is open');
}

suite('a socket that is broken off', () => {
  test('resets its peer', async (t) => {
    const [socket, peer] = await pairOf(t);
    const broken = once(peer, 'error');
    resetSocket(socket);
    assert.equal(((await broken) as [NodeJS.ErrnoException])[0].code, 'ECONNRESET');
    await assertNothingOpen(socket, peer);
  });

  test('leaves nothing open, even with its FIN under way', async (t) => {
    const [socket, peer] = await pairOf(t);
    socket.end();
    resetSocket(socket);
    await assertNothingOpen(socket, peer);
  });

  test('resets its peer in the middle of what was still to come before a FIN', async (t) => {
    const [socket, peer] = await pairOf(t);
    peer.pause();
    socket.end(Buffer.alloc(20_000_000));
    await eventually(() => socket.writableLength > 0, 'backed up');
    const broken = once(peer, 'error');
    resetSocket(socket);
    peer.resume();
    assert.equal(((await broken) as [NodeJS.ErrnoException])[0].code, 'ECONNRESET');
    await assertNothingOpen(socket, peer);
  });

  test('resets its peer after its FIN has left', async (t) => {
    const [socket, peer] = await pairOf(t);
    socket.end();
    await once(socket, 'finish');
    resetSocket(socket);
    await assertNothingOpen(socket, peer);
  });

  test('may be closed already', async (t) => {
    const [socket, peer] = await pairOf(t);
    socket.on('error', () => undefined);
    socket.destroy();
    resetSocket(socket);
    await assertNothingOpen(socket, peer);
  });
});
