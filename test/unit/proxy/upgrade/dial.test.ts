import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { reasonRow } from '#src/model/reason.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { upstreamEvents } from '#src/proxy/forward/forwarder.ts';
import { Pool } from '#src/proxy/http1/pool.ts';
import { Dial } from '#src/proxy/upgrade/dial.ts';
import { type Lookup, Resolver } from '#src/proxy/wire/resolver.ts';
import { bench, exchangeOn, TWO_VERSIONS } from '../../../support/proxy/parts.ts';
import { closedSocket, eventually, refusedPortOf, upstreamOf } from '../../../support/proxy/running.ts';
import { rounds } from '../../../support/proxy/wires/wires.ts';

interface Scene {
  readonly dial: Dial;
  readonly news: string[];
  /** What `open` returned. */
  readonly isTaken: boolean;
  /** Connections counted as open. */
  readonly open: () => number;
}

/** Dials the endpoint, one after another, each with news of its own. */
function dialer(t: TestContext, port: number, host = '127.0.0.1', lookup?: Lookup): () => Scene {
  const on = bench({ routes: [TWO_VERSIONS], limits: { endpointConnectionsMax: 2, endpointPendingMax: 1 } });
  const lane = { ...on.lane, resolver: new Resolver(lookup) };
  const endpoint = new Endpoint(5, host, port);
  endpoint.pool = new Pool(endpoint, lane, upstreamEvents);
  return () => {
    const news: string[] = [];
    const dial = new Dial(endpoint, lane, {
      begun: () => void news.push('begun'),
      connected: () => void news.push('connected'),
      failed: (reason, detail) => void news.push(`${reasonRow(reason).name}: ${detail}`),
      received: (bytes) => void news.push(bytes.toString()),
      ended: () => void news.push('ended'),
      broke: (code) => void news.push(code),
    });
    t.after(() => dial.drop());
    const isTaken = dial.open(exchangeOn(on));
    return { dial, news, isTaken, open: () => on.tallies.endpoints[5 * ENDPOINT_WORDS + ENDPOINT.open] as number };
  };
}

function dialing(t: TestContext, port: number): Scene {
  return dialer(t, port)();
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
    assert.deepEqual(news, ['begun', 'connected', 'answer']);
  });

  test('what goes wrong is told with its code, and the end of the stream apart from it', async (t) => {
    const upstream = await upstreamOf(t, (socket) => void socket.end());
    const ending = dialing(t, upstream.port);
    await eventually(() => ending.news.includes('connected'), 'connected');
    ending.dial.write('bye');
    await eventually(() => ending.news.includes('ended'), 'ended');
    const refused = dialing(t, await refusedPortOf(t));
    await eventually(() => refused.news.length > 1, 'refused');
    assert.equal(refused.news[1], 'connect_refused: ECONNREFUSED while connecting');
    refused.dial.drop();
    assert.equal(refused.open(), 0);
  });

  test('who takes the connection gets it paused, and counts its end', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const { dial, news, open } = dialing(t, upstream.port);
    await eventually(() => news.includes('connected'), 'connected');
    const before = ['error', 'end', 'close', 'data'];
    const socket = dial.release();
    t.after(() => socket.destroy());
    assert.equal(socket.isPaused(), true);
    for (const name of before.filter((one) => one !== 'end')) assert.equal(socket.listenerCount(name), 0, name);
    dial.drop();
    assert.deepEqual([socket.destroyed, open()], [false, 1]);
  });

  test('a name is asked for once for all, and without an address that is said', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const asked: string[] = [];
    const dial = dialer(t, upstream.port, 'one.test', (host, done) => {
      asked.push(host);
      setImmediate(done, null, ['127.0.0.1']);
    });
    const both = [dial(), dial()];
    await eventually(() => both.every(({ news }) => news.includes('connected')), 'connected');
    assert.deepEqual(asked, ['one.test']);
    const failing = dialer(t, upstream.port, 'none.test', (_host, done) => setImmediate(done, 'ENOTFOUND', []))();
    await eventually(() => failing.news.length > 1, 'failed');
    assert.deepEqual(failing.news, ['begun', 'dns_failed: ENOTFOUND while resolving the name']);
  });

  test('dropped while its name is asked for, it never connects', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    let answer: () => void = () => undefined;
    const { dial, news } = dialer(t, upstream.port, 'one.test', (_host, done) => {
      answer = () => done(null, ['127.0.0.1']);
    })();
    dial.drop();
    answer();
    await rounds(20);
    assert.deepEqual([news, upstream.sockets.length], [['begun'], 0]);
  });

  test('it waits for a place among the connections of its endpoint, and gives it back', async (t) => {
    const upstream = await upstreamOf(t, () => undefined);
    const dial = dialer(t, upstream.port);
    const [first, second, waiting, excess] = [dial(), dial(), dial(), dial()];
    assert.deepEqual([first.isTaken, second.isTaken, waiting.isTaken, excess.isTaken], [true, true, true, false]);
    await eventually(() => second.news.includes('connected'), 'connected');
    assert.deepEqual([waiting.news, excess.news], [[], []]);
    excess.dial.drop();
    second.dial.drop();
    await eventually(() => waiting.news.includes('connected'), 'the place is free');
    const next = dial();
    next.dial.drop();
    const last = dial();
    first.dial.drop();
    await eventually(() => last.news.includes('connected'), 'the place is free');
    assert.deepEqual(next.news, []);
  });
});
