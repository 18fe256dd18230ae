/**
 * Somebody who is told of alerts: keeps what it is asked, and answers as a test wants.
 */

import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

/** A member of a text in JSON by its path, `alerts.0.labels.kind`; undefined where there is none. */
export function readAt(text: string, path = ''): unknown {
  let value: unknown = JSON.parse(text);
  for (const step of path === '' ? [] : path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[step] : undefined;
  }
  return value;
}

/** What came in, whole. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** It was answered with a status of 2xx. */
  readonly isTaken: boolean;
}

/** `silent`: nothing comes; `cut`: the connection ends instead of an answer. */
export type Reply =
  | { readonly status: number; readonly body?: string; readonly headers?: Readonly<Record<string, string>> }
  | 'silent'
  | 'cut';

export interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly received: readonly Received[];
  /** Answers from now on. */
  reply: Reply;
  /** Resolves when so many have come in. */
  arrived(count: number): Promise<void>;
}

/** Listens on loopback until the test is over. @param port 0: any free one */
export async function startReceiver(t: Pick<TestContext, 'after'>, reply: Reply, port = 0): Promise<Receiver> {
  const received: Received[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    void take(request).then((one) => {
      const { reply } = receiver;
      received.push({ ...one, isTaken: typeof reply === 'object' && reply.status < 300 });
      answer(reply, response);
      for (const { count, resolve } of waiting) if (received.length >= count) resolve();
    });
  });
  t.after(() => close(server));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  const receiver: Receiver = {
    port: bound,
    url: `http://127.0.0.1:${bound}`,
    received,
    reply,
    arrived: (count) =>
      new Promise((resolve) => {
        if (received.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
  return receiver;
}

async function take(request: IncomingMessage): Promise<Omit<Received, 'isTaken'>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://receiver');
  const { method = '', headers } = request;
  assert.match(headers['content-type'] ?? '', /^application\/json/);
  return { method, path, query, headers, body };
}

function answer(reply: Reply, response: ServerResponse): void {
  if (reply === 'silent') return;
  if (reply === 'cut') {
    response.destroy();
    return;
  }
  response.writeHead(reply.status, reply.headers);
  response.end(reply.body ?? '');
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
