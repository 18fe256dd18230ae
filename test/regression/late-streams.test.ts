/**
 * Streams to readers whose connection closed before they began: the answer was told of that when nobody listened, and is not told
 * again. The reader's place was taken for ever.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { describe, it, type TestContext } from 'node:test';
import { Stream } from '#src/admin/page/stream.ts';
import { Debug, type DebugActions } from '#src/admin/process/debug.ts';
import { Tapping } from '#src/admin/process/tap.ts';
import type { Answer } from '#src/admin/reply.ts';
import { NO_ACTIONS, TOKEN } from '../support/readings/admin.ts';
import { sampleView } from '../support/readings/view.ts';

/** A request, its answer, which has not begun, and what has its client leave. */
async function requestOf(t: TestContext, line: string) {
  const { promise, resolve } = Promise.withResolvers<[IncomingMessage, ServerResponse]>();
  const server = createServer((request, response) => resolve([request, response]));
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  client.write(`${line} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\n\r\n`);
  const [request, response] = await promise;
  const leave = async (): Promise<void> => {
    const closed = once(request.socket, 'close');
    client.destroy();
    await closed;
  };
  return { request, response, leave };
}

function begin(answer: Answer, response: ServerResponse): void {
  assert.ok('take' in answer, JSON.stringify(answer));
  answer.take(response);
}

describe('a reader that left before its stream began takes no place', { timeout: 60_000 }, () => {
  it('of the live page', async (t) => {
    const stream = new Stream(() => 0);
    const { response, leave } = await requestOf(t, 'GET /api/v1/live');
    await leave();
    let gone = 0;
    stream.add(response, {}, () => gone++)('board', '{}');
    stream.send('board', '{}');
    assert.deepEqual([stream.counts.clients, gone], [0, 1]);
  });

  it('among the taps', async (t) => {
    const { request, response, leave } = await requestOf(t, 'GET /api/v1/tap');
    await leave();
    let open = 0;
    const source = { open: () => ({ kind: 'open' as const, close: () => void open-- }) };
    open++;
    begin(new Tapping(source, () => 0).answer(request, '/api/v1/tap', NO_ACTIONS), response);
    assert.equal(open, 0);
  });

  it('of the one heap snapshot', async (t) => {
    const { request, response, leave } = await requestOf(t, 'POST /api/v1/debug/heap-snapshot');
    const snapshot = new Readable({ read: () => undefined });
    const debug = new Debug(sampleView(), { heapSnapshot: () => snapshot } as unknown as DebugActions);
    const answer = await debug.answer(request, 'heap-snapshot', NO_ACTIONS);
    await leave();
    begin(answer, response);
    assert.equal(snapshot.destroyed, true);
    const next = await requestOf(t, 'POST /api/v1/debug/heap-snapshot');
    assert.ok('take' in (await debug.answer(next.request, 'heap-snapshot', NO_ACTIONS)), 'the place is free');
    await next.leave();
  });
});
