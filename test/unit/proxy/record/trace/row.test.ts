import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { queryOf } from '#src/proxy/record/trace/row.ts';
import { answeringOf, getOf, oneVersion } from '../../../../support/proxy/running.ts';
import { sendAndClose } from '../../../../support/raw.ts';
import { tracedPlane } from '../../../../support/readings/traces/traced.ts';

const CLOSE = 'Connection: close\r\n';

test('of a query the names stay and the values go, unless the configuration wants it otherwise', () => {
  assert.equal(queryOf('/a', 'redact'), null);
  assert.equal(queryOf('/a?b=c&d=&e', 'redact'), 'b=REDACTED&d=REDACTED&REDACTED');
  assert.equal(queryOf('/a?', 'redact'), '');
  assert.equal(queryOf('/a?b=c=d', 'redact'), 'b=REDACTED');
  assert.equal(queryOf('/a?b=c', 'keep'), 'b=c');
  assert.equal(queryOf('/a?b=c', 'omit'), null);
});

test('long texts are cut', () => {
  assert.equal(queryOf(`/a?${'b'.repeat(2000)}`, 'keep')?.length, 1024);
});

describe('a row', () => {
  it('says what was asked, by whom, and what came of it', async (t) => {
    const upstream = await answeringOf(t);
    const matches = [{ path: { type: 'PathPrefix', value: '/cart' }, method: null, headers: [], query: [] }] as const;
    const { plane, spans } = await tracedPlane(t, {
      routes: [{ ...oneVersion(upstream.port).routes[0]!, name: 'cart', matches }],
    });
    await sendAndClose(plane.port, `GET /cart/7?user=me HTTP/1.1\r\nHost: Shop.example:8080\r\n${CLOSE}\r\n`);
    const [own] = await spans();
    const { 'sluice.request_id': requestId, ...attributes } = own!.attributes;
    assert.equal(requestId, own!.traceId);
    assert.deepEqual(attributes, {
      'http.request.method': 'GET',
      'url.scheme': 'http',
      'url.path': '/cart/7',
      'url.query': 'user=REDACTED',
      'server.address': 'shop.example',
      'client.address': '127.0.0.1',
      'network.protocol.name': 'http',
      'network.protocol.version': '1.1',
      'http.route': '/cart',
      'http.response.status_code': 200,
      'sluice.route': 'cart',
      'sluice.service': 'service',
      'sluice.version': 'v1',
      'sluice.attempts': 1,
      'sluice.kept_by': 'ratio',
    });
  });

  it('of a failure that nobody drew says the same, as far as the head that went on does', async (t) => {
    const upstream = await answeringOf(t, 'HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n');
    const { plane, spans } = await tracedPlane(t, oneVersion(upstream.port), { sampleRatio: 0 });
    await sendAndClose(plane.port, getOf('/', CLOSE));
    const [own, attempt] = await spans();
    assert.equal(own!.attributes['server.address'], 'a');
    assert.equal(own!.attributes['client.address'], '127.0.0.1');
    assert.equal(own!.attributes['error.type'], '500');
    assert.equal(attempt!.attributes['server.port'], upstream.port);
    assert.equal(attempt!.attributes['sluice.version'], 'v1');
  });

  it('names the color that pinned the version', async (t) => {
    const upstream = await answeringOf(t);
    const versions = [{ name: 'v1', ports: [upstream.port], weight: 1, colors: ['blue'] }];
    const { plane, spans } = await tracedPlane(t, { routes: [{ versions }] });
    await sendAndClose(plane.port, getOf('/', `X-Release-Stage: blue\r\n${CLOSE}`));
    await sendAndClose(plane.port, getOf('/', CLOSE));
    assert.equal((await spans(0))[0]!.attributes['sluice.color'], 'blue');
    assert.equal((await spans(1))[0]!.attributes['sluice.color'], undefined);
  });

  it('without a route has no attempt, and no name but the method’s', async (t) => {
    const matches = [{ path: { type: 'Exact', value: '/only' }, method: null, headers: [], query: [] }] as const;
    const { plane, spans } = await tracedPlane(t, { routes: [{ ...oneVersion(1).routes[0]!, matches }] });
    await sendAndClose(plane.port, getOf('/other', CLOSE));
    const [own, ...attempts] = await spans();
    assert.deepEqual([own!.name, own!.attributes['sluice.reason'], own!.error], ['GET', 'no_route', null]);
    assert.deepEqual(attempts, []);
  });
});
