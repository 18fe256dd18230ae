import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { Dial } from '#src/proxy/upgrade/dial.ts';
import { bench } from '../../../support/proxy/parts.ts';
import { closedSocket, eventually, upstreamOf } from '../../../support/proxy/running.ts';

interface Scene {
  readonly dial: Dial;
  readonly news: string[];
  /** Connections counted as open. */
  readonly open: () => number;
}

function dialing(t: TestContext, port: number): Scene {
  const on = bench();
  const news: string[] = [];
  const dial = new Dial(new Endpoint(5, '127.0.0.1', port), on.lane.recorder, {
    connected: () => void news.push('connected'),
    received: (bytes) => void news.push(bytes.toString()),
    ended: () => void news.push('ended'),
    broke: (code) => void news.push(code),
  });
  t.after(() => dial.drop());
  return { dial, news, open: () => on.tallies.endpoints[5 * ENDPOINT_WORDS + ENDPOINT.open] as number };
}

suite('dial', () => {
  test('it is open from its connect to its drop, and silent after that', async (t) => {
    const upstream = await upstreamOf(t, (socket) => socket.write('answer'));
    const { dial, news, open } = dialing(t, upstream.port);
    assert.equal(open(), 0);
    await eventually(() => news.includes('connected'), 'connected');
    assert.equal(open(), 1);
    dial.write('hello');
    await eventually(() => news.includes('answer'), 'answered');
    dial.drop();
    dial.drop();
    assert.equal(open(), 0);
    await closedSocket(upstream.sockets[0] as never);
    assert.deepEqual(news, ['connected', 'answer']);
  });

  test('what goes wrong is told with its code, and the end of the stream apart from it', async (t) => {
    const upstream = await upstreamOf(t, (socket) => void socket.end());
    const ending = dialing(t, upstream.port);
    await eventually(() => ending.news.includes('connected'), 'connected');
    ending.dial.write('bye');
    await eventually(() => ending.news.includes('ended'), 'ended');
    await upstream.close();
    const refused = dialing(t, upstream.port);
    await eventually(() => refused.news.length > 0, 'refused');
    assert.equal(refused.news[0], 'ECONNREFUSED');
    refused.dial.drop();
    assert.equal(refused.open(), 0);
  });

  test('who takes the connection gets it paused, and counts its end', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const { dial, news, open } = dialing(t, upstream.port);
    await eventually(() => news.includes('connected'), 'connected');
    const before = ['error', 'end', 'close', 'data', 'connect'];
    const socket = dial.release();
    t.after(() => socket.destroy());
    assert.equal(socket.isPaused(), true);
    for (const name of before.filter((one) => one !== 'end')) assert.equal(socket.listenerCount(name), 0, name);
    dial.drop();
    assert.deepEqual([socket.destroyed, open()], [false, 1]);
  });
});
