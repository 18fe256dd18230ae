/** A client that names TE in Connection, as RFC 9110 section 10.1.4 demands, gets trailers and may send some. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startWire, type Wire } from '../support/http/conformance/wire.ts';

const BODY = 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n';

describe('trailers', () => {
  let wire: Wire;
  before(async () => {
    wire = await startWire();
  });
  after(() => wire.close());

  for (const connection of ['TE', 'keep-alive, te', 'close, TE', 'TE, x-hop']) {
    it(`pass with Connection: ${connection}`, async () => {
      const request = `POST / HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\nTE: trailers\r\nTrailer: X-Sum\r\n${BODY}`;
      const { upstreamRaw, clientRaw } = await wire.run(request, {
        responses: 1,
        answer: { bytes: `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n${BODY}` },
      });
      assert.match(upstreamRaw, /\r\nConnection: TE\r\nTE: trailers\r\n/);
      for (const raw of [upstreamRaw, clientRaw]) {
        assert.match(raw, /\r\nTrailer: X-Sum\r\n/);
        assert.match(raw, /\r\n0\r\nX-Sum: 1\r\n\r\n$/);
      }
    });
  }

  it('are kept from who does not ask', async () => {
    const { upstreamRaw, clientRaw } = await wire.run(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: TE\r\nTE: gzip\r\n\r\n',
      {
        responses: 1,
        answer: { bytes: `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\n${BODY}` },
      },
    );
    assert.doesNotMatch(upstreamRaw, /\r\nTE:/i);
    assert.match(clientRaw, /\r\n0\r\n\r\n$/);
  });
});
