/** What an HTTP/2 session holds on to. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { data, END_HEADERS, headers, request } from '../../../../support/http/http2.ts';
import { sessionScene } from '../../../../support/proxy/wires/own-session.ts';
import { heldBytes } from '../../../../support/readings/heap.ts';

it('nothing refers to a stream that is over', async () => {
  const scene = sessionScene();
  const serve = (): WeakRef<object> | undefined => {
    scene.give(headers(1, request('POST', '/'), END_HEADERS), data(1, 'body'));
    const stream = scene.begun.pop()?.stream;
    stream?.respond([':status', '200'], true);
    return stream && new WeakRef(stream);
  };
  const stream = serve();
  assert.deepEqual([stream !== undefined, scene.session.streamCount], [true, 0]);
  await heldBytes();
  assert.equal(stream?.deref(), undefined);
});
