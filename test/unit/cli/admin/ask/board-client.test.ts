import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { fetchEvents, fetchSeconds, openStream } from '#src/cli/admin/ask/board-client.ts';
import { adminFor } from '../../../../support/readings/admin.ts';

/** A server with one answer. */
async function answering(context: TestContext, status: number, body: string): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

suite('the client of the live page', { timeout: 120_000 }, () => {
  test('a route is as slow as its slowest version; what is not known is left out', async (context) => {
    const version = (p99Ms: number | null) => ({ version: 'v', finished: 1, bad: 0, p99Ms });
    const routes = [
      { route: 'a', versions: [version(3), version(7), version(null)] },
      { route: 'b', versions: [version(null)] },
    ];
    const url = await answering(context, 200, JSON.stringify({ atMs: 1000, routes }));
    const { at, p99Ms } = await fetchSeconds(url, ['a', 'b']);
    assert.deepEqual([at, [...p99Ms]], ['1970-01-01T00:00:01.000Z', [['a', 7]]]);
  });

  test('what an admin server tells is understood: seconds, events, a stream', async (context) => {
    const url = await adminFor(context);
    assert.deepEqual([...(await fetchSeconds(url, ['checkout'])).p99Ms], []);
    assert.equal((await fetchEvents(url))[0]?.kind, 'rollback');
    const stop = new AbortController();
    const opened = await openStream(new URL('/api/v1/live', url), stop.signal);
    assert.ok('events' in opened);
    const first = await opened.events.next();
    assert.ok(first.done !== true && first.value.name === 'events');
    stop.abort();
    await assert.rejects(async () => {
      for await (const _ of opened.events) continue;
    });
  });

  test('a refusal is told, another answer or none rejects', async (context) => {
    const refusing = await answering(context, 503, '{"detail":"16 readers look already"}');
    const opened = await openStream(new URL(refusing), new AbortController().signal);
    assert.deepEqual(opened, { status: 503, refused: '16 readers look already' });
    await assert.rejects(fetchEvents(refusing), /\/api\/v1\/board answered 503/);
    await assert.rejects(openStream(new URL('http://127.0.0.1:1'), new AbortController().signal));
  });
});
