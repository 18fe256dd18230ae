/** A browser through the running gateway, as it comes: pages, forms, cookies, streams, WebSockets, CORS, redirects, bulk. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { CHROMIUM, launchChromium, PATIENCE_MS } from '../../support/clients/chromium.ts';
import { DOWNLOAD, PICTURES, type Site, siteOf } from '../../support/clients/site.ts';
import { type GatewayProcess, startGatewayProcess, until } from '../../support/gateway.ts';

/** Reached only when something hangs. */
const LIMIT = { timeout: 2 * PATIENCE_MS };

function configOf(v1: Site, v2: Site): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${v1.port}"]}
      v2: {endpoints: ["127.0.0.1:${v2.port}"]}
routes:
  - name: who
    matches: [{path: {type: Exact, value: /who}}]
    sticky: {cookie: user}
    backendRefs: [{name: shop, version: v1, weight: 50}, {name: shop, version: v2, weight: 50}]
  - name: api
    matches: [{path: {value: /api}}]
    filters:
      - type: CORS
        cors:
          allowOrigins: ["http://127.0.0.1:${v1.port}"]
          allowMethods: [PUT]
          allowHeaders: [x-note]
          exposeHeaders: [x-served]
          maxAge: 60
    backendRefs: [{name: shop, version: v1}]
  - name: old
    matches: [{path: {value: /old}}]
    filters:
      - type: RequestRedirect
        requestRedirect: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}, statusCode: 302}
  - name: shop
    backendRefs: [{name: shop, version: v1}]
`;
}

/** What runs in the page is text: it is the browser's code and not this process's. */
function inPage<T>(page: Page, body: string): Promise<T> {
  return page.evaluate<T>(`(async () => { ${body} })()`);
}

describe('a browser', { ...LIMIT, skip: CHROMIUM === null ? 'chromium is missing' : false }, () => {
  let browser: Browser;
  let gateway: GatewayProcess;
  let v1: Site;
  const ends: (() => unknown)[] = [];
  const suite = { after: (end?: unknown) => void ends.push(end as () => unknown) };

  before(async () => {
    v1 = await siteOf(suite, 'v1');
    gateway = await startGatewayProcess(configOf(v1, await siteOf(suite, 'v2')));
    suite.after(() => gateway.end());
    browser = await launchChromium();
    suite.after(() => browser.close());
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  /** A profile of its own. */
  async function profileOf(t: TestContext): Promise<BrowserContext> {
    const context = await browser.newContext();
    t.after(() => context.close());
    context.setDefaultTimeout(PATIENCE_MS);
    return context;
  }

  /** A page in a profile of its own, at an address of the gateway. */
  async function pageAt(t: TestContext, path: string, origin = gateway.proxyUrl): Promise<Page> {
    const page = await (await profileOf(t)).newPage();
    const response = await page.goto(origin + path);
    assert.equal(response?.status(), 200);
    return page;
  }

  it('loads a page with all of its pieces over at most six connections', async (t) => {
    const context = await profileOf(t);
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    const connections = new Map<number, number>();
    const statuses: number[] = [];
    network.on('Network.responseReceived', ({ response: { connectionId, status, url } }) => {
      if (!url.startsWith('http')) return;
      connections.set(connectionId, (connections.get(connectionId) ?? 0) + 1);
      statuses.push(status);
    });
    await network.send('Network.enable');
    await page.goto(gateway.proxyUrl, { waitUntil: 'load' });
    // Of the network it is told by another way than of the page.
    await until('every piece is told of', () => statuses.length >= 3 + PICTURES);
    assert.deepEqual([...new Set(statuses)], [200]);
    assert.equal(statuses.length, 3 + PICTURES, 'page, style, script, pictures');
    assert.ok(connections.size <= 6, `${connections.size} connections`);
    assert.equal(connections.has(0), false, 'every piece came over a connection');
    const shown = `return [document.title, globalThis.isScripted, getComputedStyle(document.body).color,
      [...document.images].every((image) => image.complete && image.naturalWidth > 0),
      [...new Set(performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol))].join()]`;
    assert.deepEqual(await inPage(page, shown), ['shop', true, 'rgb(1, 2, 3)', true, 'http/1.1']);
  });

  it('sends a form and shows the answer', async (t) => {
    const page = await pageAt(t, '/');
    await page.click('button');
    await page.waitForURL('**/form');
    const shown = await page.textContent('pre');
    assert.equal(shown, 'application/x-www-form-urlencoded\nname=Zo%C3%AB+%26+co&count=2');
  });

  it('stays with the version that its cookie chose, and other users get the other', async (t) => {
    const page = await pageAt(t, '/');
    const ask = `const answers = new Set();
      for (let n = 0; n < 10; n++) answers.add(await (await fetch('/who')).text());
      return [...answers].join();`;
    const seen = new Set<string>();
    for (let user = 0; user < 16; user++) {
      await inPage(page, `document.cookie = 'user=u${user}'`);
      seen.add(await inPage<string>(page, ask));
    }
    assert.deepEqual([...seen].sort(), ['v1', 'v2']);
  });

  it('reads a stream while it is written', async (t) => {
    const page = await pageAt(t, '/');
    const parts = await inPage<string[]>(
      page,
      `const reader = (await fetch('/stream')).body.getReader();
      const parts = [];
      for (let part = 1; ; part++) {
        const { done, value } = await reader.read();
        if (done) return parts;
        parts.push(new TextDecoder().decode(value));
        await fetch('/go?part=' + part, { method: 'POST' });
      }`,
    );
    assert.deepEqual(parts, ['one', 'two', 'three']);
  });

  it('gets every event when it is sent, and comes back for those after the last', async (t) => {
    const page = await pageAt(t, '/');
    const events = await inPage<string[]>(
      page,
      `const source = new EventSource('/events');
      const events = [];
      return new Promise((resolve) => {
        source.onmessage = async ({ data, lastEventId }) => {
          events.push(lastEventId + ' ' + data);
          if (events.length === 3) { source.close(); resolve(events); }
          else await fetch('/go?part=1', { method: 'POST' });
        };
      });`,
    );
    assert.deepEqual(events, ['1 first', '2 second', '3 after 2']);
  });

  it('talks over a WebSocket, in text and in bytes, and closes it', async (t) => {
    const page = await pageAt(t, '/');
    const talk = await inPage<unknown[]>(
      page,
      `const socket = new WebSocket('ws://' + location.host + '/echo');
      socket.binaryType = 'arraybuffer';
      const next = (name) => new Promise((resolve, reject) => {
        socket.addEventListener(name, resolve, { once: true });
        socket.addEventListener('error', reject, { once: true });
      });
      await next('open');
      socket.send('hello');
      const text = (await next('message')).data;
      const bytes = Uint8Array.from({ length: 1_000_000 }, (_, n) => n % 251);
      socket.send(bytes);
      const back = new Uint8Array((await next('message')).data);
      const isSame = back.length === bytes.length && back.every((byte, n) => byte === bytes[n]);
      socket.close(4000, 'done');
      const { code, wasClean } = await next('close');
      return [text, isSame, socket.extensions, code, wasClean];`,
    );
    assert.deepEqual(talk, ['hello', true, '', 4000, true]);
  });

  const CROSS = `const response = await fetch(target + '/api', {
    method: 'PUT', headers: { 'X-Note': 'across' }, body: 'text' });
  return [response.headers.get('x-served'), await response.json()];`;

  it('may ask across origins what the CORS filter allows, and nothing else', async (t) => {
    const friend = await pageAt(t, '/', `http://127.0.0.1:${v1.port}`);
    const across = (method: string): string => `const target = '${gateway.proxyUrl}'; ${CROSS.replace('PUT', method)}`;
    assert.deepEqual(await inPage(friend, across('PUT')), ['yes', { method: 'PUT', note: 'across', text: 'text' }]);
    await assert.rejects(inPage(friend, across('DELETE')), /Failed to fetch/, 'a method that is not allowed');
    const stranger = await pageAt(t, '/', `http://localhost:${v1.port}`);
    await assert.rejects(inPage(stranger, across('PUT')), /Failed to fetch/, 'an origin that is not allowed');
    const arrived = v1.asked.filter((line) => line.endsWith(' /api'));
    assert.deepEqual(arrived, ['PUT /api'], 'the gateway answers preflights itself');
  });

  it('follows a redirect of the gateway', async (t) => {
    const page = await pageAt(t, '/old/?a=b');
    assert.equal(page.url(), `${gateway.proxyUrl}/?a=b`);
    assert.equal(await page.title(), 'shop');
  });

  it('uploads and downloads 4 MiB unchanged', async (t) => {
    const page = await pageAt(t, '/');
    const hex = `const sha256 = async (bytes) =>
      new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).toHex();`;
    const uploaded = await inPage<{ sent: string; got: { bytes: number; sha256: string } }>(
      page,
      `${hex} const bytes = new Uint8Array(4 * 1_048_576);
      for (let at = 0; at < bytes.length; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
      const got = await (await fetch('/upload', { method: 'POST', body: bytes })).json();
      return { sent: await sha256(bytes), got };`,
    );
    assert.deepEqual(uploaded.got, { bytes: 4 * 1_048_576, sha256: uploaded.sent });
    const down = await inPage(page, `${hex} return sha256(await (await fetch('/download')).arrayBuffer());`);
    assert.equal(down, createHash('sha256').update(DOWNLOAD).digest('hex'));
  });
});
