/** A phase that is made slow at a real upstream is the one that is named, with the endpoint where it is slow. */

import assert from 'node:assert/strict';
import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http';
import { createSecureServer } from 'node:http2';
import { after, describe, it } from 'node:test';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { TlsMaterial } from '#src/model/threads/tls.ts';
import { Breaches } from '#src/slo/budget/breach/breaches.ts';
import { EndpointTotalsReader } from '#src/slo/totals/endpoint-totals.ts';
import { Totals } from '#src/slo/totals/totals.ts';
import { authorityOf } from '../../support/http/certificates.ts';
import { endpointIdOf, listenLoopback, startPlane, type TestPlane, type VersionSketch } from '../../support/plane.ts';
import { turningClock } from '../../support/proxy/running.ts';

const SLOW_MS = 60;
const servers: { close(): unknown }[] = [];

after(() => {
  for (const server of servers) server.close();
});

async function serve(answer: (response: ServerResponse) => void): Promise<number> {
  const server: Server = createServer((incoming, response) => {
    incoming.resume();
    answer(response);
  });
  servers.push({ close: () => server.close(() => undefined) && server.closeAllConnections() });
  return listenLoopback(server);
}

const fast = (response: ServerResponse): void => void response.end('x'.repeat(1000));

async function startOn(
  ports: readonly number[],
  limits: { readonly endpointConnectionsMax?: number } = {},
  { tls, ...way }: Pick<VersionSketch, 'protocol'> & { readonly tls?: TlsMaterial } = {},
) {
  const secured = tls && { tls: { key: 'k', serverName: 'a.example' } };
  const version = { name: 'v1', ports, weight: 1, balancer: 'roundRobin' as const, ...way, ...secured };
  const routes = [{ name: 'shop', versions: [version], retry: { retriesMax: 0 } }];
  const plane = await startPlane({ routes, limits, ...(tls && { tls }) });
  servers.push(plane);
  return { plane, explain: watchOf(plane, ports) };
}

/** What the watch says of the plane's only route, since it began. */
function watchOf(plane: TestPlane, ports: readonly number[]): () => string {
  const region = { id: 1, tallies: plane.tallies };
  const [totals, endpointTotals] = [new Totals(), new EndpointTotalsReader()];
  totals.follow([region]);
  endpointTotals.follow([region]);
  const breaches = new Breaches({
    cellOf: (cell) => totals.of(cell),
    endpointOf: (id) => ({ ...endpointTotals.of(id), ...endpointTotals.waitsOf(id) }),
  });
  const endpoints = ports.map((port) => ({ id: endpointIdOf(port), address: `127.0.0.1:${port}` }));
  breaches.follow([{ route: 'shop', versions: [{ service: 's', version: 'v1', cell: 1, endpoints }] }], 0);
  return () => breaches.explain({ scope: 'route', name: 'shop' }, 'latency', 1000);
}

/** So many requests, so many at a time; resolves when all are answered. */
async function ask(port: number, count: number, atOnce: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce });
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port, agent }, (response) => {
        response.resume();
        response.on('end', resolve);
      });
      sent.on('error', reject);
      sent.end();
    });
  await Promise.all(Array.from({ length: count }, one));
  agent.destroy();
}

describe('a slow phase is named', () => {
  it('the first byte, at the endpoint that is slow', async (t) => {
    const clock = turningClock(t);
    const slow = await serve((response) => void clock.passed(SLOW_MS).then(() => fast(response)));
    const ports = [await serve(fast), slow];
    const { plane, explain } = await startOn(ports);
    await ask(plane.port, 40, 4);
    assert.match(
      explain(),
      new RegExp(
        `^\\d+ % of the added time is waiting for the first byte, \\d+ % of it at endpoint 127.0.0.1:${slow}$`,
      ),
    );
  });

  it('the body', async (t) => {
    const clock = turningClock(t);
    const port = await serve((response) => {
      response.write('begin');
      void clock.passed(SLOW_MS).then(() => response.end('end'));
    });
    const { plane, explain } = await startOn([port]);
    await ask(plane.port, 20, 4);
    assert.match(explain(), /^\d+ % of the added time is the body$/);
  });

  for (const way of [{}, { protocol: 'h2' }] as const) {
    it(`the TLS handshake, of ${'protocol' in way ? 'one connection for all' : 'a connection each'}`, async (t) => {
      const clock = turningClock(t);
      const authority = authorityOf(t);
      const { pem } = authority.issue('a', { names: 'DNS:a.example' });
      const SNICallback = (_name: string, answer: (error: null, context: SecureContext) => void): void =>
        void clock.passed(SLOW_MS).then(() => answer(null, createSecureContext(pem)));
      const server = createSecureServer({ ...pem, SNICallback, allowHTTP1: true }, (incoming, response) => {
        if (incoming.httpVersionMajor === 1) response.setHeader('connection', 'close');
        response.end('x');
      });
      servers.push(server);
      const material = { ca: authority.pem, cert: null, key: null, minVersion: 'TLSv1.2', isInsecure: false } as const;
      const tls = { doors: ['plain'] as const, upstreams: new Map([['k', material]]) };
      const { plane, explain } = await startOn([await listenLoopback(server)], {}, { ...way, tls });
      await ask(plane.port, 20, 20);
      assert.match(explain(), /^\d+ % of the added time is the TLS handshake$/);
    });
  }

  it('the queue, where one connection must do for all', async (t) => {
    const clock = turningClock(t);
    const port = await serve((response) => void clock.passed(10).then(() => fast(response)));
    const { plane, explain } = await startOn([port], { endpointConnectionsMax: 1 });
    await ask(plane.port, 30, 30);
    assert.match(explain(), /^\d+ % of the added time is waiting for a connection to be free$/);
  });
});
