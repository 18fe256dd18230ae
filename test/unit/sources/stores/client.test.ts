import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:https';
import { describe, type TestContext, test } from 'node:test';
import { type ClientOptions, type Question, StoreClient } from '#src/sources/stores/client.ts';
import { type Authority, authorityOf } from '../../../support/http/certificates.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { startFake } from '../../../support/stores/fake.ts';

function clientOf(t: TestContext, changes: Partial<ClientOptions> = {}): StoreClient {
  const client = new StoreClient({ name: 'store a', tls: null, secrets: ['geheim', null, ''], ...changes });
  t.after(() => client.close());
  return client;
}

function question(origin: string, changes: Partial<Question> = {}): Question {
  return { origin, path: '/x', signal: new AbortController().signal, timeoutMs: 60_000, bytesMax: 100, ...changes };
}

describe('a question', () => {
  test('is answered with status, fields and text, whatever the status is', async (t) => {
    const { url, asked } = await startFake(t, ({ method }, response) => {
      response.writeHead(method === 'POST' ? 418 : 200, { 'x-a': 'b' }).end('ä');
    });
    const answer = await clientOf(t).ask(question(url, { headers: { 'x-c': 'd' } }));
    assert.deepEqual([answer.status, answer.headers.get('x-a'), answer.text], [200, 'b', 'ä']);
    assert.equal(asked[0]?.headers['x-c'], 'd');
    assert.equal((await clientOf(t).ask(question(url, { method: 'POST', body: 'e' }))).status, 418);
    assert.equal(asked[1]?.body, 'e');
  });

  test('fails in words when nobody listens, when time is up, and when there is too much', async (t) => {
    const { url } = await startFake(t, ({ url: path }, response) => {
      if (path === '/long') response.end('x'.repeat(101));
      else if (path === '/cut') response.writeHead(200, { 'content-length': 9 }).write('x', () => response.destroy());
      else if (path === '/bytes') response.end(Buffer.of(0xff));
    });
    const client = clientOf(t);
    const code = 'SLU_SOURCE_UNAVAILABLE';
    await assert.rejects(client.ask(question('http://127.0.0.1:1')), {
      code,
      message: 'store a: connect ECONNREFUSED',
    });
    await assert.rejects(client.ask(question(url, { timeoutMs: 30 })), {
      code,
      message: 'store a: no answer within 30 ms',
    });
    await assert.rejects(client.ask(question(url, { path: '/long' })), { code, message: /more than 100 bytes/ });
    await assert.rejects(client.ask(question(url, { path: '/bytes' })), { code, message: /utf-8/i });
    await assert.rejects(client.ask(question(url, { path: '/cut' })), { code });
  });

  test('ends when nobody wants to know any more', async (t) => {
    const { url } = await startFake(t, () => undefined);
    const controller = new AbortController();
    const asked = clientOf(t).ask(question(url, { signal: controller.signal }));
    controller.abort();
    await assert.rejects(asked);
    await assert.rejects(clientOf(t).ask(question(url, { signal: AbortSignal.abort() })));
  });
});

describe('lines', () => {
  test('come as they are cut by their ends, not by packets', async (t) => {
    const { url } = await startFake(t, (_asked, response) => {
      for (const part of ['on', 'e\ntwo\nth', 'ree']) response.write(part);
      response.end();
    });
    const lines: string[] = [];
    for await (const line of clientOf(t).lines(question(url))) lines.push(line);
    assert.deepEqual(lines, ['one', 'two', 'three']);
  });

  test('are bounded', async (t) => {
    const { url } = await startFake(t, (_asked, response) => void response.write('x'.repeat(101)));
    await assert.rejects(clientOf(t).lines(question(url)).next(), /a line of more than 100 bytes/);
  });

  test('of which enough were read end the connection', async (t) => {
    let isClosed: () => void = () => undefined;
    const closed = new Promise<void>((resolve) => {
      isClosed = resolve;
    });
    const { url } = await startFake(t, (_asked, response) => {
      response.on('close', isClosed);
      response.write('one\n');
    });
    for await (const line of clientOf(t).lines(question(url))) {
      assert.equal(line, 'one');
      break;
    }
    await closed;
  });
});

test('a failure is one short line without secrets', (t) => {
  const client = clientOf(t);
  const { message } = client.refusal({
    status: 403,
    headers: new Map(),
    text: `no: geheim\nfor you ${'x'.repeat(500)}`,
  });
  assert.match(message, /^store a: status 403: no: \[redacted\] for you x+…$/);
  assert.ok(message.length < 200);
});

test('a certificate that cannot be read is named', () => {
  const tls = { ca: '/nowhere/ca.pem', cert: null, key: null, serverName: null };
  const message = 'store a: cannot read /nowhere/ca.pem: open ENOENT';
  assert.throws(() => new StoreClient({ name: 'store a', tls, secrets: [] }), {
    code: 'SLU_SOURCE_UNAVAILABLE',
    message,
  });
});

/** A server with a certificate of this authority; resolves with its origin. */
async function startSecure(t: TestContext, authority: Authority, names: string, days = 60): Promise<string> {
  const { pem } = authority.issue('server', { names, days });
  const server = createServer({ cert: pem.cert, key: pem.key }, (_, response) => response.end());
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${port}`;
}

test('a certificate that is not believed is told with what is wrong and which field helps', async (t) => {
  const authority = authorityOf(t);
  const [own, other, tenth, old] = await Promise.all([
    startSecure(t, authority, 'IP:127.0.0.1'),
    startSecure(t, authority, 'DNS:consul.test'),
    startSecure(t, authority, 'IP:10.0.0.1'),
    startSecure(t, authority, 'IP:127.0.0.1', -1),
  ]);
  const tls = { ca: authority.ca, cert: null, key: null, serverName: null };
  const tlsFields = { ca: 'jwks.ca', cert: null, serverName: null };
  const unknown = 'is of an unknown authority (UNABLE_TO_VERIFY_LEAF_SIGNATURE); ';
  const missing = 'has another name; tls.serverName says which it must have: IP: 127.0.0.1 is not in the cert';
  const others = 'has another name; tls.serverName says which it must have: IP: 10.0.0.1 is not in the cert';
  const answered: readonly [string, Partial<ClientOptions>, string | null][] = [
    [own, { tls }, null],
    [own, {}, `${unknown}tls.ca names its file`],
    [own, { tlsFields }, `${unknown}jwks.ca names its file`],
    [other, { tls }, missing],
    [other, { tls: { ...tls, serverName: 'consul.test' } }, null],
    [own, { tls: { ...tls, serverName: '127.0.0.1' } }, null],
    [tenth, { tls: { ...tls, serverName: '10.0.0.1' } }, null],
    [own, { tls: { ...tls, serverName: '10.0.0.1' } }, others],
    [old, { tls }, 'has expired; renew it there, or set the clock here'],
  ];
  for (const [origin, options, told] of answered) {
    const answer = clientOf(t, options).ask(question(origin));
    if (told === null) assert.equal((await answer).status, 200);
    else {
      const words = `store a: TLS handshake failed: the server’s certificate ${told}`;
      await assert.rejects(answer, ({ message }: Error) => message.startsWith(words), words);
    }
    const line = clientOf(t, options).lines(question(origin)).next();
    await (told === null ? line : assert.rejects(line, /TLS handshake failed/));
  }
});

test('files that were replaced hold for the next connection, and one that is gone is named', async (t) => {
  const [first, second] = [authorityOf(t, 'first'), authorityOf(t, 'second')];
  const url = await startSecure(t, second, 'IP:127.0.0.1');
  const client = clientOf(t, { tls: { ca: first.ca, cert: null, key: null, serverName: null } });
  await assert.rejects(client.ask(question(url)), /of an unknown authority/);
  rmSync(first.ca);
  const message = `store a: cannot read ${first.ca}: open ENOENT`;
  await assert.rejects(client.ask(question(url)), { code: 'SLU_SOURCE_UNAVAILABLE', message });
  copyFileSync(second.ca, first.ca);
  assert.equal((await client.ask(question(url))).status, 200);
});
