/**
 * A client of HTTP/2 that is slow to take an answer of the gateway's own, and goes on with its request meanwhile: what nobody
 * wants any more was kept until that answer had left, and of a request with an idempotency key without end.
 */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { StaticFallback } from '#src/model/threads/answers/fallback.ts';
import { HELD_BYTES_MAX, type IdempotencyLink } from '#src/proxy/forward/retry/idempotency/link.ts';
import { Http2Connection } from '#src/proxy/http2/connection.ts';
import type { Http2Stream } from '#src/proxy/http2/session/stream.ts';
import { brokeredOf } from '../support/http/brokered.ts';
import { SORRY } from '../support/http/fallen.ts';
import {
  ACK,
  data,
  END_HEADERS,
  type Fields,
  frame,
  headers,
  isAnswered,
  PING,
  type RawHttp2,
  rawHttp2,
  request,
  resetOf,
  TYPE,
  word,
} from '../support/http/http2.ts';
import { oneVersion, planeOf, refusedPortOf } from '../support/proxy/running.ts';

/** More than a client takes unasked. */
const LONG: StaticFallback = { ...SORRY, body: 's'.repeat(300_000) };
const COUNT = 2000;

interface Scene {
  readonly client: RawHttp2;
  readonly stream: Http2Stream;
  readonly link: IdempotencyLink;
}

/** Requests from which what a connection has is to be seen. */
function seenIn(t: TestContext): { readonly connection: Http2Connection; readonly stream: Http2Stream }[] {
  const seen: { connection: Http2Connection; stream: Http2Stream }[] = [];
  const begins = Reflect.get(Http2Connection.prototype, 'begins');
  t.mock.method(
    Http2Connection.prototype,
    'begins',
    function (this: Http2Connection, ...args: Parameters<Http2Connection['begins']>) {
      seen.push({ connection: this, stream: args[0] });
      begins.apply(this, args);
    },
  );
  return seen;
}

/** A request whose answer has begun, as far as its client takes it, and `COUNT` bytes more of it that came one by one. */
async function pouredOf(t: TestContext, port: number, fields: Fields, full: boolean): Promise<Scene> {
  const seen = seenIn(t);
  const client = rawHttp2(t, port);
  client.send(headers(1, request('POST', '/first')));
  await client.until((frames) => frames.some(({ type, id }) => type === TYPE.headers && id === 1));
  const link = (seen[0] as (typeof seen)[number]).connection.lane.idempotency;
  if (full) link.held.claim(HELD_BYTES_MAX);
  client.send(headers(3, request('POST', '/', fields), END_HEADERS), data(3, 'x', 0));
  await client.until((frames) => frames.some(({ type, id }) => type === TYPE.headers && id === 3));
  if (full) link.held.giveBack(HELD_BYTES_MAX);
  client.send(Buffer.concat(Array.from({ length: COUNT }, () => data(3, 'x', 0))), PING);
  await client.until((frames) => frames.some(({ type, flags }) => type === TYPE.ping && flags === ACK));
  return { client, link, stream: (seen[1] as (typeof seen)[number]).stream };
}

/** The answer comes whole, and the rest of the request is waived. */
async function assertTaken({ client }: Scene): Promise<void> {
  client.send(frame(TYPE.window, 0, 0, word(1_000_000)), frame(TYPE.window, 0, 3, word(1_000_000)));
  await client.until((frames) => resetOf(frames, 3) !== null);
  assert.ok(isAnswered(client.frames, 3));
  assert.equal(resetOf(client.frames, 3), 0);
}

describe('while an answer of the gateway’s is on its way', () => {
  it('nothing of the request is kept', async (t) => {
    const { routes } = oneVersion(await refusedPortOf(t));
    const plane = await planeOf(t, { routes: routes.map((route) => ({ ...route, fallback: [LONG] })), http2: true });
    const scene = await pouredOf(t, plane.port, [], false);
    assert.equal(scene.stream.keptBytes, 0);
    await assertTaken(scene);
  });

  it('nothing more is gathered of one with an idempotency key', async (t) => {
    const more = { fallback: [LONG], sketch: { http2: true } };
    const plane = await brokeredOf(t, await refusedPortOf(t), {}, more);
    const scene = await pouredOf(t, plane.port, [['idempotency-key', 'k']], true);
    assert.deepEqual([scene.stream.keptBytes, scene.link.held.bytes], [0, 0]);
    await assertTaken(scene);
  });
});
