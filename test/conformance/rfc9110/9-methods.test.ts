/** RFC 9110 section 9, methods: forwarded as they came; HEAD has no body, OPTIONS may be ours, CONNECT and TRACE are not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { describeRequests, describeResponses, type RequestCase } from '../../support/http/conformance/cases.ts';
import { startWire } from '../../support/http/conformance/wire.ts';
import { answeringOf, oneVersion, planeOf } from '../../support/proxy/running.ts';
import { sendAndClose, statusesOf } from '../../support/raw.ts';

function plain(method: string): RequestCase {
  const bytes = `${method} /a HTTP/1.1\r\nHost: a\r\n\r\n`;
  return { name: method, bytes, sees: bytes };
}

describeRequests('9.1: a method is forwarded', [
  ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY', 'PROPFIND', 'MKCOL', 'REPORT', 'PURGE'].map(plain),
]);

it('9.1: a method that nobody has heard of is forwarded too, in its own case', async (t) => {
  const upstream = await answeringOf(t);
  const plane = await planeOf(t, oneVersion(upstream.port));
  const received = await sendAndClose(plane.port, 'bReW /pot HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.deepEqual(statusesOf(received), [200]);
  assert.match(upstream.received[0] as string, /^bReW \/pot HTTP\/1\.1\r\nHost: a\r\n/);
});

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n';
const BODYLESS = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

describeResponses('9.3.2: an answer to HEAD', [
  { name: 'keeps its length and has no body', method: 'HEAD', answer: HEAD, gets: HEAD },
  {
    name: 'may have no framing',
    method: 'HEAD',
    answer: 'HTTP/1.1 200 OK\r\n\r\n',
    gets: 'HTTP/1.1 200 OK\r\n\r\n',
  },
  {
    name: 'may be chunked, which says nothing',
    method: 'HEAD',
    answer: BODYLESS,
    gets: 'HTTP/1.1 200 OK\r\n\r\n',
  },
  {
    name: 'with a body is refused, or ends its connection',
    method: 'HEAD',
    answer: `${HEAD}abc`,
    gets: 'refused',
    orGets: HEAD,
  },
  {
    name: 'with another response behind it is refused, or ends its connection',
    method: 'HEAD',
    answer: `${HEAD}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
    gets: 'refused',
    orGets: HEAD,
  },
]);

const ALLOW = /\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n/;

describe('9.3.7: OPTIONS', () => {
  for (const [name, request] of [
    ['*', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'],
    ['with no forwards left', 'OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n'],
    ['with no forwards left, written with zeros', 'OPTIONS /x HTTP/1.1\r\nHost: a\r\nMax-Forwards: 000\r\n\r\n'],
  ] as const) {
    it(`${name} is answered by the gateway, with what it allows`, async () => {
      const wire = await startWire();
      const { client, upstreamRaw } = await wire.run(request, { responses: 1 });
      assert.equal(client[0]?.status, 204);
      assert.match(client[0].head, ALLOW);
      assert.doesNotMatch(client[0].head, /content-length|transfer-encoding/i);
      assert.equal(upstreamRaw, '');
      await wire.close();
    });
  }
});

describe('9.3.6, 9.3.8: CONNECT and TRACE', () => {
  for (const line of ['CONNECT a:443', 'TRACE /']) {
    it(`${line} is a 405 that says what is allowed`, async () => {
      const wire = await startWire();
      const { client } = await wire.run(`${line} HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n`, {
        responses: Number.POSITIVE_INFINITY,
      });
      assert.equal(client[0]?.status, 405);
      assert.match(client[0].head, ALLOW);
      assert.doesNotMatch(client[0].raw, /secret/);
      await wire.close();
    });
  }
});
