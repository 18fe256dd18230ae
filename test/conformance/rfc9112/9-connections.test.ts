/** RFC 9112 section 9, connections: persistence, pipelining in order, and closes that lose no answer and smuggle nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { describeRequests, describeResponses } from '../../support/http/conformance/cases.ts';
import { OK, startWire, type Wire } from '../../support/http/conformance/wire.ts';
import { answeringOf, eventually, oneVersion, planeOf } from '../../support/proxy/running.ts';
import { rawClient, sendAndClose, statusesOf } from '../../support/raw.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const CLOSE = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const POST = 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';

describeRequests('9.3.2: pipelined requests are answered in their order', [
  { name: 'two', bytes: GET + GET, sees: [GET, GET] },
  { name: 'with bodies between', bytes: POST + GET + POST, sees: [POST, GET, POST] },
  { name: 'forty', bytes: GET.repeat(40), sees: Array.from({ length: 40 }, () => GET) },
]);

describe('9.3: persistence', () => {
  let wire: Wire;
  before(async () => {
    wire = await startWire();
  });
  after(() => wire.close());

  /** Request, and whether the connection is closed behind its answer. */
  const rows: readonly (readonly [name: string, request: string, isClosed: boolean])[] = [
    ['HTTP/1.1', GET, false],
    ['HTTP/1.1 with keep-alive', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n', false],
    ['HTTP/1.1 with close', CLOSE, true],
    ['HTTP/1.1 with Close in a list', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n', true],
    [
      'HTTP/1.1 with close in a second field',
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n',
      true,
    ],
    ['HTTP/1.1 with both', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n', true],
    [
      'HTTP/1.1 with Proxy-Connection: close, which means nothing',
      'GET / HTTP/1.1\r\nHost: a\r\nProxy-Connection: close\r\n\r\n',
      false,
    ],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', true],
    ['HTTP/1.0 with keep-alive', 'GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n', false],
    ['HTTP/1.0 with Keep-Alive only', 'GET / HTTP/1.0\r\nHost: a\r\nKeep-Alive: 300\r\n\r\n', true],
    ['HTTP/1.0 with both', 'GET / HTTP/1.0\r\nHost: a\r\nConnection: close, keep-alive\r\n\r\n', true],
  ];
  for (const [name, request, isClosed] of rows) {
    it(`${name} ${isClosed ? 'ends' : 'goes on'}, and the answer says so`, async () => {
      const { client, clientRaw } = await wire.run(request + CLOSE, { responses: Number.POSITIVE_INFINITY });
      assert.equal(client.length, isClosed ? 1 : 2, clientRaw);
      const said = /\r\nConnection: (.*)\r\n/i.exec(client[0]?.head ?? '')?.[1];
      const kept = request.includes('HTTP/1.0') ? 'keep-alive' : undefined;
      assert.equal(said, isClosed ? 'close' : kept);
    });
  }

  it('goes on after a 404 of the gateway’s own', async (t) => {
    const matches = [{ path: { type: 'Exact', value: '/x' } as const, method: null, headers: [], query: [] }];
    const versions = [{ name: 'v1', ports: [1], weight: 1 }];
    const plane = await planeOf(t, { routes: [{ matches, versions }] });
    const received = await sendAndClose(plane.port, GET + POST + CLOSE);
    assert.deepEqual(statusesOf(received), [404, 404], 'a body that is not read is no request');
  });

  it('data behind a request that asked for close is never a request', async () => {
    const { client, upstream } = await wire.run(CLOSE + GET + GET, { responses: Number.POSITIVE_INFINITY });
    assert.deepEqual([client.length, upstream.map(({ target }) => target)], [1, ['/last']]);
  });

  it('data behind an error answer is never a request, whenever it comes', async () => {
    const client = rawClient(wire.plane.port);
    client.send('GET / HTTP/1.1\r\n\r\n');
    await client.until((text) => text.includes('Connection: close'));
    client.send(GET);
    const received = await client.closed();
    assert.deepEqual(statusesOf(received), [400]);
  });
});

describe('9.6: a connection that is closed', () => {
  let wire: Wire;
  before(async () => {
    wire = await startWire({ limits: { requestsPerConnectionMax: 3 } });
  });
  after(() => wire.close());

  it('because of its number of requests says so in the last answer', async () => {
    const { client } = await wire.run(GET.repeat(5), { responses: Number.POSITIVE_INFINITY });
    assert.equal(client.length, 3);
    assert.deepEqual(
      client.map(({ head }) => head.includes('Connection: close')),
      [false, false, true],
    );
  });

  it('with unread data behind it loses no byte of its answer', async () => {
    const client = rawClient(wire.plane.port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n${'x'.repeat(300_000)}`);
    const received = await client.closed();
    assert.deepEqual(statusesOf(received), [400]);
    assert.match(received, /"reason":"bad_request","detail":"[^"]+"\}\n$/);
  });

  it('reads on for a bounded while only', async () => {
    const client = rawClient(wire.plane.port);
    client.send('GET / HTTP/1.1\r\n\r\n');
    await client.until((text) => text.includes('bad_request'));
    const { socket } = client;
    for (let sent = 0; sent < 40 && !socket.destroyed; sent++) {
      socket.write(Buffer.alloc(65_536));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => wire.plane.plane.listener.connections === 0, 'it is gone');
  });
});

const LENGTH = 'Content-Length: 2\r\n';

describeResponses('9.3: an upstream that closes its connection does not close the client’s', [
  {
    name: 'with Connection: close',
    answer: `HTTP/1.1 200 OK\r\n${LENGTH}Connection: close\r\n\r\nok`,
    end: 'fin',
    gets: OK,
  },
  { name: 'in HTTP/1.0', answer: `HTTP/1.0 200 OK\r\n${LENGTH}\r\nok`, end: 'fin', gets: OK },
  { name: 'without a word', answer: OK, end: 'fin', gets: OK },
  { name: 'with a reset', answer: OK, end: 'reset', gets: OK },
]);

it('9.3: bytes on an idle upstream connection end it, and answer nobody', async (t) => {
  const upstream = await answeringOf(t);
  const plane = await planeOf(t, { ...oneVersion(upstream.port), timeouts: { upstreamIdleMs: 600_000 } });
  await sendAndClose(plane.port, CLOSE);
  upstream.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil');
  await eventually(() => upstream.sockets[0]?.destroyed === true, 'the connection is gone');
  assert.match(await sendAndClose(plane.port, CLOSE), /\r\n\r\nok$/);
  assert.equal(upstream.sockets.length, 2);
});
