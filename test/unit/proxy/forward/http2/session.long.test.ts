/** A connection over HTTP/2 that is found dead: the answer to a PING is waited for in real seconds. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import {
  END_STREAM,
  frame,
  goaway,
  headers,
  oneHttp2,
  perRequest,
  rawHttp2Of,
  settings,
  TYPE,
} from '../../../../support/http/h2-endpoint.ts';
import {
  askedOn,
  clientOf,
  closedSocket,
  endpointWord,
  eventually,
  FIRST_CELL,
  GET,
  planeOf,
  reasonCount,
} from '../../../../support/proxy/running.ts';

function okOn(id: number): Buffer {
  return Buffer.concat([
    headers(id, { ':status': '200', 'content-length': '2' }),
    frame(TYPE.data, END_STREAM, id, 'ok'),
  ]);
}

describe('a connection', () => {
  it('whose endpoint does not answer a PING is dead', async (t) => {
    const endpoint = await rawHttp2Of(t, { answersPing: false });
    const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), timeouts: { upstreamPingMs: 20 } });
    const client = clientOf(t, plane);
    client.send(GET);
    await eventually(() => endpoint.frames.some(({ type }) => type === TYPE.ping), 'a PING');
    assert.match(await client.until((text) => text.includes('\r\n\r\n')), /^HTTP\/1\.1 502 /);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.upstreamReset), 1);
  });

  it('that is dead or was left does not wait for its endpoint to close it', async (t) => {
    const dead = await rawHttp2Of(t, { isHalfOpen: true, answersPing: false });
    const left = await rawHttp2Of(t, {
      isHalfOpen: true,
      ...perRequest((id) => Buffer.concat([goaway(id), okOn(id)])),
    });
    // The first is dead when it has been left already.
    const timeouts = { upstreamPingMs: 20, upstreamLifetimeMs: 50 };
    const asks = [dead, left].map(async (endpoint) => {
      const plane = await planeOf(t, { ...oneHttp2([endpoint.port]), timeouts });
      const status = await askedOn(clientOf(t, plane), GET);
      const socket = endpoint.sockets[0] as Socket;
      // Only a connection that is gone answers what is sent behind its end with a reset.
      const sending = setInterval(() => socket.write(settings()), 20);
      t.after(() => clearInterval(sending));
      await closedSocket(socket);
      await eventually(() => endpointWord(plane, endpoint.port, 'open') === 0, 'it is closed here');
      return status;
    });
    assert.deepEqual(await Promise.all(asks), [502, 200]);
  });
});
