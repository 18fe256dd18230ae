/** Experiments through a whole gateway: the group of a user is the same by every protocol, on every attempt and after a restart. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:http2';
import type { Duplex } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { type GatewayProcess, startGatewayProcess, until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';

const HEADER = 'x-experiment-checkout';
const USERS = Array.from({ length: 12 }, (_, n) => `user-${n}`);
/** Half of all users, in three groups: as pinned in the unit test of the draw. */
const GROUPS = [null, 'b', 'a', null, 'a', null, null, 'c', null, 'c', null, 'b'];

interface Upstream {
  readonly port: number;
  /** Of every attempt at `/again`, what it was told. */
  readonly attempts: string[];
}

function groupOf({ headers }: IncomingMessage): string {
  const told = headers[HEADER];
  return told === undefined ? '' : String(told);
}

/** Answers with what it is told; the first attempt at `/again` fails. */
async function upstreamOf(t: TestContext): Promise<Upstream> {
  const attempts: string[] = [];
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/again' && attempts.push(groupOf(incoming)) === 1) outgoing.statusCode = 503;
    outgoing.end(groupOf(incoming));
  });
  server.on('upgrade', (incoming: IncomingMessage, socket: Duplex) => {
    const lines = ['Connection: Upgrade', 'Upgrade: websocket', `X-Told: ${groupOf(incoming)}`];
    socket.end(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
  });
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, attempts };
}

async function gatewayOf(t: TestContext, port: number, more = ''): Promise<GatewayProcess> {
  const gateway = await startGatewayProcess(`
listen: {host: 127.0.0.1, port: 0, http2: true}
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
${more}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}}}
routes:
  - name: shop
    backendRefs: [{name: shop}]
    sticky: {header: x-user-id}
    retry: {codes: [503]}
    experiments: [{id: checkout, percent: 50, groups: [{name: a}, {name: b}, {name: c}]}]
`);
  t.after(() => gateway.end());
  return gateway;
}

type Fields = Readonly<Record<string, string>>;

async function overHttp1({ proxyUrl }: GatewayProcess, path: string, headers: Fields): Promise<string> {
  return (await fetch(proxyUrl + path, { headers })).text();
}

async function overHttp2(t: TestContext, { proxyUrl }: GatewayProcess) {
  const session = connect(proxyUrl);
  t.after(() => session.destroy());
  return async (headers: Fields): Promise<string> => {
    const stream = session.request({ ':path': '/', ...headers });
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    return text;
  };
}

async function upgraded({ proxyUrl }: GatewayProcess, fields: Fields): Promise<string> {
  const headers = { ...fields, connection: 'Upgrade', upgrade: 'websocket' };
  const asking = request(proxyUrl, { headers: { ...headers, 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' } }).end();
  const [response, socket] = (await once(asking, 'upgrade')) as [IncomingMessage, Duplex];
  socket.destroy();
  return String(response.headers['x-told']);
}

async function inTurn(ask: (headers: Fields) => Promise<string>): Promise<(string | null)[]> {
  const told: (string | null)[] = [];
  for (const user of USERS) {
    const group = await ask({ 'x-user-id': user, [HEADER]: 'forged' });
    told.push(group === '' ? null : group);
  }
  return told;
}

describe('an experiment', { timeout: 540_000 }, () => {
  it('has the same groups over every protocol and after a restart, and no sender says his own', async (t) => {
    const { port } = await upstreamOf(t);
    for (const life of ['first', 'second']) {
      const gateway = await gatewayOf(t, port);
      assert.deepEqual(await inTurn((headers) => overHttp1(gateway, '/', headers)), GROUPS, `HTTP/1.1, ${life}`);
      assert.deepEqual(await inTurn(await overHttp2(t, gateway)), GROUPS, `HTTP/2, ${life}`);
      assert.deepEqual(await inTurn((headers) => upgraded(gateway, headers)), GROUPS, `upgraded, ${life}`);
      assert.equal(await overHttp1(gateway, '/', { [HEADER]: 'forged' }), '', 'without a user key');
      await gateway.end();
    }
  });

  it('has its groups in the access log', async (t) => {
    const { port } = await upstreamOf(t);
    const gateway = await gatewayOf(t, port, 'accessLog: {sample: 1}');
    await inTurn((headers) => overHttp1(gateway, '/', headers));
    await inTurn(await overHttp2(t, gateway));
    const logged = () =>
      [...gateway.output().matchAll(/^\{"event":"request".*\}$/gm)].map(([line]) => {
        const { protocol, experiments } = JSON.parse(line) as Record<string, unknown>;
        return [protocol, (experiments as Record<string, string>)['checkout'] ?? null];
      });
    await until('every request is logged', () => logged().length === 2 * USERS.length);
    for (const protocol of ['HTTP/1.1', 'HTTP/2']) {
      const groups = logged().flatMap(([spoken, group]) => (spoken === protocol ? [group] : []));
      assert.deepEqual(groups.map(String).toSorted(), GROUPS.map(String).toSorted(), protocol);
    }
  });

  it('is told of on every attempt', async (t) => {
    const { port, attempts } = await upstreamOf(t);
    const gateway = await gatewayOf(t, port);
    assert.equal(await overHttp1(gateway, '/again', { 'x-user-id': 'user-1' }), 'b');
    assert.deepEqual(attempts, ['b', 'b']);
  });
});
