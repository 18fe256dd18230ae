/**
 * Sends a page as it is rendered: the next piece is made when the one before was packed, or the scraper has read enough.
 *
 * A scraper that goes away, or takes longer than `SEND_MS_MAX`, ends the rendering. A failure in the middle of a page cuts the
 * connection, so that nobody takes a part for the whole.
 */

import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { createGzip } from 'node:zlib';

/** Prometheus waits for ten seconds unless told otherwise; a place must not be held for ever. */
export const SEND_MS_MAX = 60_000;
/** Fast: a scraper nearby asks every few seconds. A page shrinks to about a fifteenth all the same. */
const GZIP_LEVEL = 1;

/** A page on its way. */
export interface Page {
  readonly contentType: string;
  readonly isGzip: boolean;
  readonly pieces: AsyncIterable<Buffer>;
  readonly timeoutMs?: number;
}

/** Sends it; resolves with whether all was handed over, and rejects with what the rendering throws: the connection is cut then. */
export async function sendPage(response: ServerResponse, page: Page): Promise<boolean> {
  response.writeHead(200, {
    'content-type': page.contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    vary: 'accept, accept-encoding',
    ...(page.isGzip ? { 'content-encoding': 'gzip' } : {}),
  });
  if (response.req.method === 'HEAD') {
    response.end();
    return true;
  }
  const timer = setTimeout(() => response.destroy(), page.timeoutMs ?? SEND_MS_MAX);
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  response.once('close', () => gone.abort());
  // 'close' follows.
  response.on('error', () => response.destroy());
  try {
    return await (page.isGzip
      ? sendGzip(response, page.pieces, gone.signal)
      : write(response, page.pieces, gone.signal));
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function sendGzip(response: ServerResponse, pieces: AsyncIterable<Buffer>, gone: AbortSignal): Promise<boolean> {
  const gzip = createGzip({ level: GZIP_LEVEL });
  // Nothing but memory can fail it; what it says then ends the connection.
  gzip.once('error', (error) => response.destroy(error));
  gone.addEventListener('abort', () => gzip.destroy());
  gzip.pipe(response);
  return write(gzip, pieces, gone);
}

async function write(to: Writable, pieces: AsyncIterable<Buffer>, gone: AbortSignal): Promise<boolean> {
  const outlet = new Outlet(to, gone);
  // Leaving the loop ends the rendering.
  for await (const piece of pieces) if (!(await outlet.write(piece))) return false;
  to.end();
  return !gone.aborted;
}

/** Hands pieces over one at a time: the memory of a piece is its maker's again when it was written. */
class Outlet {
  readonly #to: Writable;
  readonly #gone: AbortSignal;
  #settle: (isWritten: boolean) => void = () => undefined;

  constructor(to: Writable, gone: AbortSignal) {
    this.#to = to;
    this.#gone = gone;
    gone.addEventListener('abort', () => this.#settle(false));
  }

  /** Resolves with whether somebody has the piece. */
  write(piece: Buffer): Promise<boolean> {
    if (this.#gone.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#settle = resolve;
      // A failure destroys the response, of which the signal tells.
      this.#to.write(piece, (error) => {
        if (!error) resolve(true);
      });
    });
  }
}
