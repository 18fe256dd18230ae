/**
 * What Prometheus scrapes in the bench: a page of the gateway, made for it, or the last one again, so that Prometheus and the
 * way to it do the same work whether the gateway does any or not.
 */

import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What became of the pages that the gateway made. */
export interface Pages {
  count: number;
  /** Not 200, cut, or slower than Prometheus waits. */
  failed: number;
  readonly ms: number[];
  /** Of the newest, as it went over the wire. */
  bytes: number;
}

export interface Relay {
  readonly port: number;
  readonly pages: Pages;
  /** Whether the gateway makes every page. */
  isFresh: boolean;
  close(): void;
}

/** Starts it in front of an admin server. */
export async function startRelay(adminPort: number): Promise<Relay> {
  const pages: Pages = { count: 0, failed: 0, ms: [], bytes: 0 };
  let kept: { readonly headers: IncomingMessage['headers']; readonly body: Buffer } | null = null;
  const fetchPage = (asked: IncomingMessage, response: ServerResponse): void => {
    const startedAtMs = performance.now();
    let hasFailed = false;
    const fail = (): void => {
      if (hasFailed) return;
      hasFailed = true;
      pages.failed += 1;
      response.destroy();
    };
    const { accept = '', 'accept-encoding': encoding = '' } = asked.headers;
    const headers = { accept, 'accept-encoding': String(encoding) };
    const asking = get({ port: adminPort, host: '127.0.0.1', path: '/metrics', headers, agent: false }, (page) => {
      const chunks: Buffer[] = [];
      response.writeHead(page.statusCode ?? 500, page.headers);
      page.on('data', (chunk: Buffer) => chunks.push(chunk));
      page.pipe(response);
      page.on('end', () => {
        if (page.statusCode !== 200) {
          pages.failed += 1;
          return;
        }
        kept = { headers: page.headers, body: Buffer.concat(chunks) };
        pages.count += 1;
        pages.ms.push(performance.now() - startedAtMs);
        pages.bytes = kept.body.length;
      });
      page.on('aborted', fail);
    });
    asking.on('error', fail);
    // Who asked has left: whoever makes the page must see that, as it would without a relay.
    response.on('close', () => {
      if (!response.writableFinished) asking.destroy(new Error('nobody waits for the page'));
    });
  };
  const server = createServer((asked, response) => {
    if (relay.isFresh || kept === null) fetchPage(asked, response);
    else response.writeHead(200, kept.headers).end(kept.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const relay: Relay = {
    port,
    pages,
    isFresh: true,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return relay;
}
