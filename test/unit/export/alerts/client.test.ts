/** A channel against a real receiver, in its senses and out of them. */

import assert from 'node:assert/strict';
import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import { suite, type TestContext, test } from 'node:test';
import { ChannelClient } from '#src/export/alerts/client.ts';
import type { Ask } from '#src/export/alerts/formats/chats.ts';
import { type Reply, startReceiver } from '../../../support/clients/receiver.ts';
import { authorityOf } from '../../../support/http/certificates.ts';
import { listenLoopback } from '../../../support/plane.ts';

const SECRET = 'super-secret-path';

async function send(t: TestContext, reply: Reply, timeoutMs = 20_000) {
  const receiver = await startReceiver(t, reply);
  const client = new ChannelClient({ type: 'webhook', timeoutMs, ca: null });
  t.after(() => client.close());
  const ask: Ask = {
    url: `${receiver.url}/${SECRET}?key=1`,
    headers: { 'content-type': 'application/json', 'x-sluice-timestamp': '7' },
    body: '{"a":1}',
  };
  return { outcome: await client.send(ask, [SECRET], 0), receiver, client, ask };
}

suite('client', { timeout: 240_000 }, () => {
  test('posts what it is asked to, and says that it was taken', async (t) => {
    const { outcome, receiver } = await send(t, { status: 204 });
    assert.deepEqual(outcome, { kind: 'sent' });
    const [one] = receiver.received;
    const { method, path, query, body, headers } = one ?? assert.fail();
    assert.deepEqual([method, path, query.get('key'), body], ['POST', `/${SECRET}`, '1', '{"a":1}']);
    assert.equal(headers['x-sluice-timestamp'], '7');
  });

  test('a receiver that is slow, ends the connection or is not there is unavailable, each said without the URL', async (t) => {
    const slow = await send(t, 'silent', 100);
    assert.deepEqual(slow.outcome, { kind: 'unavailable', because: 'no answer within 100 ms' });
    const cut = await send(t, 'cut');
    assert.deepEqual(cut.outcome, { kind: 'unavailable', because: 'the connection was closed (UND_ERR_SOCKET)' });
    const nobody = await cut.client.send({ ...cut.ask, url: `http://127.0.0.1:1/${SECRET}` }, [SECRET], 0);
    assert.deepEqual(nobody, { kind: 'unavailable', because: 'nobody listens there (ECONNREFUSED)' });
  });

  test('of a long answer the beginning counts: what was taken is not sent again', async (t) => {
    const { outcome, receiver, ask } = await send(t, { status: 200, body: 'x'.repeat(1_000_000) });
    assert.deepEqual(outcome, { kind: 'sent' });
    const chat = new ChannelClient({ type: 'dingtalk', timeoutMs: 20_000, ca: null });
    t.after(() => chat.close());
    const { kind } = await chat.send(ask, [], 0);
    assert.equal(kind, 'unavailable');
    assert.equal(receiver.received.length, 2);
  });

  test('what breaks off after its status is judged by that, where that says all', async (t) => {
    const server = createPlainServer((request, response) => {
      // All of it is read, so that the end is no reset, which would overtake the status.
      request.resume().on('end', () => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('half of', () => response.destroy());
      });
    });
    const port = await listenLoopback(server);
    t.after(() => server.close());
    const kinds = (['webhook', 'slack'] as const).map(async (type) => {
      const client = new ChannelClient({ type, timeoutMs: 20_000, ca: null });
      t.after(() => client.close());
      return (await client.send({ url: `http://127.0.0.1:${port}/`, headers: {}, body: '{}' }, [], 0)).kind;
    });
    assert.deepEqual(await Promise.all(kinds), ['sent', 'unavailable']);
  });

  test('a redirect is not followed', async (t) => {
    const moved = await send(t, { status: 307, headers: { location: '/elsewhere' } });
    assert.deepEqual(moved.outcome, { kind: 'refused', because: 'status 307' });
    assert.equal(moved.receiver.received.length, 1);
  });

  test('a secret that a receiver repeats is masked', async (t) => {
    const { outcome } = await send(t, { status: 404, body: `no hook /${SECRET} here` });
    assert.deepEqual(outcome, { kind: 'refused', because: 'status 404: no hook /[redacted] here' });
    for (const length of [145, 150, 156]) {
      const cut = await send(t, { status: 404, body: `${'x'.repeat(length)}${SECRET}` });
      assert.doesNotMatch(JSON.stringify(cut.outcome), /sup/, 'also where the text is cut');
    }
  });

  test('certificates are verified: by the system’s authorities, or by those that are given', async (t) => {
    const authority = authorityOf(t);
    const { pem } = authority.issue('hook', { names: 'IP:127.0.0.1' });
    const server = createServer(pem, (_request, response) => void response.writeHead(204).end());
    const port = await listenLoopback(server);
    t.after(() => server.close());
    const send = async (ca: string | null) => {
      const client = new ChannelClient({ type: 'webhook', timeoutMs: 20_000, ca });
      t.after(() => client.close());
      return client.send({ url: `https://127.0.0.1:${port}/`, headers: {}, body: '{}' }, [], 0);
    };
    assert.deepEqual(await send(authority.pem), { kind: 'sent' });
    const stranger = await send(null);
    assert.equal(stranger.kind, 'unavailable');
    assert.match(stranger.kind === 'unavailable' ? stranger.because : '', /^[A-Z_]*(?:CERT|SIGNATURE|ISSUER)[A-Z_]*$/);
  });

  test('a limit comes with its time', async (t) => {
    const { outcome } = await send(t, { status: 429, headers: { 'retry-after': '3' } });
    assert.deepEqual(outcome, { kind: 'limited', because: 'status 429', retryMs: 3000 });
  });
});
