/**
 * What every contender must do to be comparable: asserts it against a real upstream.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { Children, freePort, untilReady } from '../../../../bench/macro/children.ts';
import { type Contender, PLAIN } from '../../../../bench/macro/contenders/contender.ts';
import { findBinary } from '../../../support/runner/servers.ts';

/** What the upstream was asked. */
interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function upstreamOf(t: TestContext): Promise<{ port: number; asked: Asked[]; sockets: Set<unknown> }> {
  const asked: Asked[] = [];
  const sockets = new Set<unknown>();
  const upstream = createServer((request, response) => {
    sockets.add(request.socket);
    void text(request).then((body) => {
      asked.push({ headers: request.headers, body });
      response.writeHead(200, { 'Content-Length': 4, 'X-Upstream': 'a, b' }).end('here');
    });
  }).listen(0, '127.0.0.1');
  t.after(() => {
    upstream.closeAllConnections();
    upstream.close();
  });
  await once(upstream, 'listening');
  return { port: (upstream.address() as AddressInfo).port, asked, sockets };
}

async function ask(port: number, headers: Record<string, string>, body = ''): Promise<IncomingMessage> {
  const method = body === '' ? 'GET' : 'POST';
  const request = httpRequest({ port, host: '127.0.0.1', method, path: '/a?b=c', headers });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(await text(response), 'here');
  return response;
}

/**
 * Requests reach the upstream over one kept connection, with their bodies and the fields that every gateway adds, and the
 * answer that is the last says so.
 * @returns the `Connection` field that the upstream saw when the client's was `close`
 */
export async function assertForwards(t: TestContext, contender: Contender): Promise<string | undefined> {
  const { port: upstreamPort, asked, sockets } = await upstreamOf(t);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
  const children = new Children();
  t.after(async () => {
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true });
  });
  const binary = (name: string): string => findBinary(name) ?? name;
  const place = { folder, port: await freePort(), adminPort: await freePort(), upstreamPort, setup: PLAIN, binary };
  await untilReady(children.start(contender.name, [], contender.prepare(place)), contender.readyUrl(place));
  asked.length = 0;
  await ask(place.port, { Host: 'shop.example', 'X-User-Id': 'u1' });
  const answer = await ask(place.port, { 'Content-Type': 'application/json' }, '{"a":1}');
  assert.equal(answer.headers['x-upstream'], 'a, b');
  const last = await ask(place.port, { Connection: 'close' });
  assert.equal(last.headers.connection, 'close');
  assert.equal(sockets.size, 1, 'one upstream connection is enough for requests in turn');
  const [first, second, third] = asked;
  assert.equal(first?.headers['x-user-id'], 'u1');
  assert.equal(first?.headers.host, 'shop.example');
  assert.equal(first?.headers['x-forwarded-host'], 'shop.example');
  assert.equal(first?.headers['x-forwarded-proto'], 'http');
  assert.match(String(first?.headers['x-forwarded-for']), /127\.0\.0\.1/);
  assert.match(String(first?.headers['x-request-id']), /^[\da-fA-F-]{16,36}$/);
  assert.equal(second?.body, '{"a":1}');
  return third?.headers.connection;
}
