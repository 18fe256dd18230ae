import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Stream, connect, constants, createServer, type ServerHttp2Stream } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { cut, discard, waive } from '#src/proxy/http2/ending.ts';
import { listenLoopback } from '../../../support/plane.ts';

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR } = constants;

/** A request whose body goes on, at both ends, and how often its home was told of a reset of the gateway's. */
async function scene(t: TestContext) {
  const server = createServer();
  const port = await listenLoopback(server);
  const session = connect(`http://127.0.0.1:${port}`);
  t.after(() => {
    session.destroy();
    server.close();
  });
  const client: ClientHttp2Stream = session.request({ ':method': 'POST' });
  client.on('error', () => undefined);
  client.write('begun');
  const [stream] = (await once(server, 'stream')) as [ServerHttp2Stream];
  stream.on('error', () => undefined);
  const told = { resets: 0 };
  return { client, stream, told, home: { ownReset: () => void told.resets++ } };
}

const closed = (stream: ClientHttp2Stream | ServerHttp2Stream): Promise<void> =>
  new Promise((resolve) => stream.on('close', () => resolve()));

describe('a stream', () => {
  it('that is cut is reset with INTERNAL_ERROR, once', async (t) => {
    const { client, stream, told, home } = await scene(t);
    stream.respond({ ':status': 200 });
    stream.write('half');
    cut(stream, home);
    cut(stream, home);
    await closed(client);
    assert.deepEqual([client.rstCode, told.resets], [NGHTTP2_INTERNAL_ERROR, 1]);
  });

  it('whose rest is waived ends its answer and is reset without an error, once', async (t) => {
    const { client, stream, told, home } = await scene(t);
    let body = '';
    client.on('data', (bytes: Buffer) => {
      body += bytes.toString();
    });
    stream.respond({ ':status': 200 });
    stream.end('whole');
    waive(stream, home);
    waive(stream, home);
    discard(stream);
    await Promise.all([closed(client), closed(stream)]);
    assert.deepEqual([client.rstCode, body, told.resets], [NGHTTP2_NO_ERROR, 'whole', 1]);
  });

  it('that its client has closed is not reset, and closes although nobody read', async (t) => {
    const { client, stream, told, home } = await scene(t);
    // Somebody would read, and does not.
    stream.on('readable', () => undefined);
    const aborted = once(stream, 'aborted');
    client.close(NGHTTP2_NO_ERROR);
    await aborted;
    const over = closed(stream);
    cut(stream, home);
    await over;
    assert.equal(told.resets, 0);
  });
});
