import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { Children, freePort, untilReady } from '../../../../../bench/macro/children.ts';
import { httpProxy3 } from '../../../../../bench/macro/contenders/http-proxy-3.ts';

describe('the http-proxy-3 contender', () => {
  test('forwards over a kept connection and adds what the others add', async (t) => {
    const seen: IncomingHttpHeaders[] = [];
    const sockets = new Set<unknown>();
    const upstream = createServer((request, response) => {
      seen.push(request.headers);
      sockets.add(request.socket);
      response.end('here');
    }).listen(0, '127.0.0.1');
    const children = new Children();
    t.after(async () => {
      await children.stopAll();
      upstream.closeAllConnections();
      upstream.close();
    });
    await once(upstream, 'listening');
    const { port: upstreamPort } = upstream.address() as AddressInfo;
    const binary = (name: string): string => name;
    const place = { folder: tmpdir(), port: await freePort(), adminPort: 0, upstreamPort, binary };
    const child = children.start('http-proxy-3', -1, httpProxy3.prepare(place));
    await untilReady(child, httpProxy3.readyUrl(place));
    for (let turn = 0; turn < 3; turn++) {
      const response = await fetch(`http://127.0.0.1:${place.port}/`);
      assert.equal(await response.text(), 'here');
    }
    assert.equal(sockets.size, 1, 'one upstream connection is enough for requests in turn');
    assert.match(String(seen.at(-1)?.['x-forwarded-for']), /127\.0\.0\.1/);
    assert.match(String(seen.at(-1)?.['x-request-id']), /^[\da-f-]{36}$/);
    assert.match(httpProxy3.version(place), /^\d+\.\d+\.\d+$/);
  });
});
