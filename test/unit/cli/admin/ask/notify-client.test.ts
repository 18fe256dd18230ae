/** Questions about alerts, when the answer is not what it should be. */

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type TestContext, test } from 'node:test';
import { fetchAlerts, sendNotify } from '#src/cli/admin/ask/notify-client.ts';
import { listenLoopback } from '../../../../support/plane.ts';

async function answering(t: TestContext, status: number, body: string) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    response.writeHead(status).end(body);
  });
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${await listenLoopback(server)}`, asked };
}

test('a path names the channel, and the token goes along', { timeout: 120_000 }, async (t) => {
  const { url, asked } = await answering(t, 200, '{"retried": {"letters": 1}}');
  await sendNotify(url, { name: 'retry', channel: null, token: undefined });
  await sendNotify(url, { name: 'test', channel: 'a/b', token: 'T' });
  assert.deepEqual(asked, ['POST /api/v1/alerts/retry', 'POST /api/v1/alerts/a%2Fb/test Bearer T']);
});

test('what is refused says why, and no answer is none', { timeout: 120_000 }, async (t) => {
  const detailed = await answering(t, 502, '{"detail": "status 500"}');
  const refused = { status: 502, refused: 'status 500' };
  assert.deepEqual(await sendNotify(detailed.url, { name: 'test', channel: 'a', token: 'T' }), refused);
  const bare = await answering(t, 500, '{}');
  const said = await sendNotify(bare.url, { name: 'test', channel: 'a', token: 'T' });
  assert.deepEqual(said, { status: 500, refused: '/api/v1/alerts/a/test answered 500' });
  await assert.rejects(fetchAlerts(bare.url), /answered 500/);
  const none = await answering(t, 200, '{"alerts": null}');
  assert.equal(await fetchAlerts(none.url), null);
});
