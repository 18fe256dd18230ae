/**
 * A web site for a browser: pages, pieces of them, forms, streams, events and WebSockets, told by its own version's name.
 *
 * Streams go on only when they are told to (`POST /go?…`), so that a page that reads the first part before it says `go`
 * shows that nothing on the way waited for the rest.
 */

import { createHash } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { WebSocketServer } from 'ws';
import { listenLoopback } from '../plane.ts';

/** Pictures on the page, more than a browser has connections to one host. */
export const PICTURES = 30;

/** Bytes of `/download`, which no two of its parts have in common. */
export const DOWNLOAD = Buffer.from(
  Uint32Array.from({ length: 1_048_576 }, (_, n) => Math.imul(n, 2_654_435_761)).buffer,
);

const PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>';
const PAGE = `<!doctype html>
<html><head><title>shop</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css"></head>
<body><script src="/script.js"></script>
${Array.from({ length: PICTURES }, (_, n) => `<img src="/picture/${n}.svg" alt="">`).join('\n')}
<form method="post" action="/form"><input name="name" value="Zoë &amp; co"><input name="count" value="2">
<button type="submit">Send</button></form></body></html>`;

/** A running site. */
export interface Site {
  readonly port: number;
  /** Method and path of every request that arrived. */
  readonly asked: readonly string[];
}

type Answer = (incoming: IncomingMessage, response: ServerResponse, url: URL, name: string) => unknown;

function fixed(type: string, text: string): Answer {
  return (_incoming, response) => response.writeHead(200, { 'Content-Type': type }).end(text);
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Answers that go on by themselves. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  '/': fixed('text/html; charset=utf-8', PAGE),
  '/style.css': fixed('text/css', 'body { color: rgb(1, 2, 3) }'),
  '/script.js': fixed('text/javascript', 'globalThis.isScripted = true;'),
  '/who': (_incoming, response, _url, name) => response.end(name),
  '/form': async (incoming, response) => {
    const type = incoming.headers['content-type'];
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>sent</title><pre>${type}\n${String(await bodyOf(incoming))}</pre>`);
  },
  '/upload': async (incoming, response) => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const part of incoming) {
      hash.update(part as Buffer);
      bytes += (part as Buffer).length;
    }
    response.end(JSON.stringify({ bytes, sha256: hash.digest('hex') }));
  },
  '/download': (_incoming, response) => response.writeHead(200, { 'Content-Length': DOWNLOAD.length }).end(DOWNLOAD),
  '/api': async (incoming, response) => {
    const { method, headers } = incoming;
    response.setHeader('X-Served', 'yes');
    response.end(JSON.stringify({ method, note: headers['x-note'], text: String(await bodyOf(incoming)) }));
  },
};

function stream(signals: EventEmitter, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/plain' });
  response.write('one');
  signals.once('go 1', () => response.write('two'));
  signals.once('go 2', () => response.end('three'));
}

/** Two events, then the end; who comes back with the id of the last one gets a third. */
function events(signals: EventEmitter, incoming: IncomingMessage, response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  const lastId = incoming.headers['last-event-id'];
  if (lastId !== undefined) {
    response.write(`id: 3\ndata: after ${String(lastId)}\n\n`);
    return;
  }
  response.write('retry: 10\nid: 1\ndata: first\n\n');
  signals.once('go 1', () => response.end('id: 2\ndata: second\n\n'));
}

/** Starts a site that calls itself so; it ends with the test or suite. */
export async function siteOf(t: Pick<TestContext, 'after'>, name: string): Promise<Site> {
  const signals = new EventEmitter();
  const asked: string[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    const url = new URL(incoming.url ?? '/', 'http://site');
    asked.push(`${incoming.method} ${url.pathname}`);
    response.on('error', () => response.destroy());
    if (url.pathname === '/stream') return stream(signals, response);
    if (url.pathname === '/events') return events(signals, incoming, response);
    if (url.pathname === '/go') {
      signals.emit(`go ${url.searchParams.get('part')}`);
      return response.writeHead(204).end();
    }
    if (url.pathname.startsWith('/picture/')) return fixed('image/svg+xml', PICTURE)(incoming, response, url, name);
    const answer = ANSWERS[url.pathname];
    if (answer === undefined) return response.writeHead(404).end();
    return answer(incoming, response, url, name);
  });
  const sockets = new WebSocketServer({ server, path: '/echo' });
  sockets.on('connection', (socket, { headers }) => {
    const via = String(headers['via']);
    socket.on('message', (data, isBinary) => {
      if ((data as Buffer).toString() === 'via') socket.send(via);
      else socket.send(data, { binary: isBinary });
    });
  });
  const port = await listenLoopback(server);
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    server.closeAllConnections();
    server.close();
  });
  return { port, asked };
}
