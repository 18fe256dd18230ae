/** Handles over sockets that were passed. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { boundTo, inheritedHandle } from '#src/proxy/wire/inherited.ts';

const LINUX = { skip: process.platform === 'linux' ? false : 'descriptors are passed on Linux' };

const LISTENER = `
  const { parentPort, workerData: host } = require('node:worker_threads');
  const server = require('node:net').createServer().listen(0, host, () => {
    parentPort.postMessage({ fd: server._handle.fd, port: server.address().port });
  });
`;

/** A listening socket that this thread has no handle of. */
async function passed(t: TestContext, host: string): Promise<{ fd: number; port: number }> {
  const thread = new Worker(LISTENER, { eval: true, workerData: host });
  t.after(() => thread.terminate());
  const [listening] = (await once(thread, 'message')) as [{ fd: number; port: number }];
  return listening;
}

test('a socket says where it is bound, of either family, as often as it is asked', LINUX, async (t) => {
  for (const host of ['127.0.0.1', '::1']) {
    const { fd, port } = await passed(t, host);
    assert.deepEqual(
      [boundTo(fd), boundTo(fd)],
      [
        { host, port },
        { host, port },
      ],
    );
    assert.equal(inheritedHandle(fd), inheritedHandle(fd), 'a second handle would close it twice');
  }
});

test('what is no socket of IP is bound nowhere', LINUX, (t) => {
  const fd = openSync('/dev/null', 'r');
  t.after(() => closeSync(fd));
  assert.equal(boundTo(fd), null);
  assert.equal(boundTo(987), null, 'no descriptor at all');
});
