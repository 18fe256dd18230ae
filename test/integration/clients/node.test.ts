/** Node's own clients and undici through the running gateway: agents, fetch with streams, pipelining, aborts. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request as nodeRequest } from 'node:http';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import {
  Client,
  type CloseEvent,
  type Dispatcher,
  type MessageEvent,
  Pool,
  fetch as undiciFetch,
  WebSocket,
} from 'undici';
import { BIG, type Echo, type EchoGateway, echoGateway } from '../../support/proxy/echo.ts';

let gateway: EchoGateway;
const ends: (() => unknown)[] = [];

before(async () => {
  gateway = await echoGateway({ after: (end) => void ends.push(end as () => unknown) });
});

after(async () => {
  for (const end of ends) await end();
});

const sha1 = (bytes: Buffer): string => createHash('sha1').update(bytes).digest('hex');

/** The pool's own pieces of a body, as a stream. */
function pieces(): Readable {
  const parts: Buffer[] = [];
  for (let at = 0; at < BIG.length; at += 77_777) parts.push(BIG.subarray(at, at + 77_777));
  return Readable.from(parts);
}

async function bodyOf(stream: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

describe('fetch', () => {
  for (const [name, fetch] of [
    ['of node', globalThis.fetch],
    ['of undici', undiciFetch as unknown as typeof globalThis.fetch],
  ] as const) {
    it(`${name} gets, posts, streams up and down, and aborts`, async () => {
      const got = (await (await fetch(`${gateway.url}/echo?x=1`)).json()) as Echo;
      assert.deepEqual([got.method, got.url], ['GET', '/echo?x=1']);
      const form = await fetch(`${gateway.url}/echo`, { method: 'POST', body: new URLSearchParams({ a: 'b' }) });
      assert.equal(((await form.json()) as Echo).bodyBytes, 3);
      const stream = { method: 'POST', body: Readable.toWeb(pieces()), duplex: 'half' } as unknown as RequestInit;
      const streamed = (await (await fetch(`${gateway.url}/echo`, stream)).json()) as Echo;
      assert.deepEqual([streamed.headers['transfer-encoding'], streamed.bodySha1], ['chunked', sha1(BIG)]);
      for (const path of ['/big', '/chunked']) {
        const bytes = Buffer.from(await (await fetch(gateway.url + path)).arrayBuffer());
        assert.equal(sha1(bytes), sha1(BIG));
      }
      const leaving = new AbortController();
      const response = await fetch(`${gateway.url}/big`, { signal: leaving.signal });
      leaving.abort();
      await assert.rejects(response.arrayBuffer());
      await assert.rejects((await fetch(`${gateway.url}/cut`)).text(), 'a cut answer is an error');
    });
  }
});

describe('undici', () => {
  it('dispatches 500 pipelined requests, each with its own answer', async () => {
    const pool = new Pool(gateway.url, { connections: 4, pipelining: 8 });
    const answers = await Promise.all(
      Array.from({ length: 500 }, async (_, n) => {
        const { statusCode, body } = await pool.request({ path: `/echo?${n}`, method: n % 5 === 0 ? 'HEAD' : 'GET' });
        const text = await body.text();
        return [statusCode, text === '' ? 'HEAD' : (JSON.parse(text) as Echo).url];
      }),
    );
    const expected = Array.from({ length: 500 }, (_, n) => [200, n % 5 === 0 ? 'HEAD' : `/echo?${n}`]);
    assert.deepEqual(answers, expected);
    await pool.close();
  });

  it('dispatches with handlers of its own, bodies included', async () => {
    const pool = new Pool(gateway.url);
    const seen = await new Promise<string>((resolve, reject) => {
      let text = '';
      const handler: Dispatcher.DispatchHandler = {
        onRequestStart: () => undefined,
        onResponseStart: () => undefined,
        onResponseData: (_controller, chunk) => {
          text += chunk.toString();
        },
        onResponseEnd: () => resolve(text),
        onResponseError: (_controller, error) => reject(error),
      };
      pool.dispatch({ path: '/echo', method: 'PUT', body: BIG }, handler);
    });
    const { method, bodySha1 } = JSON.parse(seen) as Echo;
    assert.deepEqual([method, bodySha1], ['PUT', sha1(BIG)]);
    await pool.close();
  });
});

describe('an upgrade by undici', () => {
  it('switches to another protocol, with bytes both ways at once', async () => {
    const client = new Client(gateway.url);
    const { socket, headers } = await client.upgrade({ path: '/', protocol: 'echo' });
    assert.equal(headers['upgrade'], 'echo');
    const back = bodyOf(socket);
    for await (const piece of pieces()) if (!socket.write(piece)) await once(socket, 'drain');
    socket.end();
    assert.equal(sha1(await back), sha1(BIG));
    await client.close();
  });

  it('opens a WebSocket, compressed, and closes it with a code', async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/`);
    await once(socket, 'open');
    assert.match(socket.extensions, /permessage-deflate/);
    const text = 'sluice '.repeat(100_000);
    socket.send(text);
    const [message] = (await once(socket, 'message')) as [MessageEvent];
    assert.equal(message.data, text);
    socket.close(4001, 'done');
    const [{ code, wasClean }] = (await once(socket, 'close')) as [CloseEvent];
    assert.deepEqual([code, wasClean], [4001, true]);
  });
});

describe('an agent of node:http', () => {
  it('keeps its connections over 400 requests', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 4 });
    const sockets = new Set<unknown>();
    const ask = async (n: number): Promise<void> => {
      const sent = nodeRequest(`${gateway.url}/echo?${n}`, { agent, method: n % 2 === 0 ? 'GET' : 'POST' });
      sent.on('socket', (socket) => sockets.add(socket));
      sent.end(n % 2 === 0 ? undefined : BIG.subarray(0, n * 100));
      const [response] = (await once(sent, 'response')) as [IncomingMessage];
      const echo = JSON.parse((await bodyOf(response)).toString()) as Echo;
      assert.deepEqual([echo.url, echo.bodyBytes], [`/echo?${n}`, n % 2 === 0 ? 0 : n * 100]);
    };
    await Promise.all(Array.from({ length: 400 }, (_, n) => ask(n)));
    agent.destroy();
    assert.equal(sockets.size, 4);
  });

  it('waits for 100 Continue, sees early hints, and aborts', async () => {
    const patient = nodeRequest(`${gateway.url}/echo`, { method: 'POST', headers: { Expect: '100-continue' } });
    patient.flushHeaders();
    await once(patient, 'continue');
    patient.end(BIG);
    const [answered] = (await once(patient, 'response')) as [IncomingMessage];
    assert.equal((JSON.parse((await bodyOf(answered)).toString()) as Echo).bodySha1, sha1(BIG));

    const hinted = nodeRequest(`${gateway.url}/hints`);
    const hints = once(hinted, 'information') as Promise<[{ statusCode: number; headers: { link: string } }]>;
    hinted.end();
    assert.deepEqual([(await hints)[0].statusCode, (await hints)[0].headers.link], [103, '</style.css>; rel=preload']);

    const leaving = nodeRequest(`${gateway.url}/big`);
    leaving.end();
    const [response] = (await once(leaving, 'response')) as [IncomingMessage];
    response.destroy();
    await once(leaving, 'close');
  });
});
