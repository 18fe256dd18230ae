/** What an endpoint sends behind its answer, in a TLS record of its own, is nobody’s answer, however soon somebody asks next. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { CELL } from '#src/model/tallies.ts';
import { authorityOf } from '../support/http/certificates.ts';
import { listenLoopback } from '../support/plane.ts';
import { clientOf, eventually, getOf, planeOf, ROUTE_CELL } from '../support/proxy/running.ts';

/** The most that one record holds: what is written behind it is the next one. Source: RFC 8446 section 5.1. */
const RECORD_BYTES = 16_384;
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Length: ';

function answerOfOneRecord(): string {
  const rest = RECORD_BYTES - HEAD.length - '12345\r\n\r\n'.length;
  return `${HEAD}${rest}\r\n\r\n${'x'.repeat(rest)}`;
}

it('a second answer to one request reaches nobody', async (t) => {
  const authority = authorityOf(t);
  const { pem } = authority.issue('upstream', { names: 'IP:127.0.0.1' });
  const poisoned = answerOfOneRecord();
  assert.equal(poisoned.length, RECORD_BYTES);
  const asked: (() => void)[] = [];
  const server = createServer({ ...pem }, (socket: TLSSocket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      const path = bytes.toString('latin1').split(' ')[1] as string;
      if (path === '/first') asked.push(() => socket.write(`${poisoned}${HEAD}6\r\n\r\npoison`));
      else socket.write(`${HEAD}${path.length}\r\n\r\n${path}`);
    });
  });
  const port = await listenLoopback(server);
  t.after(() => server.close());
  const versions = [{ name: 'v1', ports: [port], weight: 1, tls: { key: 'k', serverName: null } }];
  const material = { ca: authority.pem, cert: null, key: null, minVersion: 'TLSv1.2', isInsecure: false } as const;
  const tls = { doors: ['plain' as const], upstreams: new Map([['k', material]]) };
  const plane = await planeOf(t, { routes: [{ versions }], tls, limits: { endpointConnectionsMax: 1 } });
  const [first, second] = [clientOf(t, plane), clientOf(t, plane)];
  // The first client's own next request, and another client's that waits for the only connection.
  first.send(getOf('/first') + getOf('/pipelined'));
  await eventually(() => asked.length === 1, 'the first is asked for');
  second.send(getOf('/second'));
  await eventually(() => plane.count(ROUTE_CELL, CELL.inFlight) === 2, 'the second waits');
  asked[0]?.();
  const [one, two] = await Promise.all([
    first.until((text) => text.includes('/pipelined')),
    second.until((text) => text.includes('/second')),
  ]);
  for (const text of [one, two]) assert.doesNotMatch(text, /poison/);
});
