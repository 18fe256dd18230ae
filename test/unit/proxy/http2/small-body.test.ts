/** A stream's body that is here as a whole leaves along with its head; any other is left to be read as it comes. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { SMALL_BODY_BYTES_MAX } from '#src/proxy/forward/small-body.ts';
import { BodyReader, UNTIL_CLOSE } from '#src/proxy/http1/body.ts';
import { CHUNKED } from '#src/proxy/http1/framing.ts';
import { type Source, takeSmallBody } from '#src/proxy/http2/small-body.ts';
import { fieldIn, http2EndpointOf, oneHttp2 } from '../../../support/http/h2-endpoint.ts';
import { bench, exchangeOn } from '../../../support/proxy/parts.ts';
import { oneVersion, planeOf, upstreamOf } from '../../../support/proxy/running.ts';

interface Given {
  readonly length?: number;
  readonly isWhole?: boolean;
  readonly trailers?: string[] | null;
  readonly change?: Partial<Exchange>;
}

/** What becomes of a body whose bytes are here; @param length as announced. */
function taken(text: string, { length = CHUNKED, isWhole = true, trailers = null, change = {} }: Given = {}) {
  const x = Object.assign(exchangeOn(bench()), { method: 'POST', bodyLength: length, ...change });
  const body = new BodyReader();
  body.start(length === CHUNKED ? UNTIL_CLOSE : length);
  const kept =
    text === ''
      ? []
      : [text.slice(0, 2), text.slice(2)].filter((part) => part !== '').map((part) => Buffer.from(part, 'latin1'));
  let reads = 0;
  const stream: Source = {
    keptBytes: text.length,
    hasEnded: isWhole,
    trailers,
    read: () => {
      reads++;
      return kept.shift() ?? null;
    },
  };
  const reason = takeSmallBody(x, body, stream);
  return { x, reason, reads, body };
}

describe('a body', () => {
  it('is taken as one chunk when it is here as a whole', () => {
    const { x, reason, body } = taken('h\xe9llo');
    assert.deepEqual(
      [reason, x.replay?.text, x.replay?.byteCount, x.requestDone, body.isDone],
      [REASON.none, '5\r\nh\xe9llo\r\n0\r\n\r\n', 15, true, true],
    );
  });

  it('is taken as it is when its length was announced', () => {
    const { x, reason } = taken('hello', { length: 5 });
    assert.deepEqual([reason, x.replay?.text, x.requestDone], [REASON.none, 'hello', true]);
  });

  it('is taken when there is nothing in it', () => {
    const { x, reason } = taken('');
    assert.deepEqual([reason, x.replay?.text, x.requestDone], [REASON.none, '0\r\n\r\n', true]);
  });

  const LEFT: Readonly<Record<string, Given>> = {
    'when more of it may come': { isWhole: false },
    'when trailers follow it': { trailers: ['x', 'y'] },
    'when the client waits for a 100': { change: { awaitsContinue: true } },
  };
  for (const [when, given] of Object.entries(LEFT)) {
    it(`is left ${when}`, () => {
      const { x, reason, reads } = taken('hello', given);
      assert.deepEqual([reason, reads, x.requestDone, x.replay], [REASON.none, 0, false, null]);
    });
  }

  it('is left when it is long', () => {
    assert.equal(taken('a'.repeat(SMALL_BODY_BYTES_MAX + 1)).reads, 0);
    assert.equal(taken('a'.repeat(SMALL_BODY_BYTES_MAX)).x.requestDone, true);
  });

  it('beyond the limit is refused', () => {
    const x = exchangeOn(bench());
    const limits = { ...x.table.limits, bodyBytesMax: 4 };
    assert.equal(taken('hello', { change: { table: { ...x.table, limits } } }).reason, REASON.bodyTooLarge);
  });
});

async function sessionTo(t: TestContext, port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => session.destroy());
  await once(session, 'remoteSettings');
  return session;
}

describe('a request of one head and one frame of data', () => {
  it('goes to an endpoint of HTTP/1.1 in one piece', async (t) => {
    const pieces: string[] = [];
    const upstream = await upstreamOf(t, (socket, received) => {
      pieces.push(received);
      socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
    const session = await sessionTo(t, (await planeOf(t, { ...oneVersion(upstream.port), http2: true })).port);
    const stream = session.request({ ':method': 'POST' });
    stream.end('hello');
    await once(stream, 'response');
    assert.equal(pieces.length, 1);
    assert.match(pieces[0] as string, /\r\ntransfer-encoding: chunked\r\n[^]*\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/i);
  });

  it('and trailers that are asked for reaches an endpoint of HTTP/2 without any', async (t) => {
    const seen: unknown[] = [];
    const endpoint = await http2EndpointOf(t, (stream, raw) => {
      seen.push(fieldIn(raw, 'te'));
      stream.on('trailers', () => seen.push('trailers'));
      stream.on('data', (bytes: Buffer) => seen.push(bytes.toString()));
      stream.on('end', () => stream.respond({ ':status': 200 }, { endStream: true }));
    });
    const session = await sessionTo(t, (await planeOf(t, { ...oneHttp2([endpoint.port]), http2: true })).port);
    const stream = session.request({ ':method': 'POST', te: 'trailers' });
    stream.end('hello');
    stream.resume();
    await new Promise((resolve) => stream.on('close', resolve));
    assert.deepEqual(seen, ['trailers', 'hello']);
  });
});
