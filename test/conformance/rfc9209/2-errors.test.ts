/** RFC 9209, Proxy-Status: every answer of the gateway's own names its error by a registered token, relayed ones do not. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { REASONS } from '#src/model/reason.ts';
import { blackholeOf } from '../../support/http/blackhole.ts';
import { type PlaneSketch, startPlane } from '../../support/plane.ts';
import {
  answeringOf,
  clientOf,
  eventually,
  getOf,
  oneVersion,
  planeOf,
  refusedPortOf,
  upstreamOf,
} from '../../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../../support/raw.ts';

/** Error types of section 2.3. */
const REGISTERED = new Set(
  `dns_timeout dns_error destination_not_found destination_unavailable destination_ip_prohibited
  destination_ip_unroutable connection_refused connection_terminated connection_timeout connection_read_timeout
  connection_write_timeout connection_limit_reached tls_protocol_error tls_certificate_error tls_alert_received
  http_request_error http_request_denied http_response_incomplete http_response_header_section_size
  http_response_header_size http_response_body_size http_response_trailer_section_size http_response_trailer_size
  http_response_transfer_coding http_response_content_coding http_response_timeout http_upgrade_failed
  http_protocol_error proxy_internal_response proxy_internal_error proxy_configuration_error proxy_loop_detected`.split(
    /\s+/,
  ),
);

const CLOSE = 'Connection: close\r\n';

async function answerOf(t: TestContext, sketch: PlaneSketch, request = getOf('/', CLOSE)): Promise<string> {
  return sendAndClose((await planeOf(t, sketch)).port, request);
}

function assertError(received: string, status: number, token: string): void {
  assert.deepEqual(statusesOf(received), [status]);
  const values = [...received.matchAll(/\r\nProxy-Status: ([^\r]*)/gi)].map((match) => match[1] as string);
  assert.equal(values.length, 1);
  // An sf-item: a token, then parameters; nothing of the inside.
  assert.match(values[0] as string, new RegExp(`^[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_\`|~-]*; error=${token}(?:;.*)?$`));
}

it('2.3: every reason that the gateway answers for has a registered error type', () => {
  for (const { name, status, proxyError } of REASONS) {
    if (proxyError !== '') assert.ok(REGISTERED.has(proxyError), `${name}: ${proxyError}`);
    // What is below went through as it came.
    if (status >= 400) assert.notEqual(proxyError, '', name);
  }
});

describe('2.1.1: an answer of the gateway’s own says why', () => {
  it('a malformed request', async (t) => {
    assertError(await answerOf(t, oneVersion(1), 'GET / HTTP/1.1\r\n\r\n'), 400, 'http_request_error');
  });

  it('no route', async (t) => {
    const matches = [{ path: { type: 'Exact', value: '/x' } as const, method: null, headers: [], query: [] }];
    const versions = [{ name: 'v1', ports: [1], weight: 1 }];
    assertError(await answerOf(t, { routes: [{ matches, versions }] }), 404, 'destination_not_found');
  });

  it('no endpoint', async (t) => {
    assertError(await answerOf(t, oneVersion()), 503, 'destination_unavailable');
  });

  it('a refused connection', async (t) => {
    assertError(await answerOf(t, oneVersion(await refusedPortOf(t))), 502, 'connection_refused');
  });

  it('a connection that does not open', async (t) => {
    const port = await blackholeOf(t);
    assertError(await answerOf(t, { ...oneVersion(port), timeouts: { connectMs: 60 } }), 504, 'connection_timeout');
  });

  for (const [name, status, token, answer, timeouts] of [
    ['a reset', 502, 'connection_terminated', 'reset', {}],
    ['an invalid response', 502, 'http_protocol_error', 'HELLO\r\n\r\n', {}],
    ['silence', 504, 'http_response_timeout', '', { firstByteMs: 60 }],
  ] as const) {
    it(name, async (t) => {
      const upstream = await upstreamOf(t, (socket) => {
        if (answer === 'reset') socket.resetAndDestroy();
        else socket.write(answer);
      });
      assertError(await answerOf(t, { ...oneVersion(upstream.port), timeouts }), status, token);
    });
  }

  it('too many waiting', async (t) => {
    const silent = await upstreamOf(t, () => undefined);
    const limits = { endpointConnectionsMax: 1, endpointPendingMax: 0 };
    const plane = await planeOf(t, { ...oneVersion(silent.port), limits });
    clientOf(t, plane).send(getOf('/first'));
    await eventually(() => silent.received.length > 0, 'the first has the only connection');
    const second = clientOf(t, plane);
    second.send(getOf('/second', CLOSE));
    assertError(await second.closed(), 503, 'connection_limit_reached');
  });
});

it('2: a relayed response has the Proxy-Status of its upstream and none of ours', async (t) => {
  const theirs = 'Proxy-Status: inner; error=dns_error\r\n';
  const upstream = await answeringOf(t, `HTTP/1.1 502 Bad Gateway\r\n${theirs}Content-Length: 0\r\n\r\n`);
  const plane = await startPlane(oneVersion(upstream.port));
  t.after(() => plane.close());
  const received = await sendAndClose(plane.port, getOf('/', CLOSE));
  assert.deepEqual(received.match(/proxy-status: .*\r\n/gi), [theirs]);
});
