/** Upstream responses (RFC 9112 sections 4, 6, 7): an ambiguous one becomes a 502, a truncated one never looks complete. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { readCell, startPlane, type TestPlane } from '../support/plane.ts';
import { type RawUpstream, rawClient, rawUpstream, sendAndClose, statusesOf } from '../support/raw.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const VERSION_CELL = 1;

interface Setup {
  readonly upstream: RawUpstream;
  readonly plane: TestPlane;
  end(): Promise<void>;
}

/** An upstream that answers its first request with `response`, cut into two writes at `cut`, and then maybe closes. */
async function setup(response: string, options: { cut?: number; close?: boolean } = {}): Promise<Setup> {
  const bytes = Buffer.from(response, 'latin1');
  const upstream = await rawUpstream((socket, received) => {
    if (!received.endsWith('\r\n\r\n')) return;
    const cut = options.cut ?? bytes.length;
    socket.write(bytes.subarray(0, cut), () => {
      setImmediate(() => {
        socket.write(bytes.subarray(cut));
        if (options.close === true) socket.end();
      });
    });
  });
  const plane = await startPlane({ routes: [{ versions: [{ name: 'v1', ports: [upstream.port], weight: 1 }] }] });
  return {
    upstream,
    plane,
    end: async () => {
      plane.close();
      await upstream.close();
    },
  };
}

describe('an upstream response is refused with 502 and its connection is not used again', () => {
  const refused: readonly (readonly [string, string])[] = [
    [
      'Content-Length and Transfer-Encoding',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['two Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na'],
    ['a Content-Length list', 'HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\na'],
    ['a negative Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na'],
    ['an unknown transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
    ['obs-fold', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n'],
    ['a bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n'],
    ['a NUL in a value', 'HTTP/1.1 200 OK\r\nA: \0\r\nContent-Length: 0\r\n\r\n'],
    ['junk in the status line', 'HTTP/1.1 OK 200\r\nContent-Length: 0\r\n\r\n'],
    ['status 99', 'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n'],
    ['status 600', 'HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n'],
    ['a four-digit status', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['more body than announced', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab'],
    ['a body on 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 1\r\n\r\na'],
    ['bytes after 204', 'HTTP/1.1 204 No Content\r\n\r\nabc'],
    ['a 101 nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    [
      'eleven interim responses',
      `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(11)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`,
    ],
    ['Connection naming Content-Length', 'HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 1\r\n\r\na'],
    ['a head of 33 KiB', `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(33 * 1024)}\r\n\r\n`],
  ];
  for (const [name, response] of refused) {
    it(`for ${name}`, async () => {
      const s = await setup(response);
      try {
        const received = await sendAndClose(s.plane.port, GET);
        assert.deepEqual(statusesOf(received), [502], received);
        assert.match(received, /Proxy-Status: sluice; error=http_protocol_error/);
        assert.equal(s.plane.count(VERSION_CELL, CELL.reasons + REASON.upstreamProtocol), 1);
        assert.equal(readCell(s.plane, VERSION_CELL).bad, 1);
        assert.equal(readCell(s.plane, VERSION_CELL).inFlight, 0);
      } finally {
        await s.end();
      }
    });
  }
});

describe('an upstream response that ends early', () => {
  it('before its head is complete is a 502', async () => {
    const s = await setup('HTTP/1.1 200 OK\r\nContent-Le', { close: true });
    try {
      assert.deepEqual(statusesOf(await sendAndClose(s.plane.port, GET)), [502]);
      assert.equal(s.plane.count(VERSION_CELL, CELL.reasons + REASON.upstreamReset), 1);
    } finally {
      await s.end();
    }
  });

  const truncated: readonly (readonly [string, string])[] = [
    ['its Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc'],
    ['its last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n'],
  ];
  for (const [name, response] of truncated) {
    it(`at ${name} cuts the client's connection without an end`, async () => {
      const s = await setup(response, { close: true, cut: response.length - 4 });
      try {
        const client = rawClient(s.plane.port);
        client.send(GET);
        const received = await client.closed();
        assert.match(received, /^HTTP\/1\.1 200 OK\r\n/);
        assert.doesNotMatch(received, /\r\n0\r\n\r\n$/);
        assert.equal(readCell(s.plane, VERSION_CELL).bad, 1);
      } finally {
        await s.end();
      }
    });
  }
});

describe('an upstream response is relayed', () => {
  const relayed: readonly (readonly [string, string, string, string])[] = [
    ['with a Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc', GET, '\r\n\r\nabc'],
    [
      'chunked, without extensions and trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n',
      GET,
      '',
    ],
    ['until close, as chunks', 'HTTP/1.1 200 OK\r\n\r\nabc', GET, '3\r\nabc\r\n0\r\n\r\n'],
    ['until close to HTTP/1.0, until close', 'HTTP/1.1 200 OK\r\n\r\nabc', 'GET / HTTP/1.0\r\n\r\n', '\r\n\r\nabc'],
    [
      'chunked to HTTP/1.0, until close',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      'GET / HTTP/1.0\r\n\r\n',
      '\r\n\r\nabc',
    ],
    [
      'to HEAD, with its length and no body',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n',
      GET.replace('GET', 'HEAD'),
      '\r\n\r\n',
    ],
    ['with 204', 'HTTP/1.1 204 No Content\r\n\r\n', GET, '\r\n\r\n'],
    ['with 304 and a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n', GET, '\r\n\r\n'],
  ];
  for (const [name, response, request, end] of relayed) {
    it(`${name}, wherever it is cut`, async () => {
      const close = !response.includes('Content-Length') && !response.includes('chunked');
      for (const cut of [undefined, 1, 12, response.length - 6, response.length - 1]) {
        const s = await setup(response, { close, ...(cut === undefined ? {} : { cut }) });
        try {
          const received = await sendAndClose(s.plane.port, request);
          assert.equal(received.endsWith(end), true, `cut ${cut}: ${received}`);
          assert.equal(readCell(s.plane, VERSION_CELL).bad, 0);
          if (name.startsWith('chunked, ')) assert.equal(dechunk(received), 'abcde');
        } finally {
          await s.end();
        }
      }
    });
  }

  it('with interim responses in front', async () => {
    const s = await setup(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    );
    try {
      const received = await sendAndClose(s.plane.port, GET);
      assert.match(received, /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    } finally {
      await s.end();
    }
  });

  it('without hop-by-hop fields and those that Connection names, duplicates kept', async () => {
    const s = await setup(
      'HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nKeep-Alive: timeout=5\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nset-cookie: b\r\nProxy-Authenticate: x\r\nContent-Length: 0\r\n\r\n',
    );
    try {
      const received = await sendAndClose(s.plane.port, GET);
      assert.equal(
        received.replace(/^Date: .{29}\r\n/m, ''),
        'HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 0\r\nConnection: close\r\nVia: 1.1 sluice\r\n\r\n',
      );
    } finally {
      await s.end();
    }
  });
});

function dechunk(received: string): string {
  const body = received.slice(received.indexOf('\r\n\r\n') + 4);
  return [...body.matchAll(/([0-9a-f]+)\r\n/g)].length === 0
    ? body
    : body.replace(/(?:^|\r\n)[0-9a-f]+\r\n/g, '').replace(/\r\n$/, '');
}
