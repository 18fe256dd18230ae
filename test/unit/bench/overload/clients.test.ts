import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { it, type TestContext } from 'node:test';
import { type Ask, Clients } from '../../../../bench/overload/clients.ts';
import { listenLoopback } from '../../../support/plane.ts';

const BYTES = 'GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n';

/** Clients of a server, and what they meet, in order. */
async function sceneOf(
  t: TestContext,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ clients: Clients<Ask>; send: (atMs: number) => Promise<string>; ports: Set<number> }> {
  const ports = new Set<number>();
  const server = createServer((request, response) => {
    ports.add(request.socket.remotePort as number);
    serve(request, response);
  });
  const port = await listenLoopback(server);
  const ends = new Map<Ask, (end: string) => void>();
  const clients = new Clients<Ask>(port, {
    answered: (ask, status) => ends.get(ask)?.(String(status)),
    gaveUp: (ask) => ends.get(ask)?.('gave up'),
    broke: (ask) => ends.get(ask)?.('broke'),
  });
  t.after(() => {
    clients.close();
    server.closeAllConnections();
    server.close();
  });
  const send = (atMs: number): Promise<string> => {
    const ask: Ask = { bytes: BYTES, sentAtMs: 0, isOver: false, line: null };
    const { promise, resolve } = Promise.withResolvers<string>();
    ends.set(ask, resolve);
    clients.send(ask, atMs);
    return promise;
  };
  return { clients, send, ports };
}

it('tells the status of each answer and keeps its connection', async (t) => {
  let status = 200;
  const { send, ports, clients } = await sceneOf(t, (_, response) =>
    response.writeHead(status, { 'content-length': 2 }).end('ok'),
  );
  assert.equal(await send(0), '200');
  status = 503;
  assert.equal(await send(1), '503');
  assert.equal(ports.size, 1);
  assert.equal(clients.underWay, 0);
});

it('opens another connection where the answer was its last', async (t) => {
  const { send, ports } = await sceneOf(t, (_, response) =>
    response.writeHead(200, { connection: 'close', 'content-length': 2 }).end('ok'),
  );
  assert.deepEqual([await send(0), await send(1)], ['200', '200']);
  assert.equal(ports.size, 2);
});

it('waits for the whole body', async (t) => {
  const { send } = await sceneOf(t, (_, response) => {
    response.writeHead(200, { 'content-length': 4 }).write('he');
    setImmediate(() => response.end('re'));
  });
  assert.equal(await send(0), '200');
});

it('gives up after a second, not before, and each for itself', async (t) => {
  const { send, clients } = await sceneOf(t, () => undefined);
  const [first, second] = [send(0), send(500)];
  clients.expire(999);
  assert.equal(clients.underWay, 2);
  clients.expire(1000);
  assert.equal(await first, 'gave up');
  assert.equal(clients.underWay, 1);
  clients.expire(1500);
  assert.equal(await second, 'gave up');
});

it('tells of a connection that ends instead', async (t) => {
  const { send, clients } = await sceneOf(t, (request) => request.socket.destroy());
  assert.equal(await send(0), 'broke');
  assert.equal(clients.underWay, 0);
});
