/**
 * Reading did not go on from a client whose connection had paused in the middle of a head: after it had read what waited for it, or
 * once the token of the request before was known. It ended with 408.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { tokenPlaneOf } from '../support/http/tokens.ts';
import { clientOf, getOf, oneVersion, planeOf } from '../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../support/raw.ts';

const LATE = { headMs: 600_000, upstreamIdleMs: 600_000 };

it('a client that reads late gets all answers, wherever a head was cut', async (t) => {
  let asked = 0;
  const upstream = createServer((_request, response) => {
    asked++;
    response.end('x'.repeat(1800));
  });
  await once(upstream.listen(0, '127.0.0.1'), 'listening');
  t.after(() => upstream.closeAllConnections());
  t.after(() => upstream.close());
  const { port } = upstream.address() as AddressInfo;
  const plane = await planeOf(t, { ...oneVersion(port), timeouts: LATE });
  const client = clientOf(t, plane);
  client.socket.pause();
  client.send(getOf('/').repeat(3999) + getOf('/last', 'Connection: close\r\n'));
  // Others are asked meanwhile, and of this one's nothing moves any more.
  for (let [before, still] = [-1, 0]; still < 20; still = asked - 1 === before ? still + 1 : 0) {
    before = asked;
    await sendAndClose(plane.port, getOf('/other', 'Connection: close\r\n'));
  }
  assert.ok(asked < 4000, 'the client is too slow');
  client.socket.resume();
  assert.equal(statusesOf(await client.closed()).filter((status) => status === 200).length, 4000);
});

it('a request that has come in part while the token of the one before is verified is read to its end', async (t) => {
  const { plane, canary, tokenOf } = await tokenPlaneOf(t, LATE);
  const client = clientOf(t, plane);
  const last = getOf('/last', 'Connection: close\r\n');
  client.send(getOf('/first', tokenOf(1)) + last.slice(0, 20));
  await client.until((text) => text.endsWith('ok'));
  assert.ok(canary.received.join('').includes('GET /first '), 'its token counted');
  client.send(last.slice(20));
  assert.deepEqual(statusesOf(await client.closed()), [200, 200]);
});
