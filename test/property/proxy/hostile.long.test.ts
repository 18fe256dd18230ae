/** Hostile streams through a running plane: the upstream sees no request that the gateway did not, the client no broken response. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { Random } from '#src/lib/random.ts';
import { mutate } from '../../support/http/fuzz/mutate.ts';
import { opinionOf } from '../../support/http/llhttp.ts';
import { listenLoopback } from '../../support/plane.ts';
import { closedSocket, getOf, oneVersion, upstreamOf } from '../../support/proxy/running.ts';
import { type Watched, watchedPlane } from '../../support/proxy/watched.ts';
import { rawClient } from '../../support/raw.ts';

const RUNS = process.env['SLUICE_TEST_DEPTH'] === 'full' ? 600 : 80;
const CORPUS = join(import.meta.dirname, '../../fuzz/corpus');
/** Short, because most hostile streams end in a wait for more. */
const PATIENCE = { headMs: 100, idleMs: 100, bodyIdleMs: 100, firstByteMs: 100, upstreamIdleMs: 60_000 };

function corpus(path: string): string[] {
  return JSON.parse(readFileSync(join(CORPUS, `${path}.json`), 'utf8')) as string[];
}

/** Requests with bodies, some of which contain a request. */
const REQUESTS = [
  ...corpus('request-head/accepted'),
  ...corpus('body/accepted').map((body) => `POST /b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`),
  'POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 46\r\n\r\nGET /inside HTTP/1.1\r\nHost: a\r\nX: 1234567890\r\n\r\n',
];
const RESPONSES = [
  ...corpus('response-head/accepted'),
  ...corpus('response-head/refused'),
  ...corpus('body/accepted').map((body) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`),
];

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 });

/** Errors of a strict upstream that are no fault of the gateway: a method it does not know, a connection cut in a body. */
const HARMLESS = new Set(['HPE_INVALID_METHOD', 'HPE_INVALID_EOF_STATE', 'ECONNRESET', 'EPIPE']);

interface Upstream {
  readonly port: number;
  readonly seen: string[];
  readonly errors: string[];
}

/** A strict upstream: node's own server, which notes what it was asked and what it could not read. */
async function strictUpstream(t: TestContext): Promise<Upstream> {
  const seen: string[] = [];
  const errors: string[] = [];
  const server = createServer({ keepAliveTimeout: 0 }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    request.resume();
    request.on('end', () => response.end('ok'));
    request.on('error', () => response.destroy());
  });
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    errors.push(error.code ?? error.message);
    socket.destroy();
  });
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port, seen, errors };
}

/** Sends a stream in pieces and resolves with what came back when the connection is closed by the gateway. */
async function said(plane: Watched, stream: string, random: Random): Promise<string> {
  const client = rawClient(plane.port);
  const bytes = Buffer.from(stream, 'latin1');
  for (let from = 0; from < bytes.length; ) {
    const to = from + 1 + (random.nextUint32() % Math.max(1, bytes.length));
    client.send(bytes.subarray(from, to));
    from = to;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closedSocket(client.socket);
  return client.received();
}

/** Fails when `part` has anything more often than `whole`. */
function assertWithin(part: readonly string[], whole: readonly string[]): void {
  const left = [...whole];
  for (const one of part) {
    const at = left.indexOf(one);
    assert.ok(at >= 0, `the upstream saw ${JSON.stringify(one)}, the gateway only ${JSON.stringify(whole)}`);
    left.splice(at, 1);
  }
}

describe('hostile clients', () => {
  it('make the upstream see no request but those that the gateway decided about', async (t) => {
    const upstream = await strictUpstream(t);
    const plane = await watchedPlane(t, { ...oneVersion(upstream.port), timeouts: PATIENCE });
    await fc.assert(
      fc.asyncProperty(fc.array(seed, { minLength: 8, maxLength: 8 }), async (seeds) => {
        upstream.seen.length = 0;
        plane.forget();
        const streams = seeds.map((one) => {
          const random = new Random(one);
          const parts = Array.from({ length: 1 + (random.nextUint32() % 3) }, () => mutate(REQUESTS, random));
          return said(plane, parts.join(''), random);
        });
        for (const received of await Promise.all(streams))
          assert.equal(opinionOf('response', latin1(received)).error, '', received);
        await plane.settled();
        assert.deepEqual(plane.faults(), []);
        assertWithin(upstream.seen, plane.begun());
        assert.deepEqual(
          upstream.errors.filter((code) => !HARMLESS.has(code)),
          [],
        );
      }),
      { numRuns: Math.ceil(RUNS / 8), endOnFailure: true },
    );
  });
});

describe('hostile upstreams', () => {
  it('make the client see nothing but whole responses, or a cut connection', async (t) => {
    const random = new Random(1);
    const upstream = await upstreamOf(t, (socket, received) => {
      if (!received.endsWith('\r\n\r\n')) return;
      const text = mutate(RESPONSES, random);
      const cut = random.nextUint32() % (text.length + 1);
      socket.write(latin1(text.slice(0, cut)), () => {
        setImmediate(() => {
          if (!socket.writable) return;
          if (random.nextUint32() % 2 === 0) socket.end(latin1(text.slice(cut)));
          else socket.write(latin1(text.slice(cut)));
        });
      });
    });
    const plane = await watchedPlane(t, { ...oneVersion(upstream.port), timeouts: PATIENCE });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('GET', 'HEAD'), { minLength: 8, maxLength: 8 }), async (methods) => {
        plane.forget();
        const received = await Promise.all(
          methods.map((method) => said(plane, getOf('/', 'Connection: close\r\n').replace('GET', method), random)),
        );
        received.forEach((text, n) => {
          const opinion = opinionOf('response', latin1(text), methods[n] === 'HEAD');
          assert.equal(opinion.error, '', `${methods[n]}: ${JSON.stringify(text)}`);
        });
        await plane.settled();
        assert.deepEqual(plane.faults(), []);
      }),
      { numRuns: Math.ceil(RUNS / 8), endOnFailure: true },
    );
  });
});

function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
