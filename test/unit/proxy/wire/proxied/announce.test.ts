/** Headers that the gateway writes: what they say is what our own parser, and others, read out of them. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { canonicalAddress } from '#src/lib/text/address.ts';
import { FOR_NOBODY } from '#src/model/threads/proxied.ts';
import { type Announced, announcement } from '#src/proxy/wire/proxied/announce.ts';
import { LINE, readHeader } from '../../../../support/http/proxied.ts';
import { type PlaneSketch, readCell, type TestPlane } from '../../../../support/plane.ts';
import {
  askedOn,
  clientOf,
  closedSocket,
  endpointWord,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  OK,
  planeOf,
  upstreamOf,
} from '../../../../support/proxy/running.ts';
import { type RawUpstream, rawClient, statusesOf } from '../../../../support/raw.ts';

const ENDS: Announced = { address: '203.0.113.9', local: '198.51.100.7', sourcePort: 40_000, port: 443 };

function readBack(ends: Announced, version: 1 | 2): unknown {
  const { proxied, rest } = readHeader(Buffer.from(`${announcement(ends, version)}x`, 'latin1'));
  assert.equal(rest.toString(), 'x');
  return proxied?.ends;
}

describe('a header for a client', () => {
  it('is a line in version 1', () => {
    assert.equal(announcement(ENDS, 1), 'PROXY TCP4 203.0.113.9 198.51.100.7 40000 443\r\n');
    const v6 = { ...ENDS, address: 'fe80::1%eth0', local: '2001:db8::2' };
    assert.equal(announcement(v6, 1), 'PROXY TCP6 fe80::1 2001:db8::2 40000 443\r\n');
  });

  it('is in IPv6 where one of the two addresses is', () => {
    const mixed = { ...ENDS, local: '2001:db8::2' };
    assert.equal(announcement(mixed, 1), 'PROXY TCP6 ::ffff:203.0.113.9 2001:db8::2 40000 443\r\n');
  });

  it('names the unspecified address where it was not asked for', () => {
    assert.equal(announcement({ ...ENDS, local: '' }, 1), 'PROXY TCP4 203.0.113.9 0.0.0.0 40000 443\r\n');
    assert.equal(announcement({ ...ENDS, address: '::1', local: '' }, 1), 'PROXY TCP6 ::1 :: 40000 443\r\n');
  });

  it('says in both versions whatever the addresses are', () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    const port = fc.integer({ min: 0, max: 65_535 });
    const anyEnds = fc.record({ address, local: address, sourcePort: port, port });
    fc.assert(
      fc.property(anyEnds, fc.constantFrom(1 as const, 2 as const), (ends, version) => {
        assert.deepEqual(readBack(ends, version), {
          source: { address: canonicalAddress(ends.address), port: ends.sourcePort },
          destination: { address: canonicalAddress(ends.local), port: ends.port },
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a header for nobody', () => {
  it('is LOCAL, or UNKNOWN where there is no word for it', () => {
    for (const version of [1, 2] as const) {
      const { proxied, rest } = readHeader(Buffer.from(FOR_NOBODY[version], 'latin1'));
      assert.deepEqual([proxied, rest.length], [{ version, ends: null }, 0]);
    }
  });
});

interface Scene {
  readonly upstream: RawUpstream;
  readonly plane: TestPlane;
  /** What each connection to the upstream began with, and how many requests it served. */
  readonly begun: () => [from: string, requests: number][];
}

/** An upstream that wants a header, and answers every request; `/held` when told to. */
async function scene(
  t: TestContext,
  version: 1 | 2,
  sketch: Partial<PlaneSketch> = {},
): Promise<Scene & { readonly answerHeld: () => void }> {
  const answered = new Map<unknown, number>();
  const held: (() => void)[] = [];
  const upstream = await upstreamOf(t, (socket, received) => {
    const { rest } = readHeader(Buffer.from(received, 'latin1'));
    const heads = rest.toString('latin1').split('\r\n\r\n').slice(0, -1);
    for (const head of heads.slice(answered.get(socket) ?? 0)) {
      if (head.startsWith('GET /held ')) held.push(() => void socket.write(OK));
      else socket.write(OK);
    }
    answered.set(socket, heads.length);
  });
  const versions = [{ name: 'v1', ports: [upstream.port], weight: 1, proxyProtocol: version }];
  const plane = await planeOf(t, { routes: [{ versions }], ...sketch });
  const begun = (): [string, number][] =>
    upstream.received.map((text) => {
      const { proxied, rest } = readHeader(Buffer.from(text, 'latin1'));
      assert.equal(proxied?.version, version);
      const { source, destination } = proxied.ends ?? {};
      assert.deepEqual(destination, { address: '127.0.0.1', port: plane.port });
      return [`${source?.address}:${source?.port}`, rest.toString('latin1').split('\r\n\r\n').length - 1];
    });
  return { upstream, plane, begun, answerHeld: () => held.splice(0).forEach((answer) => answer()) };
}

const nameOf = (client: { readonly socket: { localAddress?: string; localPort?: number } }): string =>
  `${client.socket.localAddress}:${client.socket.localPort}`;

describe('connections to an endpoint that is told who the client is', () => {
  for (const version of [1, 2] as const) {
    it(`begin with it, once, and serve that client alone: version ${version}`, async (t) => {
      const { plane, begun } = await scene(t, version);
      const [first, second] = [clientOf(t, plane), clientOf(t, plane)];
      for (const client of [first, second, first, first, second]) assert.equal(await askedOn(client, GET), 200);
      assert.deepEqual(begun(), [
        [nameOf(first), 3],
        [nameOf(second), 2],
      ]);
    });
  }

  it('say who the balancer’s client is', async (t) => {
    const { upstream, plane } = await scene(t, 1, { proxyProtocol: 'required', trustedProxies: ['127.0.0.1'] });
    assert.equal(await askedOn(clientOf(t, plane), LINE + GET), 200);
    assert.match(upstream.received[0] as string, /^PROXY TCP4 203\.0\.113\.9 198\.51\.100\.7 40000 443\r\nGET /);
  });

  it('do not say what a client says of itself', async (t) => {
    const { plane, begun } = await scene(t, 2, { trustedProxies: ['127.0.0.1'] });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/', 'X-Forwarded-For: 6.6.6.6\r\n')), 200);
    assert.deepEqual(begun(), [[nameOf(client), 1]]);
  });

  it('are as many as others, and the oldest idle one makes room', async (t) => {
    const { upstream, plane, begun } = await scene(t, 1, { limits: { endpointConnectionsMax: 2 } });
    const clients = [1, 2, 3].map(() => clientOf(t, plane));
    for (const client of clients) assert.equal(await askedOn(client, GET), 200);
    await closedSocket(upstream.sockets[0] as never);
    assert.equal(endpointWord(plane, upstream.port, 'open'), 2);
    assert.equal(await askedOn(clients[1] as never, GET), 200);
    assert.deepEqual(
      begun().map(([, requests]) => requests),
      [1, 2, 1],
    );
  });

  it('are not given to another client that waits for a place', async (t) => {
    const { upstream, plane, begun, answerHeld } = await scene(t, 1, { limits: { endpointConnectionsMax: 1 } });
    const [first, second] = [clientOf(t, plane), clientOf(t, plane)];
    first.send(getOf('/held'));
    await eventually(() => upstream.received[0]?.includes('/held') === true, 'the first is under way');
    second.send(GET);
    await eventually(() => readCell(plane, FIRST_CELL).inFlight === 2, 'the second waits');
    answerHeld();
    assert.deepEqual(statusesOf(await second.until((text) => text.endsWith('ok'))), [200]);
    assert.deepEqual(begun(), [
      [nameOf(first), 1],
      [nameOf(second), 1],
    ]);
  });

  it('are made so for upgrades and for copies too', async (t) => {
    const copied = await upstreamOf(t, (socket) => void socket.write(OK));
    const { upstream, plane } = await scene(t, 1);
    plane.swap({
      routes: [
        {
          versions: [{ name: 'v1', ports: [upstream.port], weight: 1, proxyProtocol: 1 }],
          upgrade: { protocols: ['echo'], onRollback: 'keep' },
          mirror: { ports: [copied.port], ratio: 1, proxyProtocol: 1 },
        },
      ],
    });
    const client = rawClient(plane.port);
    t.after(() => client.socket.destroy());
    client.send(getOf('/', 'Connection: Upgrade\r\nUpgrade: echo\r\n'));
    await client.until((text) => text.includes('200'));
    assert.ok(upstream.received[0]?.startsWith(`PROXY TCP4 127.0.0.1 127.0.0.1 ${client.socket.localPort} `));
    assert.match(upstream.received[0] as string, /\r\nUpgrade: echo\r\n/);
    const other = clientOf(t, plane);
    assert.equal(await askedOn(other, GET), 200);
    await eventually(() => copied.received[0]?.includes('\r\n\r\n') === true, 'the copy came');
    assert.ok(
      copied.received[0]?.startsWith(`PROXY TCP4 127.0.0.1 127.0.0.1 ${other.socket.localPort} ${plane.port}\r\nGET `),
    );
  });
});
