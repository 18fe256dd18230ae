/** The admin server of a real gateway: diagnostics for bearers of the token; a thousand idle readers, of whom nobody else notices. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { CLIENTS_MAX } from '#src/admin/page/stream.ts';
import {
  type GatewayProcess,
  logged,
  startGatewayProcess,
  startLoad,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';

const READERS = 1000;
const TOKEN = 'correct-horse-battery-staple';
/** Reached only when something hangs. */
const LIMIT = { timeout: 540_000 };

describe('the admin server', LIMIT, () => {
  let gateway: GatewayProcess;
  let service: TestService;
  const ends: (() => unknown)[] = [];

  before(async () => {
    service = await startService('v1');
    ends.push(() => service.close());
    gateway = await startGatewayProcess(documentWith('sluice.internal'), 60_000);
    ends.push(() => gateway.end());
  });
  after(async () => {
    for (const end of ends.reverse()) await end();
  });

  const documentWith = (adminHost: string): string => `
listen: 127.0.0.1:0
admin: {host: 127.0.0.1, port: 0, hosts: [${adminHost}]}
adminToken: ${TOKEN}
workers: 1
saturation: {response: observe}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop, version: v1}]}]
`;

  /** What the server answers to whoever knows it by another name. */
  function statusBy(host: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const asked = get(`${gateway.adminUrl}/livez`, { headers: { host }, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', reject);
    });
  }

  /** A connection that asks for the stream and then reads no more than its first bytes. */
  function reader(statuses: Map<string, number>): Promise<Socket> {
    const { hostname, port } = new URL(gateway.adminUrl);
    return new Promise((resolve) => {
      let isCounted = false;
      const count = (status: string): void => {
        if (isCounted) return;
        isCounted = true;
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        resolve(socket);
      };
      const socket = connect(Number(port), hostname, () =>
        socket.write('GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      );
      socket.once('data', (chunk: Buffer) => {
        socket.pause();
        count(chunk.toString('latin1').slice(9, 12));
      });
      socket.on('error', () => count('cut'));
      socket.on('close', () => count('cut'));
    });
  }

  it('hands profiles, a heap snapshot and the configuration to bearers of the token, without secrets', async () => {
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
    const ask = (what: string, body?: string): Promise<Response> =>
      fetch(
        `${gateway.adminUrl}/api/v1/debug/${what}`,
        body === undefined ? { headers } : { method: 'POST', headers, body },
      );
    // Threads are known once they have been looked at.
    await until('threads are known', async () => (await gateway.status()).saturation.threads.length === 2);
    for (const thread of ['main', 'worker-0']) {
      const response = await ask('profile', JSON.stringify({ thread, seconds: 0.1 }));
      const text = await response.text();
      assert.equal(response.status, 200, text);
      assert.ok((JSON.parse(text) as { nodes: unknown[] }).nodes.length > 1, thread);
    }
    assert.equal((await ask('profile', '{"thread": "worker-9"}')).status, 404);
    const config = await (await ask('config')).text();
    const read = JSON.parse(config) as { routes: { name: string }[]; adminTokenHash: string };
    assert.deepEqual([read.routes[0]?.name, read.adminTokenHash], ['shop', '[redacted]']);
    const report = await (await ask('report')).text();
    const hash = createHash('sha256').update(TOKEN).digest('hex');
    for (const secret of [TOKEN, hash]) assert.equal((config + report).includes(secret), false);
    const snapshot = await ask('heap-snapshot', '');
    const reader = (snapshot.body as ReadableStream<Uint8Array>).getReader();
    const { value = new Uint8Array() } = await reader.read();
    assert.match(Buffer.from(value).toString(), /^\{"snapshot":/);
    // One that is not read to its end holds up nothing: the next is made.
    await reader.cancel();
    await until('the place is free', async () => (await ask('profile', '{"seconds": 0.01}')).status === 200);
  });

  it('bounds a thousand idle readers, and answers probes, the page and traffic meanwhile', async (t) => {
    const load = startLoad(gateway.proxyUrl, { connections: 2, users: 10 });
    const statuses = new Map<string, number>();
    const sockets = await Promise.all(Array.from({ length: READERS }, () => reader(statuses)));
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    assert.equal(statuses.get('200'), CLIENTS_MAX, JSON.stringify([...statuses]));
    assert.ok((statuses.get('503') ?? 0) > 0, 'those that got a connection are told why');
    assert.equal([...statuses.keys()].sort().filter((status) => !['200', '503', 'cut'].includes(status)).length, 0);

    // Those that were refused have left the places for connections to others.
    await until(
      'probes are answered',
      async () => (await fetch(`${gateway.adminUrl}/livez`).catch(() => null))?.status === 200,
    );
    const page = await fetch(gateway.adminUrl, { headers: { accept: 'text/html' } });
    assert.match(await page.text(), /16 of 16/);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    assert.match(metrics, /^sluice_admin_viewers 16$/m);
    const refused = /^sluice_admin_viewers_lost_total\{result="refused"\} (\d+)$/m.exec(metrics)?.[1];
    assert.ok(Number(refused) >= (statuses.get('503') ?? 0), `${refused} refused`);

    const before = load.counts.answers.get('200 v1') ?? 0;
    await until('traffic goes on', () => (load.counts.answers.get('200 v1') ?? 0) > before + 100);
    const { answers } = await load.stop();
    assert.deepEqual([...answers.keys()], ['200 v1'], 'every answer was the service’s');

    for (const socket of sockets) socket.destroy();
    await until('the places are free again', async () => {
      const response = await fetch(`${gateway.adminUrl}/api/v1/live`);
      await response.body?.cancel();
      return response.status === 200;
    });
  });

  it('answers to the names that its document lists, as long as it lists them', async () => {
    assert.deepEqual([await statusBy('sluice.internal:9900'), await statusBy('shop.internal')], [200, 421]);
    gateway.save(documentWith('shop.internal'));
    await until('the other name is answered', async () => (await statusBy('shop.internal')) === 200);
    assert.equal(await statusBy('sluice.internal'), 421);
    // Warnings are written before it is.
    await logged(gateway, /"event":"config_live"/);
    assert.doesNotMatch(gateway.output(), /takes effect at the next start/);
  });
});
