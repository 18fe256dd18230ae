/**
 * A value of a field that ends with the byte 0xa0, as one in UTF-8 does whose last letter is `à`. Read as Latin-1 that byte is white
 * space to `trim`, which cut it off on the way into HTTP/2: of answers to clients and of requests to endpoints, heads and trailers.
 */

import assert from 'node:assert/strict';
import { type ClientHttp2Session, connect } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { fieldIn, http2EndpointOf, oneHttp2 } from '../support/http/h2-endpoint.ts';
import type { PlaneSketch } from '../support/plane.ts';
import { httpUpstreamOf, oneVersion, planeOf } from '../support/proxy/running.ts';

/** `voilà` in UTF-8, as the runtime shows its bytes. */
const VALUE = 'voil\xc3\xa0';

async function sessionTo(t: TestContext, sketch: PlaneSketch): Promise<ClientHttp2Session> {
  const plane = await planeOf(t, { ...sketch, http2: true });
  const session = connect(`http://127.0.0.1:${plane.port}`);
  t.after(() => session.destroy());
  return session;
}

/** What comes back of `x-name`, in the head and in the trailers. */
async function namesIn(session: ClientHttp2Session): Promise<unknown[]> {
  const stream = session.request({ ':method': 'POST', te: 'trailers', 'x-name': VALUE }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-name': VALUE }));
  const names: unknown[] = [];
  stream.on('response', (headers) => names.push(headers['x-name']));
  stream.on('trailers', (trailers) => names.push(trailers['x-name']));
  stream.resume();
  stream.end('body');
  await new Promise((resolve) => stream.on('close', resolve));
  return names;
}

describe('the last byte of a value is kept', () => {
  it('in answers to clients', async (t) => {
    const port = await httpUpstreamOf(t, (request, response) => {
      request.resume().on('end', () => {
        response.writeHead(200, { 'X-Name': VALUE, Trailer: 'X-Name' });
        response.write('body');
        response.addTrailers({ 'X-Name': VALUE });
        response.end();
      });
    });
    assert.deepEqual(await namesIn(await sessionTo(t, oneVersion(port))), [VALUE, VALUE]);
  });

  it('in requests to endpoints', async (t) => {
    const seen: string[] = [];
    const endpoint = await http2EndpointOf(t, (stream, raw) => {
      seen.push(fieldIn(raw, 'x-name'));
      stream.on('trailers', (_headers, _flags, trailers: readonly string[]) => seen.push(fieldIn(trailers, 'x-name')));
      stream.resume().on('end', () => stream.respond({ ':status': 200 }, { endStream: true }));
    });
    await namesIn(await sessionTo(t, oneHttp2([endpoint.port])));
    assert.deepEqual(seen, [VALUE, VALUE]);
  });
});
