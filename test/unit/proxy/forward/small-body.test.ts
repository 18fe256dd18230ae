/** A body that comes along with its head leaves along with it, and is never taken for a part of the head. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { SMALL_BODY_BYTES_MAX, takeSmallBody } from '#src/proxy/forward/small-body.ts';
import { BodyReader } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { Input } from '#src/proxy/http1/input.ts';
import { RelayPool } from '#src/proxy/http1/relay.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, exchangeOn } from '../../../support/proxy/parts.ts';
import { clientOf, eventually, OK, oneVersion, planeOf, upstreamOf } from '../../../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../../../support/raw.ts';

interface Taken {
  readonly x: Exchange;
  readonly reason: number;
  readonly left: string;
}

/** What becomes of `text` behind the head of a request whose body has this length. */
function taken(length: number, text: string, change: Partial<Exchange> = {}): Taken {
  const x = Object.assign(exchangeOn(bench()), { method: 'POST', bodyLength: length, ...change });
  const shared = Buffer.from(text, 'latin1');
  const input = new Input(shared, new RelayPool());
  input.take(shared.length);
  const body = new BodyReader();
  body.start(length, x.wantsTrailers);
  const reason = takeSmallBody(x, body, input);
  return { x, reason, left: input.bytes.toString('latin1', input.from, input.end) };
}

describe('a body behind its head', () => {
  it('is taken when it is whole, and what follows it stays', () => {
    const { x, reason, left } = taken(5, 'h\xe9lloGET /');
    assert.deepEqual([reason, x.replay?.text ?? '', x.requestDone, left], [REASON.none, 'h\xe9llo', true, 'GET /']);
  });

  it('is left when some of it is missing', () => {
    const { x, left } = taken(6, 'hello');
    assert.deepEqual([x.replay?.text ?? '', x.requestDone, left], ['', false, 'hello']);
  });

  it('is left when it is long', () => {
    const text = 'a'.repeat(SMALL_BODY_BYTES_MAX + 1);
    assert.equal(taken(text.length, text).x.replay?.text ?? '', '');
    assert.equal(taken(text.length - 1, text).x.replay?.text.length, SMALL_BODY_BYTES_MAX);
  });

  it('is left when the client waits for a 100', () =>
    assert.equal(taken(5, 'hello', { awaitsContinue: true }).x.replay?.text ?? '', ''));

  it('in chunks becomes one chunk', () => {
    const { x, left } = taken(CHUNKED, '2\r\nhe\r\n3;x\r\nllo\r\n0\r\n\r\nGET');
    assert.deepEqual([x.replay?.text ?? '', x.requestDone, left], ['5\r\nhello\r\n0\r\n\r\n', true, 'GET']);
  });

  it('in chunks that go on is taken so far', () => {
    const { x } = taken(CHUNKED, '2\r\nhe\r\n8\r\nllo');
    assert.deepEqual([x.replay?.text ?? '', x.requestDone], ['5\r\nhello\r\n', false]);
  });

  it('keeps the trailers that may go on', () => {
    const { x } = taken(CHUNKED, '0\r\nX-Sum: 1\r\nHost: b\r\n\r\n', { wantsTrailers: true });
    assert.equal(x.replay?.text ?? '', '0\r\nX-Sum: 1\r\n\r\n');
  });

  it('that is broken is refused', () => assert.equal(taken(CHUNKED, 'x\r\n').reason, REASON.badRequest));

  it('above the limit is refused', () => {
    const on = bench({ routes: [], limits: { bodyBytesMax: 4 } });
    assert.equal(taken(CHUNKED, '5\r\nhello\r\n', { table: on.table }).reason, REASON.bodyTooLarge);
  });

  it('costs nothing where there is none', COUNTED, () => {
    const x = Object.assign(exchangeOn(bench()), { requestDone: true });
    const [body, input] = [new BodyReader(), new Input(Buffer.alloc(1), new RelayPool())];
    assert.ok(bytesPerCall(() => void takeSmallBody(x, body, input), 5000, 0) <= 8);
  });
});

/** An upstream that answers once it has seen `end`, and its connections' first reads. */
async function reading(t: TestContext, end: string) {
  const reads: string[] = [];
  const upstream = await upstreamOf(t, (socket: Socket, received, nth) => {
    reads[nth] ??= received;
    if (received.endsWith(end)) socket.write(OK);
  });
  return { reads, port: upstream.port };
}

describe('a small request', () => {
  it('arrives in one piece, whatever its body looks like', async (t) => {
    const { reads, port } = await reading(t, '\r\n\r\nx\r\nAccept: text/plain\r\n\r\n');
    const plane = await planeOf(t, oneVersion(port));
    const body = 'x\r\nAccept: text/plain\r\n\r\n';
    const head = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, head + body)), [200]);
    assert.ok(reads[0]?.endsWith(`\r\n\r\n${body}`));
  });

  it('that nobody answers is told so in JSON, though its body names another type', async (t) => {
    const upstream = await upstreamOf(t, (socket) => socket.resetAndDestroy());
    const plane = await planeOf(t, oneVersion(upstream.port));
    const body = 'x\r\nAccept: text/plain\r\n\r\n';
    const head = `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    assert.match(await sendAndClose(plane.port, head + body), /application\/problem\+json/);
    assert.equal(upstream.sockets.length, 1, 'a POST goes out once');
  });

  it('of a PUT is sent again as a whole', async (t) => {
    const upstream = await upstreamOf(t, (socket, _received, nth) =>
      nth === 0 ? void socket.resetAndDestroy() : void socket.write(OK),
    );
    const plane = await planeOf(t, oneVersion(upstream.port));
    const put =
      'PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n';
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, put)), [200]);
    assert.equal(upstream.received[0], upstream.received[1]);
  });

  it('is not when what is kept for that is less', async (t) => {
    const upstream = await upstreamOf(t, (socket) => socket.resetAndDestroy());
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { replayBodyBytesMax: 1 } });
    const put = 'PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi';
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, put)), [502]);
    assert.equal(upstream.sockets.length, 1);
  });

  it('is followed by the next on its connection', async (t) => {
    const { port } = await reading(t, 'hi');
    const plane = await planeOf(t, oneVersion(port));
    const client = clientOf(t, plane);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi'.repeat(2));
    await eventually(() => statusesOf(client.received()).length === 2, 'two answers');
  });
});
