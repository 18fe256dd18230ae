/** What the gateway answers itself: who is told what, and in which version of HTTP. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LinkedSplit } from '#src/proxy/decide/table.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { linkFixed, pour } from '#src/proxy/forward/retry/fallback/answer.ts';
import type { Fallen } from '#src/proxy/forward/retry/fallback/chain.ts';
import { retryingOf } from '#src/proxy/forward/retry/retry.ts';
import { asking, SORRY, STALE } from '../../../../../support/http/fallen.ts';
import { bench, exchangeOn, routeOf } from '../../../../../support/proxy/parts.ts';
import {
  answeringOf,
  getOf,
  OK,
  perHead,
  planeOf,
  refusedPortOf,
  upstreamOf,
} from '../../../../../support/proxy/running.ts';
import { sendAndClose } from '../../../../../support/raw.ts';

const CLOSE = 'Connection: close\r\n';

describe('a fixed answer', () => {
  it('is made once, with a length of bytes', () => {
    const { lines, body } = linkFixed({ ...SORRY, status: 599, body: 'ü' });
    assert.match(lines, /^HTTP\/1\.1 599 \r\n[^]*Content-Length: 2\r\n$/);
    assert.deepEqual([...body], [0xc3, 0xbc]);
  });

  it('without a body has no type', () => {
    assert.equal(
      linkFixed({ ...SORRY, body: '' }).lines,
      'HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 0\r\n',
    );
  });
});

describe('the body of an answer', () => {
  const on = bench();
  const body = Buffer.from('0123456789'.repeat(20_000));

  /** An exchange whose answer has `body`. */
  function answered(method = 'GET'): Exchange {
    const x = Object.assign(exchangeOn(on), { method });
    const [from] = routeOf(on.table).splits as [LinkedSplit];
    const answer = { status: 200, lines: '', body };
    const fallen: Fallen = { kind: 'static', next: 1, reason: 14, from, answer, isGood: true, sentBytes: 0 };
    retryingOf(x).fallen = fallen;
    return x;
  }

  /** A client that takes `room` bytes, and more when it is asked to. */
  function clientOf(room: number) {
    const sent: Buffer[] = [];
    const client = {
      sent,
      room,
      isCopying: false,
      get isBackedUp(): boolean {
        return client.room < 0;
      },
      bytesSent: 0,
      writeText: () => undefined,
      writeBytes: (bytes: Buffer, start: number, end: number) => {
        assert.ok(!client.isBackedUp, 'written to one that does not take it');
        sent.push(bytes.subarray(start, end));
        client.room -= end - start;
      },
      writeSoon: (bytes: Buffer, start: number, end: number): boolean => {
        client.writeBytes(bytes, start, end);
        return !client.isBackedUp;
      },
    };
    return client;
  }

  it('goes as far as the client takes it, and on from there', () => {
    const x = answered();
    const client = clientOf(100_000);
    assert.equal(pour(x, client), false);
    assert.ok(x.responseStarted);
    const { length } = Buffer.concat(client.sent);
    assert.ok(length > 100_000 && length < body.length);
    assert.equal(pour(x, client), false, 'nothing while nothing has left');
    client.room = Number.POSITIVE_INFINITY;
    assert.equal(pour(x, client), true);
    assert.ok(Buffer.concat(client.sent).equals(body));
  });

  it('has not all left while its last piece waits', () => {
    const x = answered();
    const client = clientOf(body.length - 1);
    assert.equal(pour(x, client), false);
    assert.equal(Buffer.concat(client.sent).length, body.length);
    client.room = 0;
    assert.equal(pour(x, client), true);
    assert.equal(Buffer.concat(client.sent).length, body.length);
  });

  it('is none for HEAD, nor of an answer that is no chain’s', () => {
    const client = clientOf(0);
    assert.ok(pour(answered('HEAD'), client));
    const x = exchangeOn(on);
    assert.ok(pour(x, clientOf(-1)) && !x.responseStarted);
    assert.deepEqual(client.sent, []);
  });
});

describe('an answer of a chain', () => {
  it('names endpoint and version to trusted peers only', async (t) => {
    const port = await refusedPortOf(t);
    const versions = [{ name: 'v1', ports: [port], weight: 1 }];
    for (const [trustedProxies, named] of [
      [[], ''],
      [['127.0.0.0/8'], `; next-hop="127.0.0.1:${port}"; details="v1"`],
    ] as const) {
      const plane = await planeOf(t, { routes: [{ versions, fallback: [SORRY] }], trustedProxies });
      const received = await sendAndClose(plane.port, getOf('/', CLOSE));
      assert.ok(received.includes(`\r\nProxy-Status: sluice; error=connection_refused${named}\r\n`), received);
    }
  });

  it('has what CORS wants, for the origin that asks now', async (t) => {
    const cors = {
      allowOrigins: ['https://a.example', 'https://b.example'],
      allowMethods: [],
      allowHeaders: [],
      exposeHeaders: [],
      allowCredentials: false,
      maxAgeS: 5,
    };
    let isAway = false;
    const upstream = await upstreamOf(
      t,
      perHead((socket) => (isAway ? socket.resetAndDestroy() : socket.write(OK))),
    );
    const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
    const plane = await planeOf(t, { routes: [{ versions, filters: { cors }, fallback: [STALE, SORRY] }] });
    const ask = (path: string, origin: string): Promise<string> =>
      sendAndClose(plane.port, getOf(path, `Origin: https://${origin}.example\r\n${CLOSE}`));
    await ask('/', 'a');
    isAway = true;
    for (const path of ['/', '/other']) {
      const received = await ask(path, 'b');
      assert.equal(received.match(/\r\nAccess-Control-Allow-Origin: /g)?.length, 1);
      assert.match(received, /\r\nAccess-Control-Allow-Origin: https:\/\/b\.example\r\n/);
    }
  });

  it('says to HTTP/1.0 whether the connection goes on', async (t) => {
    const versions = [{ name: 'v1', ports: [await refusedPortOf(t)], weight: 1 }];
    const plane = await planeOf(t, { routes: [{ versions, fallback: [SORRY] }] });
    const old = (lines: string): string => `GET / HTTP/1.0\r\n${lines}\r\n`;
    const received = await sendAndClose(plane.port, old('Connection: keep-alive\r\n') + old(''));
    assert.match(received, /\r\nConnection: keep-alive\r\n[^]*sorryHTTP[^]*\r\nConnection: close\r\n/);
  });

  it('tells that nothing was sent for a kept one, where nothing was', async (t) => {
    const upstream = await answeringOf(t);
    const on = (ports: readonly number[]) => ({
      routes: [{ versions: [{ name: 'v1', ports, weight: 1 }], fallback: [STALE, asking(upstream.port)] }],
    });
    const plane = await planeOf(t, on([upstream.port]));
    await sendAndClose(plane.port, getOf('/', CLOSE));
    plane.swap(on([]));
    assert.match(
      await sendAndClose(plane.port, getOf('/', CLOSE)),
      /\r\nCache-Status: sluice; hit; detail=no_endpoint\r\n/,
    );
  });
});
