/**
 * The process behind the node-undici contender: `node node-undici-server.ts PORT UPSTREAM_PORT`.
 *
 * node:http receives, `Pool.dispatch` forwards: header fields as flat arrays in both directions without building an
 * object of them, hop-by-hop fields removed, both bodies streamed with back-pressure, aborts passed on.
 */

import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Dispatcher, Pool } from 'undici';
import { UPSTREAM_CONNECTIONS_MAX } from './contender.ts';

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

const [port, upstreamPort] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${upstreamPort}`, {
  connections: UPSTREAM_CONNECTIONS_MAX,
  pipelining: 1,
  keepAliveTimeout: 3_600_000,
  keepAliveMaxTimeout: 3_600_000,
});

/** Copies the end-to-end fields of a flat list of names and values. */
function endToEnd(fields: readonly (string | Buffer)[], named: string | undefined): string[] {
  const dropped = named === undefined ? null : new Set(named.toLowerCase().split(/ *, */));
  const kept: string[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = String(fields[at]);
    const key = name.toLowerCase();
    if (HOP_BY_HOP.has(key) || dropped?.has(key) === true) continue;
    kept.push(name, (fields[at + 1] ?? '').toString('latin1'));
  }
  return kept;
}

/** What is sent on: the client's fields and those that every gateway here adds. */
function requestFields(request: IncomingMessage): string[] {
  const fields = endToEnd(request.rawHeaders, request.headers.connection);
  const { host = '' } = request.headers;
  fields.push('X-Forwarded-For', request.socket.remoteAddress ?? '', 'X-Forwarded-Proto', 'http');
  fields.push('X-Forwarded-Host', host, 'X-Request-Id', randomUUID());
  return fields;
}

/** Carries one answer back. */
class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#response.once('close', () => {
      if (!this.#response.writableFinished) controller.abort(new Error('the client left'));
    });
    this.#response.on('drain', () => controller.resume());
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (status < 200) return;
    const raw = controller.rawHeaders;
    if (!Array.isArray(raw)) throw new Error('undici gave no raw header fields');
    this.#response.writeHead(status, endToEnd(raw, undefined));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#response.write(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    if (this.#response.headersSent || this.#response.destroyed) {
      this.#response.destroy();
      return;
    }
    process.stderr.write(`${error.message}\n`);
    this.#response.writeHead(502).end();
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

const server = createServer((request, response) => {
  const { method = 'GET', url: path = '/' } = request;
  const body = hasBody(request) ? request : null;
  pool.dispatch({ method, path, headers: requestFields(request), body }, new Relay(response));
});
server.keepAliveTimeout = 3_600_000;
server.listen({ port, host: '127.0.0.1', backlog: 4096 });
