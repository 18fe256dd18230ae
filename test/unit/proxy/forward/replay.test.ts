/** Pieces of a request body that are kept for another attempt: whose, how many, and how long. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { keepPiece, SentHead } from '#src/proxy/forward/replay.ts';
import { RelayPool } from '#src/proxy/http1/relay.ts';
import { UpstreamConnection } from '#src/proxy/http1/upstream.ts';
import { whole } from '#src/proxy/wire/memory/memory.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { LIMITS } from '../../../support/proxy/limits.ts';
import { bench, exchangeOn } from '../../../support/proxy/parts.ts';
import {
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  OK,
  oneVersion,
  planeOf,
  ROUTE_CELL,
  upstreamOf,
} from '../../../support/proxy/running.ts';
import { statusesOf } from '../../../support/raw.ts';

function put(change: Partial<Exchange> = {}): Exchange {
  return Object.assign(exchangeOn(bench()), { method: 'PUT', ...change });
}

describe('a head that was sent', () => {
  const HEAD = 'PUT / HTTP/1.1\r\n\r\n';

  function sentBy(x: Exchange, sent = new SentHead()): SentHead {
    sent.length = sent.bytes.write(HEAD, sent.at, 'latin1');
    sent.nth++;
    x.sentFrom(sent);
    return sent;
  }

  it('is known as long as its connection sends no other, and after the connection’s end', () => {
    for (const isAsked of [true, false]) {
      const x = put();
      const sent = sentBy(x);
      const place = sent.at;
      if (isAsked) assert.equal(x.requestText, HEAD);
      sent.leave();
      sent.leave();
      const next = new SentHead();
      assert.equal(next.at, place, 'its place is free');
      next.bytes.fill('x', next.at, next.at + next.room);
      assert.equal(x.requestText, HEAD);
      next.leave();
    }
  });

  it('is not any more once its connection sends another, nor with it', () => {
    const [x, other] = [put(), put()];
    const sent = sentBy(x);
    sentBy(other, sent);
    assert.deepEqual([x.requestText, other.requestText], ['', HEAD]);
    sent.leave();
    assert.equal(x.requestText, '');
  });

  it('stands in memory of its own where more connections are open than there are places', () => {
    const all = [new SentHead()];
    while (all.at(-1)?.bytes === all[0]?.bytes) all.push(new SentHead());
    assert.equal(all.length, 1025);
    const x = put();
    const last = sentBy(x, all.at(-1));
    assert.equal(x.requestText, HEAD);
    for (const sent of all) sent.leave();
    assert.deepEqual([last.at, last.bytes.length, x.requestText], [0, last.room, HEAD]);
    const again = new SentHead();
    assert.equal(again.bytes, whole);
    again.leave();
  });
});

describe('a piece', () => {
  it('is kept as it was sent, in order', () => {
    const x = put();
    for (const text of ['a', 'bc', '']) keepPiece(x, Buffer.from(text));
    assert.equal(Buffer.concat(x.replay?.pieces ?? []).toString(), 'abc');
    assert.equal(x.isSpent, false);
  });

  it('up to the limit, and one byte more loses all', () => {
    const x = put();
    keepPiece(x, Buffer.alloc(LIMITS.replayBodyBytesMax));
    assert.equal(x.isSpent, false);
    keepPiece(x, Buffer.alloc(1));
    assert.deepEqual([x.isSpent, x.replay], [true, null]);
  });

  it('of one byte is kept a bounded number of times', () => {
    const x = put();
    let kept = 0;
    for (; !x.isSpent && kept < 1000; kept++) keepPiece(x, Buffer.alloc(1));
    assert.equal(kept, 129);
  });

  for (const [name, change] of [
    ['of a request that must not be sent twice', { method: 'POST', isSpent: true }],
    ['behind one that is gone', { isSpent: true }],
  ] as const) {
    it(`${name} is not kept`, () => {
      const x = put(change);
      keepPiece(x, Buffer.from('a'));
      assert.deepEqual([x.isSpent, x.replay], [true, null]);
    });
  }

  it('that is not kept costs nothing', COUNTED, () => {
    const x = put({ method: 'POST', isSpent: true });
    const piece = Buffer.from('a');
    assert.ok(bytesPerCall(() => keepPiece(x, piece), 5000, 0) <= 8);
  });
});

/** Sends a PUT in pieces; the upstream resets the first attempt once it has read `resetAfter`. */
async function replayed(t: Parameters<typeof planeOf>[0], head: string, pieces: readonly string[], end: string) {
  const upstream = await upstreamOf(t, (socket, received, nth) => {
    if (nth === 0 && received.endsWith(pieces.at(-1) as string)) socket.resetAndDestroy();
    if (nth === 1 && received.endsWith(end)) socket.write(OK);
  });
  const plane = await planeOf(t, oneVersion(upstream.port));
  const client = clientOf(t, plane);
  client.send(`PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${head}\r\n`);
  for (const piece of pieces) {
    const before = (): number => upstream.received[0]?.length ?? 0;
    const had = before();
    client.send(piece);
    await eventually(() => before() > had && (upstream.received[0] ?? '').endsWith(piece), `the upstream has ${piece}`);
  }
  await eventually(() => upstream.sockets.length === 2, 'the second attempt');
  return { upstream, plane, client };
}

describe('an upload whose upstream resets it', () => {
  it('begins anew with the same bytes and goes on with what is still to come', async (t) => {
    const { upstream, plane, client } = await replayed(t, 'Content-Length: 9\r\n', ['one', 'two'], 'onetwosix');
    client.send('six');
    assert.deepEqual(statusesOf(await client.closed()), [200]);
    assert.match(upstream.received[1] as string, /\r\n\r\nonetwosix$/);
    assert.equal(plane.count(FIRST_CELL, CELL.retries), 1);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
  });

  it('keeps the framing of its chunks', async (t) => {
    const pieces = ['3\r\none\r\n', '3\r\ntwo\r\n'];
    const whole = '3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n';
    const { upstream, client } = await replayed(t, 'Transfer-Encoding: chunked\r\n', pieces, whole);
    client.send('0\r\n\r\n');
    assert.deepEqual(statusesOf(await client.closed()), [200]);
    assert.ok(upstream.received[1]?.endsWith(`\r\n\r\n${whole}`));
  });

  it('fails when it is larger than what is kept', async (t) => {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('end')) socket.resetAndDestroy();
    });
    const plane = await planeOf(t, { ...oneVersion(upstream.port), limits: { replayBodyBytesMax: 5 } });
    const client = clientOf(t, plane);
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n');
    await eventually(() => upstream.received[0]?.endsWith('\r\n\r\n') === true, 'the head');
    client.send('theend');
    assert.deepEqual(statusesOf(await client.until((text) => text.includes('}\n'))), [502]);
    assert.equal(upstream.sockets.length, 1);
  });
});

describe('an upload that is sent from where it was read', () => {
  const body = Array.from({ length: 40_000 }, (_, n) => `${n},`).join('');

  /** Uploads `framed` with what follows it, to an upstream that begins to read late. */
  async function uploaded(t: Parameters<typeof planeOf>[0], head: string, framed: string, next: string) {
    const upstream = await upstreamOf(t, (socket, received) => {
      if (/(39999,|\r\n0\r\n(X-Sum: 7\r\n)?\r\n)$/.test(received) || /GET [^]*\r\n\r\n$/.test(received))
        socket.write(OK);
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const client = clientOf(t, plane);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${head}\r\n${framed}${next}`);
    const statuses = statusesOf(await client.closed());
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
    return { statuses, received: upstream.received.join('') };
  }

  const LAST = 'GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

  it('arrives as it was sent, and the request behind it too', async (t) => {
    const { statuses, received } = await uploaded(t, `Content-Length: ${body.length}\r\n`, body, LAST);
    assert.deepEqual(statuses, [200, 200]);
    assert.ok(received.includes(`\r\n\r\n${body}GET /next`));
  });

  for (const [name, pieceBytes] of [
    ['large', 60_000],
    ['small', 7],
  ] as const) {
    it(`arrives in chunks of the gateway's own when it came in ${name} ones, and its trailers behind it`, async (t) => {
      const chunks = body.match(new RegExp(`.{1,${pieceBytes}}`, 'g')) ?? [];
      const framed = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('');
      const end = '0\r\nX-Sum: 7\r\n\r\n';
      const head = 'TE: trailers\r\nTransfer-Encoding: chunked\r\n';
      const { statuses, received } = await uploaded(t, head, framed + end, LAST);
      assert.deepEqual(statuses, [200, 200]);
      const start = received.indexOf('\r\n\r\n') + 4;
      assert.equal(unchunked(received.slice(start, received.indexOf(end, start))), body);
      assert.match(received, /\r\n0\r\nX-Sum: 7\r\n\r\nGET \/next/);
    });
  }
});

describe('the memory of an upload', () => {
  const large = (char: string, length = 30_000): string => char.repeat(length);
  const post = (body: string): string => `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  it('is not given to the next upload while a request behind the body waits', async (t) => {
    const held: Socket[] = [];
    const upstream = await upstreamOf(t, (socket, received) => {
      if (received.endsWith('a')) held.push(socket);
      else if (received.endsWith('b') || received.endsWith('\r\n\r\n')) socket.write(OK);
    });
    const plane = await planeOf(t, oneVersion(upstream.port));
    const [first, second] = [clientOf(t, plane), clientOf(t, plane)];
    // No connection is open yet: what arrives waits for one, and is then sent outside of a read.
    first.send(`${post(large('a'))}GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await eventually(() => held.length === 1, 'the first upload');
    assert.equal(await askedOn(second, post(large('b', 50_000))), 200);
    held[0]?.write(OK);
    assert.deepEqual(statusesOf(await first.closed()), [200, 200]);
    assert.match(upstream.received.join(''), /GET \/next HTTP/);
  });

  for (const isBackedUp of [false, true]) {
    it(`goes back to the pool ${isBackedUp ? 'never when the upstream has not taken it all' : 'once it is sent'}`, async (t) => {
      const upstream = await upstreamOf(t, (socket, received) => {
        if (received.endsWith('a')) socket.write(OK);
      });
      const plane = await planeOf(t, oneVersion(upstream.port));
      const client = clientOf(t, plane);
      const give = t.mock.method(RelayPool.prototype, 'give');
      let asked = 0;
      // Asked before the body is sent, and after.
      t.mock.getter(UpstreamConnection.prototype, 'isBackedUp', () => ++asked > 1 && isBackedUp);
      assert.equal(await askedOn(client, post(large('a'))), 200);
      assert.ok(asked > 1);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [upstream.port]);
      assert.equal(give.mock.callCount(), isBackedUp ? 0 : 1);
    });
  }
});

/** The bytes in complete chunks. */
function unchunked(text: string): string {
  let bytes = '';
  for (let at = 0; at < text.length; ) {
    const line = text.indexOf('\r\n', at);
    const size = Number.parseInt(text.slice(at, line), 16);
    bytes += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return bytes;
}
