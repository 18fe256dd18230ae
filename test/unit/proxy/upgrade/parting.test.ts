import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { nowMs } from '#src/lib/clock.ts';
import { Deadlines } from '#src/lib/deadlines.ts';
import { Parting } from '#src/proxy/upgrade/parting.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { closedSocket, eventually } from '../../../support/proxy/running.ts';
import { type RawClient, rawClient } from '../../../support/raw.ts';

interface Scene {
  readonly client: RawClient;
  readonly socket: Socket;
  readonly deadlines: Deadlines;
  /** Just before the parting. */
  readonly begunAtMs: number;
  readonly over: () => number;
}

async function partingOf(t: TestContext): Promise<Scene> {
  const server = createServer({ allowHalfOpen: true });
  const client = rawClient(await listenLoopback(server));
  const [socket] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    client.socket.destroy();
    socket.destroy();
    server.close();
  });
  const deadlines = new Deadlines();
  let over = 0;
  socket.write('answer');
  const begunAtMs = nowMs();
  const parting = new Parting(socket, deadlines, 30_000, () => over++);
  t.after(() => parting.destroy());
  return { client, socket, deadlines, begunAtMs, over: () => over };
}

suite('parting', () => {
  test('the client has the whole answer and the end of the stream; then both are done', async (t) => {
    const { client, deadlines, over } = await partingOf(t);
    assert.equal(await client.closed(), 'answer');
    await eventually(() => over() === 1 && deadlines.size === 0, 'over');
  });

  test('what still comes is thrown away, but only so much of it', async (t) => {
    const { client, socket, over } = await partingOf(t);
    client.send(Buffer.alloc(4_000_000));
    await closedSocket(socket);
    assert.ok(socket.bytesRead >= 1_048_576 && socket.bytesRead < 3_000_000, `${socket.bytesRead} bytes were read`);
    await eventually(() => over() === 1, 'over');
  });

  test('a client that stays is closed in the end', async (t) => {
    const { client, socket, deadlines, begunAtMs, over } = await partingOf(t);
    // It does not close when the other side does.
    client.socket.removeAllListeners('end');
    await eventually(() => socket.writableFinished, 'all is sent');
    deadlines.sweep(begunAtMs + 1500);
    assert.equal(socket.destroyed, false);
    // The first of them is late, so it expires nothing.
    const lateAtMs = nowMs() + 2500;
    for (const atMs of [lateAtMs, lateAtMs + 50]) deadlines.sweep(atMs);
    await eventually(() => over() === 1, 'over');
  });
});
