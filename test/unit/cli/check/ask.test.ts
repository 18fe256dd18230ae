/** One question with a deadline, and patience with whoever does not answer. */

import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { ask, BODY_BYTES_MAX, patiently } from '#src/cli/check/ask.ts';
import { listenLoopback } from '../../../support/plane.ts';

async function serverOf(t: TestContext, answer: RequestListener): Promise<URL> {
  const server = createServer(answer);
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return new URL(`http://127.0.0.1:${port}/path?x=1`);
}

const GENEROUS_MS = 60_000;

describe('a question', () => {
  it('is asked as it was put, with the host that is meant', async (t) => {
    const url = await serverOf(t, (request, response) => {
      const { host, 'x-color': color } = request.headers;
      response.writeHead(203).end(`${request.method} ${request.url} ${host} ${String(color)}`);
    });
    const headers = { host: 'shop.test', 'x-color': 'v2' };
    const { status, body, tookMs } = await ask({ url, headers, timeoutMs: GENEROUS_MS });
    assert.deepEqual([status, body], [203, 'GET /path?x=1 shop.test v2']);
    assert.ok(tookMs > 0);
  });

  it('keeps a bounded part of the answer, and waits for the whole', async (t) => {
    const url = await serverOf(t, (_request, response) => void response.end(Buffer.alloc(BODY_BYTES_MAX * 3, 'x')));
    const { body } = await ask({ url, headers: {}, timeoutMs: GENEROUS_MS });
    assert.equal(body.length, BODY_BYTES_MAX);
  });

  it('fails when no whole answer comes in time', async (t) => {
    const url = await serverOf(t, (_request, response) => void response.write('half'));
    await assert.rejects(ask({ url, headers: {}, timeoutMs: 50 }), { message: 'no whole answer within 50 ms' });
  });

  it('fails when the answer is cut off', async (t) => {
    const url = await serverOf(t, (_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half', () => response.destroy());
    });
    await assert.rejects(ask({ url, headers: {}, timeoutMs: GENEROUS_MS }), /aborted|hang up|reset/i);
  });
});

describe('patience', () => {
  it('ends with the first answer', async () => {
    let asked = 0;
    const once = async (): Promise<string> => {
      asked++;
      if (asked < 2) throw new Error('nobody there');
      return 'here';
    };
    assert.deepEqual(await patiently(5, once), { answer: 'here', attempts: 2 });
  });

  it('ends with what the last attempt said', async () => {
    let asked = 0;
    const once = (): Promise<never> => Promise.reject(new Error(`attempt ${++asked}`));
    await assert.rejects(patiently(1, once), { message: 'attempt 2' });
    await assert.rejects(patiently(0, once), { message: 'attempt 3' });
  });
});
