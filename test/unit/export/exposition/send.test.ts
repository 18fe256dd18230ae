import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Page, sendPage } from '#src/export/exposition/send.ts';

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

interface Sent {
  readonly response: IncomingMessage;
  /** What `sendPage` resolved or rejected with. */
  readonly result: Promise<unknown>;
}

/** Has one page sent over a real socket. */
async function sent(
  t: TestContext,
  page: Partial<Page>,
  method = 'GET',
  prepare?: (response: ServerResponse) => void,
): Promise<Sent> {
  const { promise: result, resolve } = Promise.withResolvers<unknown>();
  const server = createServer((_, response) => {
    prepare?.(response);
    const whole: Page = { contentType: CONTENT_TYPE, isGzip: false, pieces: piecesOf(1).pieces, ...page };
    sendPage(response, whole).then(resolve, resolve);
  });
  t.after(() => server.close());
  t.after(() => server.closeAllConnections());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asking = request({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', method, agent: false });
  asking.end();
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  return { response, result };
}

const PIECE = Buffer.from(`${'sluice_example{name="x"} 1\n'.repeat(2500)}`);

/** Pieces, with how many were made and whether their maker was ended. */
function piecesOf(count: number, failsAt = -1) {
  const seen = { made: 0, isEnded: false };
  async function* make(): AsyncGenerator<Buffer> {
    try {
      for (let n = 0; n < count; n++) {
        if (n === failsAt) throw new Error('no more');
        seen.made += 1;
        yield PIECE;
      }
    } finally {
      seen.isEnded = true;
    }
  }
  return { seen, pieces: make() };
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>));
}

suite('send', () => {
  test('a page is sent as it is, with what a scraper has to know', async (t) => {
    const { response, result } = await sent(t, { pieces: piecesOf(3).pieces });
    assert.deepEqual(await bodyOf(response), Buffer.concat([PIECE, PIECE, PIECE]));
    assert.equal(response.headers['content-type'], CONTENT_TYPE);
    assert.equal(response.headers['vary'], 'accept, accept-encoding');
    assert.equal(response.headers['content-encoding'], undefined);
    assert.equal(await result, true);
  });

  test('gzip is the same page, packed', async (t) => {
    const { response, result } = await sent(t, { pieces: piecesOf(3).pieces, isGzip: true });
    const body = await bodyOf(response);
    assert.equal(response.headers['content-encoding'], 'gzip');
    assert.ok(body.length < PIECE.length / 10, `${body.length} bytes`);
    assert.deepEqual(gunzipSync(body), Buffer.concat([PIECE, PIECE, PIECE]));
    assert.equal(await result, true);
  });

  test('HEAD has the head, and nothing is made', async (t) => {
    const { seen, pieces } = piecesOf(3);
    const { response, result } = await sent(t, { pieces }, 'HEAD');
    assert.equal((await bodyOf(response)).length, 0);
    assert.equal(response.headers['content-type'], CONTENT_TYPE);
    assert.deepEqual([await result, seen.made], [true, 0]);
  });

  for (const isGzip of [false, true]) {
    const how = isGzip ? 'packed' : 'plain';
    test(`a scraper that goes away ends the rendering, ${how}`, async (t) => {
      const { seen, pieces } = piecesOf(1e9);
      const { response, result } = await sent(t, { pieces, isGzip });
      await once(response, 'data');
      response.destroy();
      assert.equal(await result, false);
      assert.equal(seen.isEnded, true);
    });

    test(`a scraper that reads nothing is cut when its time is over, and little was made for it, ${how}`, async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] });
      const { seen, pieces } = piecesOf(1e9);
      const { response, result } = await sent(t, { pieces, isGzip, timeoutMs: 300 });
      response.pause();
      for (let before = -1; seen.made !== before; ) {
        before = seen.made;
        for (let turns = 0; turns < 1000; turns++) await new Promise((resolve) => setImmediate(resolve));
      }
      t.mock.timers.tick(300);
      assert.equal(await result, false);
      // What sockets and gzip hold, and no more: a page of 1e9 pieces has no end.
      assert.ok(seen.isEnded && seen.made < (isGzip ? 20_000 : 1000), `${seen.made} pieces`);
      response.resume();
      await assert.rejects(bodyOf(response), /aborted/);
    });
  }

  test('a page that fails on its way is cut: no part passes for the whole', async (t) => {
    const { response, result } = await sent(t, { pieces: piecesOf(3, 2).pieces });
    await assert.rejects(bodyOf(response), /aborted/);
    assert.match(String(await result), /no more/);
  });
});
