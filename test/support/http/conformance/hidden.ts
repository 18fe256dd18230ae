/**
 * Requests over HTTP/2 that hide another one in themselves, and what the HTTP/1.1 server behind the gateway makes of them.
 *
 * The server is `node:http`, which has its own opinion of where a request ends, and there is one connection to it at most: whatever
 * was hidden comes before the next client's request, or is taken for it.
 */

import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { httpUpstreamOf, oneVersion, planeOf } from '../../proxy/running.ts';
import { headers, isAnswered, rawHttp2, request, resetOf } from '../http2.ts';

/** What attackers have the server take for a request. */
export const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
/** Where they send it. */
export const VICTIM = '/victim';

/** Frames of stream 1, to be refused. */
export interface Attack {
  readonly name: string;
  readonly frames: readonly Buffer[];
}

/** A request as the server has understood it. */
interface Seen {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  body: string;
  isWhole: boolean;
}

/** What the server makes of these frames and of the next client's request, in the order in which they came. */
export async function seenOf(t: TestContext, frames: readonly Buffer[]): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  const port = await httpUpstreamOf(t, (incoming, response) => {
    const one: Seen = { path: incoming.url ?? '', headers: incoming.headers, body: '', isWhole: false };
    seen.push(one);
    incoming.on('error', () => undefined);
    incoming.on('data', (chunk: Buffer) => (one.body += chunk.toString('latin1')));
    incoming.on('end', () => {
      one.isWhole = true;
      response.end('ok');
    });
  });
  const { port: proxy } = await planeOf(t, { ...oneVersion(port), limits: { endpointConnectionsMax: 1 }, http2: true });
  const client = rawHttp2(t, proxy);
  client.send(...frames);
  const isOver = (): boolean => resetOf(client.frames, 1) !== null || isAnswered(client.frames, 1);
  // The connection may have been ended for it.
  await client.until(isOver).catch(() => client.closed());
  const next = rawHttp2(t, proxy);
  next.send(headers(1, request('GET', '/next')));
  await next.until((got) => isAnswered(got, 1));
  return seen;
}

/** Each is refused: the server gets no whole request but the next client's, and nothing that was hidden. */
export function describeAttacks(title: string, attacks: readonly Attack[]): void {
  describe(title, () => {
    for (const { name, frames } of attacks) {
      it(name, async (t) => {
        const seen = await seenOf(t, frames);
        const whole = seen.filter(({ isWhole }) => isWhole).map(({ path }) => path);
        assert.deepEqual(whole, ['/next']);
        for (const { path, headers: fields } of seen) {
          assert.ok(path === VICTIM || path === '/next', path);
          assert.deepEqual([fields['x-hidden'], fields.host], [undefined, 'a']);
        }
      });
    }
  });
}
