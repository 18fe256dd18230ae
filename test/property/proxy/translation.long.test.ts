/**
 * Any message of an HTTP/2 client is the same behind the gateway, and its answer the same before it, whether the endpoint
 * speaks HTTP/1.1 or HTTP/2: method, path, fields, body, trailers, status.
 */

import assert from 'node:assert/strict';
import {
  type ClientHttp2Session,
  connect,
  createServer as createServer2,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { listenLoopback } from '../../support/plane.ts';
import { httpUpstreamOf, planeOf } from '../../support/proxy/running.ts';

const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);
const RUNS = 40;

type Pairs = readonly (readonly [name: string, value: string])[];

interface Said {
  readonly fields: Pairs;
  readonly body: readonly number[];
  readonly trailers: Pairs;
  readonly hasLength: boolean;
}

interface Message {
  readonly method: string;
  readonly path: string;
  readonly request: Said;
  readonly status: number;
  readonly answer: Said;
}

const name = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,12}$/).map((text) => `t-${text}`);
const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,30}[!-~])?)?$/);
const pairs = fc.uniqueArray(fc.tuple(name, value), { maxLength: 6, selector: ([one]) => one });
const said: fc.Arbitrary<Said> = fc.record({
  fields: pairs,
  body: fc.array(fc.integer({ min: 1, max: 40_000 }), { maxLength: 4 }),
  trailers: pairs,
  hasLength: fc.boolean(),
});
const message: fc.Arbitrary<Message> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH'),
  path: fc.stringMatching(/^\/[a-zA-Z0-9_~-]{0,20}(?:\?[!-"$-~]{0,20})?$/),
  request: said,
  status: fc.constantFrom(200, 201, 299, 400, 404, 418, 500, 599),
  answer: said,
});

/** What one side got of what the other said. */
interface Got {
  readonly fields: Pairs;
  readonly length: number;
  readonly trailers: Pairs;
}

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);
const total = ({ body }: Said): number => body.reduce((sum, size) => sum + size, 0);
const ours = (fields: NodeJS.Dict<string | string[]>): Pairs =>
  Object.entries(fields)
    .filter(([one]) => one.startsWith('t-'))
    .map(([one, text]) => [one, String(text)] as const)
    .toSorted(byName);
const wanted = (one: Said): Got => ({
  fields: one.fields.toSorted(byName),
  length: total(one),
  // A length leaves no room for them in HTTP/1.1, and what has no body has no end for them to stand behind.
  trailers: one.hasLength || one.body.length === 0 ? [] : one.trailers.toSorted(byName),
});

/** The message that is under way, and what the endpoint got of it. */
interface Scene {
  session: ClientHttp2Session;
  now: Message;
  seen: (Got & { readonly method: string; readonly path: string }) | null;
}

type Reply = (
  head: Record<string, string>,
  status: number,
) => {
  write(bytes: Buffer): void;
  end(trailers: Record<string, string>): void;
};

async function sceneOf(t: TestContext, protocol: 'http/1.1' | 'h2c'): Promise<Scene> {
  const scene = { now: null as unknown as Message, seen: null } as unknown as Scene;
  const answer = (got: NonNullable<Scene['seen']>, reply: Reply): void => {
    scene.seen = got;
    const { answer: to, status } = scene.now;
    const length = to.hasLength ? { 'content-length': String(total(to)) } : {};
    const out = reply({ ...Object.fromEntries(to.fields), ...length }, status);
    for (const size of to.body) out.write(Buffer.alloc(size, 'a'));
    out.end(to.hasLength || to.body.length === 0 ? {} : Object.fromEntries(to.trailers));
  };
  const port = protocol === 'h2c' ? await http2Of(t, answer) : await http1Of(t, answer);
  const plane = await planeOf(t, {
    http2: true,
    routes: [{ versions: [{ name: 'v1', ports: [port], weight: 1, ...(protocol === 'h2c' && { protocol }) }] }],
  });
  scene.session = connect(`http://127.0.0.1:${plane.port}`);
  t.after(() => scene.session.destroy());
  return scene;
}

type Answering = (got: NonNullable<Scene['seen']>, reply: Reply) => void;

function http1Of(t: TestContext, answer: Answering): Promise<number> {
  return httpUpstreamOf(t, (request, response) => {
    let length = 0;
    request.on('data', (bytes: Buffer) => {
      length += bytes.length;
    });
    request.on('end', () => {
      const { method = '', url = '', headers, trailers } = request;
      answer({ method, path: url, fields: ours(headers), length, trailers: ours(trailers) }, (head, status) => {
        response.writeHead(status, head);
        return {
          write: (bytes) => void response.write(bytes),
          end: (own) => {
            response.addTrailers(own);
            response.end();
          },
        };
      });
    });
  });
}

async function http2Of(t: TestContext, answer: Answering): Promise<number> {
  const server = createServer2();
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    let length = 0;
    let trailers: IncomingHttpHeaders = {};
    stream.on('error', () => undefined);
    stream.on('trailers', (got: IncomingHttpHeaders) => {
      trailers = got;
    });
    stream.on('data', (bytes: Buffer) => {
      length += bytes.length;
    });
    stream.on('end', () => {
      const { ':method': method = '', ':path': path = '' } = headers;
      answer({ method, path, fields: ours(headers), length, trailers: ours(trailers) }, (head, status) => {
        let own: Record<string, string> = {};
        stream.respond({ ':status': status, ...head }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers(own));
        return {
          write: (bytes) => void stream.write(bytes),
          end: (given) => {
            own = given;
            stream.end();
          },
        };
      });
    });
  });
  t.after(() => server.close());
  return listenLoopback(server);
}

async function exchange(scene: Scene, one: Message): Promise<Got & { readonly status: number }> {
  scene.now = one;
  scene.seen = null;
  const { method, path, request } = one;
  const length = request.hasLength ? { 'content-length': String(total(request)) } : {};
  const head = { ':method': method, ':path': path, te: 'trailers', ...Object.fromEntries(request.fields), ...length };
  const isEnd = request.body.length === 0;
  const stream = scene.session.request(head, { endStream: isEnd, waitForTrailers: !isEnd });
  stream.on('wantTrailers', () => stream.sendTrailers(request.hasLength ? {} : Object.fromEntries(request.trailers)));
  let fields: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let got = 0;
  stream.on('response', (headers) => {
    fields = headers;
  });
  stream.on('trailers', (headers: IncomingHttpHeaders) => {
    trailers = headers;
  });
  stream.on('data', (bytes: Buffer) => {
    got += bytes.length;
  });
  if (!isEnd) {
    for (const size of request.body) stream.write(Buffer.alloc(size, 'b'));
    stream.end();
  }
  await new Promise<void>((resolve, reject) => {
    stream.on('error', reject);
    stream.on('close', resolve);
  });
  return { status: Number(fields[':status']), fields: ours(fields), length: got, trailers: ours(trailers) };
}

describe('a message of an HTTP/2 client', () => {
  for (const protocol of ['http/1.1', 'h2c'] as const) {
    it(`is the same through the gateway to an endpoint that speaks ${protocol} (seed ${SEED})`, async (t) => {
      const scene = await sceneOf(t, protocol);
      await fc.assert(
        fc.asyncProperty(message, async (one) => {
          const got = await exchange(scene, one);
          const { method, path, request, status, answer } = one;
          assert.deepEqual(scene.seen, { method, path, ...wanted(request) });
          assert.deepEqual(got, { status, ...wanted(answer) });
        }),
        { seed: SEED, numRuns: RUNS },
      );
    });
  }
});
