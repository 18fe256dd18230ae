/** A second descriptor of a listening socket. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { duplicateSocket } from '#src/proxy/wire/duplicate.ts';

const isLinux = process.platform === 'linux';

/** Listens in a thread of its own, as workers do, and answers with a word. */
const OWNER = new URL(
  `data:text/javascript,${encodeURIComponent(`
    import { parentPort, workerData } from 'node:worker_threads';
    import { createServer } from 'node:net';
    const server = createServer((socket) => socket.end(workerData.says));
    const { fd } = workerData;
    server.listen(fd === undefined ? { host: '127.0.0.1', port: 0 } : { fd }, () => {
      parentPort.postMessage({ fd: server._handle.fd, port: server.address().port });
    });
    parentPort.on('message', () => server.close(() => process.exit()));
  `)}`,
);

interface Owner {
  readonly fd: number;
  readonly port: number;
  /** Closes its descriptor. */
  close(): Promise<void>;
}

async function ownerOf(t: TestContext, says: string, fd?: number): Promise<Owner> {
  const thread = new Worker(OWNER, { workerData: { says, fd } });
  t.after(() => thread.terminate());
  const [listening] = (await once(thread, 'message')) as [{ fd: number; port: number }];
  const close = async (): Promise<void> => {
    thread.postMessage('close');
    await once(thread, 'exit');
  };
  return { ...listening, close };
}

function said(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    connect(port, '127.0.0.1')
      .on('data', (chunk) => (text += chunk.toString()))
      .on('error', reject)
      .on('close', () => resolve(text));
  });
}

describe('a duplicate of a listening socket', { skip: !isLinux, timeout: 120_000 }, () => {
  it('is the same socket: who holds it accepts what came while nobody did', async (t) => {
    const first = await ownerOf(t, 'first');
    const fd = await duplicateSocket(first.fd);
    assert.notEqual(fd, first.fd);
    await first.close();
    const waiting = said(first.port);
    await ownerOf(t, 'second', fd);
    assert.equal(await waiting, 'second');
  });

  it('can be made again and again, each for an owner of its own', async (t) => {
    const first = await ownerOf(t, 'all the same');
    const [one, two] = [await duplicateSocket(first.fd), await duplicateSocket(first.fd)];
    assert.equal(new Set([one, two, first.fd]).size, 3);
    const second = await ownerOf(t, 'all the same', one);
    await second.close();
    await first.close();
    await ownerOf(t, 'all the same', two);
    assert.equal(await said(first.port), 'all the same');
  });

  it('is refused for what is no socket, and for what this thread listens on itself', async (t) => {
    await assert.rejects(duplicateSocket(9999), /cannot be duplicated: (EBADF|EINVAL|ENOTSOCK)/);
    const own: Server = createServer();
    t.after(() => own.close());
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    const { fd } = (own as unknown as { _handle: { fd: number } })._handle;
    await assert.rejects(duplicateSocket(fd), /cannot be duplicated: EEXIST/);
  });
});
