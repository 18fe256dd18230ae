/** Idempotency keys of clients that speak HTTP/2, and in front of endpoints that do. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  constants,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { brokeredOf, countingOf, plain, postOf } from '../../../support/http/brokered.ts';
import { http2EndpointOf } from '../../../support/http/h2-endpoint.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  ROUTE_CELL,
  reasonCount,
  stoppedClock,
} from '../../../support/proxy/running.ts';
import { statusesOf } from '../../../support/raw.ts';

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

const SPOKEN = { http2: true } as const;

interface Got {
  readonly status: number;
  readonly isReplayed: boolean;
  readonly body: string;
  readonly interims: readonly number[];
  readonly code: number;
}

interface Asking {
  readonly answer: Promise<Got>;
  /** The client takes it back. */
  readonly reset: () => void;
}

function sessionOf(t: TestContext, { port }: { readonly port: number }): ClientHttp2Session {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

/** A POST with a key. @param body in the frames that it is sent in */
function post(
  session: ClientHttp2Session,
  key: string,
  body: readonly string[] = ['hello'],
  fields: Readonly<Record<string, string>> = {},
): Asking {
  const head = { ':method': 'POST', ':authority': 'a', 'idempotency-key': key, te: 'trailers', ...fields };
  const stream = session.request(head);
  let status = 0;
  let isReplayed = false;
  let text = '';
  const interims: number[] = [];
  stream.on('error', () => undefined);
  stream.on('headers', (got) => interims.push(Number(got[':status'])));
  stream.on('response', (got) => {
    status = Number(got[':status']);
    isReplayed = got['idempotency-replayed'] === 'true';
  });
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  for (const piece of body) stream.write(piece);
  stream.end();
  const answer = new Promise<Got>((resolve) => {
    stream.on('close', () => resolve({ status, isReplayed, body: text, interims, code: stream.rstCode ?? 0 }));
  });
  return { answer, reset: () => stream.close(NGHTTP2_CANCEL) };
}

/** Resolves when the gateway has dealt with what was sent so far. */
function heard(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve) => session.ping(() => resolve()));
}

function reasonIn({ body }: Got): string {
  return (JSON.parse(body) as { readonly reason: string }).reason;
}

describe('a request of HTTP/2 with an idempotency key', () => {
  it('is executed once: its duplicates get its answer, others with its key are refused', async (t) => {
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port, {}, { sketch: SPOKEN });
    const session = sessionOf(t, plane);
    const first = await post(session, 'k').answer;
    assert.deepEqual(
      [first.status, first.body, first.isReplayed, first.code],
      [201, 'order 1', false, NGHTTP2_NO_ERROR],
    );
    const second = await post(session, 'k', ['he', 'llo'], { 'content-length': '5' }).answer;
    assert.deepEqual([second.status, second.body, second.isReplayed], [201, 'order 1', true]);
    const old = clientOf(t, plane);
    assert.equal(await askedOn(old, postOf('k')), 201, 'of HTTP/1.1 too');
    assert.match(old.received(), /Replayed/);
    const other = await post(session, 'k', ['other']).answer;
    assert.deepEqual([other.status, reasonIn(other)], [422, 'idempotency_mismatch']);
    const malformed = await post(session, 'ä').answer;
    assert.deepEqual([malformed.status, reasonIn(malformed)], [400, 'idempotency_key']);
    const long = await post(session, 'empty', []).answer;
    assert.equal(long.body, 'order 2');
    assert.deepEqual(upstream.bodies, ['hello', '']);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('has its body read whole, after a 100 if it waits for one, within the limit', async (t) => {
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port, { requestBytesMax: 300_000 }, { sketch: SPOKEN });
    const session = sessionOf(t, plane);
    const pieces = Array.from({ length: 25 }, (_, n) => String.fromCharCode(97 + n).repeat(10_000));
    const first = await post(session, 'k', pieces, { expect: '100-continue' }).answer;
    assert.deepEqual([first.status, first.body, first.interims], [201, 'order 1', [100]]);
    assert.deepEqual(upstream.bodies, [pieces.join('')]);
    assert.doesNotMatch(upstream.headers[0] as string, /expect/);
    const long = await post(session, 'l', [...pieces, ...pieces]).answer;
    assert.deepEqual([long.status, reasonIn(long)], [413, 'body_too_large']);
    assert.equal(upstream.bodies.length, 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('waits while another one has its key', async (t) => {
    const held: ServerResponse[] = [];
    const upstream = await countingOf(t, (response) => void held.push(response));
    const plane = await brokeredOf(t, upstream.port, {}, { sketch: SPOKEN });
    const asking = [sessionOf(t, plane), sessionOf(t, plane)].flatMap((session) => [
      post(session, 'k'),
      post(session, 'k'),
    ]);
    await eventually(() => plane.broker.status.waiting === 3 && held.length === 1, 'three wait');
    asking[3]?.reset();
    await eventually(() => plane.broker.status.waiting === 2, 'one has left');
    held[0]?.writeHead(200).end('done');
    const answers = await Promise.all(asking.slice(0, 3).map(({ answer }) => answer));
    assert.deepEqual(
      answers.map(({ status, body }) => [status, body]),
      Array(3).fill([200, 'done']),
    );
    assert.equal(answers.filter(({ isReplayed }) => isReplayed).length, 2);
    assert.equal(upstream.bodies.length, 1);
  });

  it('is executed to its end when its client leaves, is counted once, and who asks again gets the answer', async (t) => {
    const held: ServerResponse[] = [];
    const upstream = await countingOf(t, (response) => void held.push(response));
    const plane = await brokeredOf(t, upstream.port, {}, { sketch: SPOKEN });
    const [session, leaving] = [sessionOf(t, plane), sessionOf(t, plane)];
    const one = post(session, 'reset');
    post(leaving, 'gone');
    await eventually(() => held.length === 2, 'both are executed');
    one.reset();
    leaving.destroy();
    await heard(session);
    await eventually(() => plane.plane.listener.connections === 1, 'the other one has gone');
    assert.equal(plane.count(ROUTE_CELL, CELL.finished), 0, 'neither is over');
    const again = ['reset', 'gone'].map((key) => post(session, key));
    await eventually(() => plane.broker.status.waiting === 2, 'both wait');
    for (const response of held) response.writeHead(200).end('done');
    const answers = await Promise.all(again.map(({ answer }) => answer));
    assert.deepEqual(
      answers.map(({ status, body, isReplayed }) => [status, body, isReplayed]),
      Array(2).fill([200, 'done', true]),
    );
    assert.equal(upstream.bodies.length, 2);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    assert.equal(plane.count(ROUTE_CELL, CELL.finished), 4);
    assert.equal(reasonCount(plane, ROUTE_CELL, REASON.clientClosed), 0);
  });

  it('goes on alone while its answer comes, which its client no longer takes', async (t) => {
    const big = 'z'.repeat(3_000_000);
    const upstream = await countingOf(t, (response) => void response.writeHead(200).end(big));
    const plane = await brokeredOf(t, upstream.port, { responseBytesMax: 4 * 1024 * 1024 }, { sketch: SPOKEN });
    const session = sessionOf(t, plane);
    const slow = session.request({ ':method': 'POST', ':authority': 'a', 'idempotency-key': 'k' });
    slow.on('error', () => undefined);
    slow.end('hello');
    slow.pause();
    await once(slow, 'response');
    slow.close(NGHTTP2_CANCEL);
    const again = await post(session, 'k').answer;
    assert.deepEqual([again.status, again.isReplayed, again.body === big], [200, true, true]);
    assert.equal(upstream.bodies.length, 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('owes its body no longer than others', async (t) => {
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port, {}, { sketch: { http2: true, timeouts: { bodyIdleMs: 50 } } });
    const stream = sessionOf(t, plane).request({ ':method': 'POST', ':authority': 'a', 'idempotency-key': 'k' });
    stream.on('error', () => undefined);
    stream.write('begun');
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    assert.equal(head[':status'], 408);
    assert.equal(upstream.bodies.length, 0);
  });
});

describe('a body that trickles in', () => {
  const HEAD = `POST / HTTP/1.1\r\nHost: a\r\nIdempotency-Key: "k"\r\nContent-Length: 1000\r\n\r\n`;

  /** Sends a byte a second, by the clock, for longer than a body may be idle. */
  async function trickle(pass: (ms: number) => void, send: (byte: string) => void): Promise<void> {
    for (let second = 0; second < 45; second++) {
      pass(1000);
      send('x');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  it('over HTTP/1.1 has an end', async (t) => {
    const pass = stoppedClock(t);
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port);
    const client = clientOf(t, plane);
    client.send(HEAD);
    await trickle(pass, (byte) => client.send(byte));
    await client.closed();
    assert.deepEqual(statusesOf(client.received()), [408]);
    assert.equal(upstream.bodies.length, 0);
  });

  it('over HTTP/2 has an end', async (t) => {
    const pass = stoppedClock(t);
    const upstream = await countingOf(t, plain);
    const plane = await brokeredOf(t, upstream.port, {}, { sketch: SPOKEN });
    const stream = sessionOf(t, plane).request({ ':method': 'POST', ':authority': 'a', 'idempotency-key': 'k' });
    stream.on('error', () => undefined);
    const responded = once(stream, 'response');
    await trickle(pass, (byte) => void stream.write(byte));
    const [head] = (await responded) as [IncomingHttpHeaders];
    assert.equal(head[':status'], 408);
    assert.equal(upstream.bodies.length, 0);
  });
});

describe('an endpoint of HTTP/2', () => {
  it('executes a key once, for clients of both protocols, and finishes what a client has left', async (t) => {
    const bodies: string[] = [];
    const held: ServerHttp2Stream[] = [];
    const { port } = await http2EndpointOf(t, (stream) => {
      let body = '';
      stream.on('data', (chunk: Buffer) => (body += chunk.toString()));
      stream.on('end', () => {
        bodies.push(body);
        held.push(stream);
      });
    });
    const answer = (nth: number): void => {
      held[nth]?.respond({ ':status': 201, 'x-nth': String(nth) });
      held[nth]?.end(`order ${nth}`);
    };
    const versions = [{ name: 'v1', ports: [port], weight: 1, protocol: 'h2c' as const }];
    const plane = await brokeredOf(t, port, {}, { sketch: SPOKEN, versions });
    const session = sessionOf(t, plane);
    const first = post(session, 'k', ['he', 'llo']);
    await eventually(() => held.length === 1, 'it is executed');
    const old = clientOf(t, plane);
    const replayed = askedOn(old, postOf('k'));
    await eventually(() => plane.broker.status.waiting === 1, 'another one waits');
    answer(0);
    assert.deepEqual([(await first.answer).status, (await first.answer).body], [201, 'order 0']);
    assert.equal(await replayed, 201);
    assert.match(old.received(), /order 0$/);

    const leaving = post(session, 'l', ['x'.repeat(100_000)], { 'content-length': '100000' });
    await eventually(() => held.length === 2, 'it is executed');
    leaving.reset();
    await heard(session);
    answer(1);
    const again = await post(session, 'l', ['x'.repeat(100_000)]).answer;
    assert.deepEqual([again.body, again.isReplayed], ['order 1', true]);
    assert.deepEqual(bodies, ['hello', 'x'.repeat(100_000)]);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });

  it('that speaks gRPC is asked again: what came of a call is in trailers, which are not kept', async (t) => {
    let calls = 0;
    const { port } = await http2EndpointOf(t, (stream) => {
      stream.resume().on('end', () => {
        const status = calls++ === 0 ? '14' : '0';
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
        stream.end('message');
      });
    });
    const versions = [{ name: 'v1', ports: [port], weight: 1, protocol: 'h2c' as const }];
    const plane = await brokeredOf(t, port, {}, { sketch: SPOKEN, versions });
    const session = sessionOf(t, plane);
    for (const wanted of ['14', '0', '0']) {
      const stream = session.request({
        ':method': 'POST',
        ':authority': 'a',
        'idempotency-key': 'k',
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      let got: IncomingHttpHeaders = {};
      stream.on('trailers', (trailers: IncomingHttpHeaders) => {
        got = trailers;
      });
      stream.resume();
      stream.end('call');
      await once(stream, 'close');
      assert.equal(got['grpc-status'], wanted);
    }
    assert.equal(calls, 3);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  });
});
