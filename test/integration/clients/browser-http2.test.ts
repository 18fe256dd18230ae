/** A browser over HTTP/2 and TLS through the running gateway: a page with all of its pieces over one connection, and what it sends. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { CHROMIUM, launchChromium, PATIENCE_MS } from '../../support/clients/chromium.ts';
import { PICTURES, siteOf } from '../../support/clients/site.ts';
import { startGatewayProcess, until } from '../../support/gateway.ts';
import { authorityOf } from '../../support/http/certificates.ts';

/** Reached only when something hangs. */
const LIMIT = { timeout: 2 * PATIENCE_MS, skip: CHROMIUM === null ? 'chromium is missing' : false };

it(
  'a browser loads a page, uploads, reads a stream and talks over a WebSocket where HTTP/2 is spoken',
  LIMIT,
  async (t) => {
    const { cert, key } = authorityOf(t).issue('live', { names: 'IP:127.0.0.1' });
    const site = await siteOf(t, 'v1');
    const gateway = await startGatewayProcess(`
listen: {host: 127.0.0.1, port: 0, tls: {certificates: [{cert: ${cert}, key: ${key}}]}}
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${site.port}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]
`);
    t.after(() => gateway.end());
    const [origin = ''] = (await gateway.status()).listeners;
    assert.match(origin, /^https:/);
    const browser = await launchChromium();
    t.after(() => browser.close());
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    const connections = new Set<number>();
    const protocols = new Set<string | undefined>();
    let count = 0;
    network.on('Network.responseReceived', ({ response: { connectionId, protocol, status, url } }) => {
      if (!url.startsWith('https')) return;
      assert.ok(status === 200 || status === 204, `${status} ${url}`);
      connections.add(connectionId);
      protocols.add(protocol);
      count++;
    });
    await network.send('Network.enable');
    await page.goto(origin, { waitUntil: 'load' });
    // Of the network it is told by another way than of the page.
    await until('every piece is told of', () => count >= 3 + PICTURES);
    assert.equal(count, 3 + PICTURES, 'page, style, script, pictures');
    assert.deepEqual([...protocols], ['h2']);
    assert.equal(connections.size, 1);
    const did = await page.evaluate<unknown[]>(`(async () => {
    const bytes = new Uint8Array(1_048_576).fill(7);
    const uploaded = await (await fetch('/upload', { method: 'POST', body: bytes })).json();
    const reader = (await fetch('/stream')).body.getReader();
    const parts = [];
    for (let part = 1; ; part++) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(new TextDecoder().decode(value));
      await fetch('/go?part=' + part, { method: 'POST' });
    }
    const socket = new WebSocket('wss://' + location.host + '/echo');
    const said = await new Promise((resolve, reject) => {
      const heard = [];
      socket.onopen = () => ['hello', 'via'].forEach((text) => socket.send(text));
      socket.onmessage = ({ data }) => heard.push(data) === 2 && resolve(heard.join());
      socket.onerror = () => reject(new Error('no WebSocket'));
    });
    socket.close();
    return [uploaded.bytes, parts.join(), said];
  })()`);
    assert.deepEqual(did, [1_048_576, 'one,two,three', 'hello,2 sluice']);
  },
);
