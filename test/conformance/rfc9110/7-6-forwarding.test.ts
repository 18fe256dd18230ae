/** Header rules of forwarding (RFC 9110 section 7.6, RFC 7239, W3C Trace Context) and bodies that stream both ways. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PlaneSketch, readCell, startPlane, type TestPlane } from '../../support/plane.ts';
import { answering, type RawUpstream, rawClient, rawUpstream, sendAndClose, statusesOf } from '../../support/raw.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Sends one request through a fresh plane and returns the head the upstream saw. */
async function headSeen(request: string, sketch: Partial<PlaneSketch> = {}): Promise<string> {
  const upstream = await answering(OK);
  const plane = await startPlane({
    routes: [{ versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }] }],
    ...sketch,
  });
  try {
    assert.deepEqual(statusesOf(await sendAndClose(plane.port, request)), [200]);
    return upstream.received[0] as string;
  } finally {
    plane.close();
    await upstream.close();
  }
}

async function withUpstream(upstream: RawUpstream, run: (plane: TestPlane) => Promise<void>): Promise<void> {
  const plane = await startPlane({ routes: [{ versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }] }] });
  try {
    await run(plane);
  } finally {
    plane.close();
    await upstream.close();
  }
}

describe('a forwarded request', () => {
  it('keeps end-to-end fields byte for byte and loses hop-by-hop ones', async () => {
    const head = await headSeen(
      'GET /a?b HTTP/1.1\r\nHost: shop.example\r\nX-One: 1\r\nx-one:  2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n' +
        'Keep-Alive: 5\r\nTE: deflate\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nProxy-Connection: close\r\nProxy-Authorization: secret\r\nX-Two: 3\r\n\r\n',
    );
    const lines = head.split('\r\n');
    assert.deepEqual(lines.slice(0, 5), [
      'GET /a?b HTTP/1.1',
      'Host: shop.example',
      'X-One: 1',
      'x-one:  2',
      'X-Two: 3',
    ]);
    assert.doesNotMatch(head, /x-hop|keep-alive|^te:|upgrade|settings|proxy-/im);
    assert.match(head, /\r\nVia: 1\.1 sluice\r\n/);
  });

  it('says who asked, whatever an untrusted client claims', async () => {
    const head = await headSeen(
      'GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 6.6.6.6\r\n' +
        'Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\n\r\n',
    );
    assert.doesNotMatch(head, /6\.6\.6\.6|evil|https/);
    assert.match(
      head,
      /\r\nX-Forwarded-For: 127\.0\.0\.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: shop\.example\r\n/,
    );
  });

  it('keeps a trusted proxy’s claims and appends its address', async () => {
    const head = await headSeen(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop\r\n\r\n',
      { trustedProxies: ['127.0.0.0/8'] },
    );
    assert.match(head, /\r\nX-Forwarded-For: 203\.0\.113\.9, 127\.0\.0\.1\r\n/);
    assert.match(head, /\r\nX-Forwarded-Proto: https\r\n/);
    assert.equal(head.match(/x-forwarded-host/gi)?.length, 1);
  });

  it('loses whatever else an untrusted client says in the name of a proxy', async () => {
    const head = await headSeen(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Forwarded-User: root\r\nx-client-cert: y\r\nTrue-Client-IP: 6.6.6.6\r\n' +
        'X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX-Clientele: 1\r\n\r\n',
    );
    assert.doesNotMatch(head, /root|cert|6\.6\.6\.6|admin/);
    assert.match(head, /X-Clientele: 1/);
  });

  it('has one forward less to go when it is an OPTIONS with Max-Forwards', async () => {
    const head = await headSeen('OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nMax-Forwards: 3\r\n\r\n');
    assert.match(head, /\r\nMax-Forwards: 2\r\n/);
    assert.equal(head.match(/max-forwards/gi)?.length, 1);
  });

  it('carries a safe request id and a valid traceparent on, and replaces others', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const kept = await headSeen(
      `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: abc-1\r\ntraceparent: ${trace}\r\n\r\n`,
    );
    assert.match(kept, /\r\nX-Request-Id: abc-1\r\n/);
    assert.ok(kept.includes(`traceparent: ${trace}\r\n`));
    assert.equal(kept.match(/traceparent/g)?.length, 1);
    for (const bad of ['00-0-0-01', '00-00000000000000000000000000000000-b7ad6b7169203331-01', `${trace}-extra`]) {
      const replaced = await headSeen(
        `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Request-Id: a b\r\ntraceparent: ${bad}\r\n\r\n`,
      );
      assert.match(replaced, /\r\nX-Request-Id: [0-9a-f]{32}\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n/);
      assert.equal(replaced.includes(bad), false);
    }
  });

  it('carries a color from anyone only where the configuration says so', async () => {
    const request = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Release-Stage: canary\r\n\r\n';
    assert.match(await headSeen(request), /X-Release-Stage: canary/);
    const color = { header: 'x-release-stage', acceptFrom: 'trustedProxies' } as const;
    assert.doesNotMatch(await headSeen(request, { color }), /release-stage/i);
  });
});

describe('a request body', () => {
  it('is re-framed, what arrived together as one chunk, without extensions and trailers', async () => {
    const upstream = await rawUpstream((socket, received) => {
      if (received.endsWith('0\r\n\r\n')) socket.write(OK);
    });
    await withUpstream(upstream, async (plane) => {
      const received = await sendAndClose(
        plane.port,
        'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nT: u\r\n\r\n',
      );
      assert.deepEqual(statusesOf(received), [200]);
      assert.match(upstream.received[0] as string, /\r\n\r\nb\r\nhello world\r\n0\r\n\r\n$/);
    });
  });

  it('that stays behind its early answer closes the connection instead of becoming a request', async () => {
    const upstream = await rawUpstream((socket, received) => {
      if (received.includes('\r\n\r\n')) socket.write(OK);
    });
    await withUpstream(upstream, async (plane) => {
      const client = rawClient(plane.port);
      client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n');
      await client.until((text) => text.endsWith('ok'));
      client.send('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
      const received = await client.closed();
      assert.deepEqual(statusesOf(received), [200]);
      assert.match(received, /Connection: close/);
      assert.doesNotMatch(upstream.received.join(''), /smuggled/);
    });
  });

  it('waits for 100 Continue when the client does', async () => {
    const upstream = await rawUpstream((socket, received) => {
      if (received.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
      else if (received.endsWith('hello')) socket.write(OK);
    });
    await withUpstream(upstream, async (plane) => {
      const client = rawClient(plane.port);
      client.send(
        'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n',
      );
      await client.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n');
      client.send('hello');
      assert.deepEqual(statusesOf(await client.closed()), [200]);
      assert.match(upstream.received[0] as string, /Expect: 100-continue/);
    });
  });
});

describe('a client that goes away', () => {
  it('cancels its upstream request at once and counts against nobody', async () => {
    const upstream = await rawUpstream(() => undefined);
    await withUpstream(upstream, async (plane) => {
      const client = rawClient(plane.port);
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await new Promise<void>((resolve) => {
        const poll = setInterval(() => {
          if (upstream.received[0]?.endsWith('\r\n\r\n') !== true) return;
          clearInterval(poll);
          resolve();
        }, 5);
      });
      const gone = new Promise<void>((resolve) => upstream.sockets[0]?.once('close', () => resolve()));
      client.socket.destroy();
      await gone;
      assert.deepEqual(readCell(plane, 1), { inFlight: 0, finished: 0, bad: 0, ignored: 1, slow: 0 });
      assert.deepEqual(readCell(plane, 0), { inFlight: 0, finished: 0, bad: 0, ignored: 1, slow: 0 });
    });
  });
});
