/**
 * A service that tells what it received, and a gateway process in front of it, for clients that others wrote.
 */

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { startGatewayProcess } from '../gateway.ts';
import { listenLoopback } from '../plane.ts';

/** What `/echo` answers, as JSON. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  /** HTTP version that the service was spoken to in. */
  readonly version: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
  readonly bodySha1: string;
}

/** Bytes of the answers to `/big` and `/chunked`. */
export const BIG = Buffer.alloc(5 * 1_048_576, 'sluice ');

const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  '/big': (response) => response.writeHead(200, { 'Content-Length': BIG.length }).end(BIG),
  '/chunked': (response) => {
    response.writeHead(200);
    for (let at = 0; at < BIG.length; at += 100_000) response.write(BIG.subarray(at, at + 100_000));
    response.end();
  },
  '/gzip': (response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(gzipSync('zipped')),
  '/hints': (response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.end('hinted');
  },
  '/empty': (response) => response.writeHead(204).end(),
  '/unchanged': (response) => response.writeHead(304, { ETag: '"1"' }).end(),
  '/moved': (response) => response.writeHead(302, { Location: '/echo' }).end(),
  '/trailers': (response) => {
    response.writeHead(200, { Trailer: 'X-Sum' });
    response.write('body');
    response.addTrailers({ 'X-Sum': '42' });
    response.end();
  },
  '/broken': (response) => response.writeHead(500).end('broken'),
  '/cut': (response) => {
    response.writeHead(200, { 'Content-Length': 100 });
    response.write('half', () => response.destroy());
  },
};

function echo(incoming: IncomingMessage, response: ServerResponse): void {
  const hash = createHash('sha1');
  let bodyBytes = 0;
  incoming.on('data', (part: Buffer) => {
    bodyBytes += part.length;
    hash.update(part);
  });
  incoming.on('error', () => response.destroy());
  incoming.on('end', () => {
    const { method = '', url = '', httpVersion: version } = incoming;
    const headers = incoming.headers as Record<string, string>;
    const text: Echo = { method, url, version, headers, bodyBytes, bodySha1: hash.digest('hex') };
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(text));
  });
}

/** Takes an upgrade: WebSockets that echo messages, compressed if asked; of the protocol `echo`, bytes. */
function upgradesOf(server: Server): WebSocketServer {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: { threshold: 0 },
    maxPayload: 64 * 1_048_576,
  });
  sockets.on('connection', (socket, request) => {
    const code = Number(new URL(request.url ?? '/', 'http://echo').searchParams.get('close'));
    if (code > 0) socket.close(code, 'as asked');
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.on('upgrade', (request, socket: Duplex, head) => {
    if (request.headers.upgrade === 'websocket') {
      sockets.handleUpgrade(request, socket, head, (open) => sockets.emit('connection', open, request));
      return;
    }
    socket.on('error', () => socket.destroy());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  return sockets;
}

export interface EchoGateway {
  /** `http://127.0.0.1:port` of the gateway. */
  readonly url: string;
  readonly port: number;
  /** Connections that the service has seen. */
  readonly connections: () => number;
  /** The service's side of its WebSockets. */
  readonly sockets: WebSocketServer;
}

/** Starts both; they end with the test or suite. */
export async function echoGateway(t: Pick<TestContext, 'after'>): Promise<EchoGateway> {
  let connections = 0;
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    const answer = ANSWERS[(incoming.url ?? '').split('?')[0] as string];
    if (answer === undefined) {
      echo(incoming, response);
      return;
    }
    incoming.resume();
    answer(response);
  });
  server.on('connection', () => connections++);
  const sockets = upgradesOf(server);
  const port = await listenLoopback(server);
  const gateway = await startGatewayProcess(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
services:
  echo:
    versions:
      v1: {endpoints: ["127.0.0.1:${port}"]}
routes:
  - name: echo
    upgrade: {protocols: [websocket, echo]}
    backendRefs: [{name: echo}]
`);
  t.after(async () => {
    await gateway.end();
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const { proxyUrl: url } = gateway;
  return { url, port: Number(new URL(url).port), connections: () => connections, sockets };
}
