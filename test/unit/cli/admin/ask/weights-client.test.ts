import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { fetchWeights, sendWeights } from '#src/cli/admin/ask/weights-client.ts';
import { listenLoopback } from '../../../../support/plane.ts';

async function serve(context: TestContext, answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  const port = await listenLoopback(server);
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${port}`;
}

test('weights are asked for by an encoded name, and a refusal is text', { timeout: 120_000 }, async (context) => {
  const paths: string[] = [];
  const url = await serve(context, (request, response) => {
    paths.push(request.url ?? '');
    response.statusCode = 404;
    response.end(paths.length === 1 ? '{"detail": "no such route"}' : '{}');
  });
  assert.deepEqual(await fetchWeights(url, 'a b'), { refused: 'no such route' });
  assert.deepEqual(await fetchWeights(url, 'x'), { refused: 'the weights of x: status 404' });
  assert.equal(paths[0], '/api/v1/routes/a%20b/weights');
});

test('weights are sent with what was seen, and whatever answers is told', { timeout: 120_000 }, async (context) => {
  const seen: IncomingMessage['headers'][] = [];
  const url = await serve(context, (request, response) => {
    seen.push(request.headers);
    response.statusCode = seen.length === 1 ? 200 : 503;
    response.end(seen.length === 1 ? '{"written": {"document": "d", "revision": "8"}}' : '{"outcome": "unavailable"}');
  });
  const asked = { route: 'x', weights: { v1: 1 }, reason: '', revision: '7', token: 'the-token' };
  assert.deepEqual(await sendWeights(url, asked), { written: { document: 'd', revision: '8' } });
  assert.deepEqual([seen[0]?.['if-match'], seen[0]?.authorization], ['"7"', 'Bearer the-token']);
  const refused = { status: 503, refused: 'the weights of x: status 503', outcome: 'unavailable' };
  assert.deepEqual(await sendWeights(url, { ...asked, token: undefined }), refused);
  assert.equal(seen[1]?.authorization, undefined);
});

test('a server that sends elsewhere is not followed', { timeout: 120_000 }, async (context) => {
  const url = await serve(context, (_, response) => response.writeHead(307, { location: 'http://127.0.0.1:1/' }).end());
  await assert.rejects(fetchWeights(url, 'x'));
});
