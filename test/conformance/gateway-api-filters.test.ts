/** Gateway API's filters on the wire, and what clients try with them: open redirects, forged origins, loops, two readings. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteMatch } from '#src/model/config.ts';
import { CELL } from '#src/model/tallies.ts';
import {
  ANY_PATH,
  type PlaneSketch,
  type RouteSketch,
  readCell,
  startPlane,
  type TestPlane,
} from '../support/plane.ts';
import { answering, rawClient, sendAndClose, statusesOf } from '../support/raw.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nAccess-Control-Allow-Origin: *\r\nX-Powered-By: x\r\n\r\nok';

interface Ground {
  readonly plane: TestPlane;
  /** Heads that the upstream saw. */
  readonly heads: () => string[];
  /** The whole answer to one request that closes. */
  readonly ask: (line: string, fields?: string) => Promise<string>;
}

/** Runs with an upstream behind every route that has no versions of its own. */
async function withRoutes(
  routes: readonly (Omit<RouteSketch, 'versions'> & Partial<RouteSketch>)[],
  run: (ground: Ground) => Promise<void>,
  options: Partial<PlaneSketch> = {},
): Promise<void> {
  const upstream = await answering(OK);
  const versions = [{ name: 'v1', ports: [upstream.port], weight: 1 }];
  const plane = await startPlane({ routes: routes.map((route) => ({ versions, ...route })), ...options });
  try {
    await run({
      plane,
      heads: () =>
        upstream.received
          .join('')
          .split('\r\n\r\n')
          .filter((head) => head !== ''),
      ask: (line, fields = '') =>
        sendAndClose(plane.port, `${line} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n${fields}\r\n`),
    });
  } finally {
    plane.close();
    await upstream.close();
  }
}

function below(value: string): RouteMatch[] {
  return [{ ...ANY_PATH, path: { type: 'PathPrefix', value } }];
}

describe('RequestRedirect', () => {
  const redirect = { scheme: 'https', hostname: null, path: null, port: null, status: 301 } as const;

  it('answers without an upstream, counts as good, and keeps the connection', async () => {
    await withRoutes([{ versions: [], filters: { redirect } }], async ({ plane, heads }) => {
      const client = rawClient(plane.port);
      client.send('GET /a?b HTTP/1.1\r\nHost: shop.test\r\n\r\n'.repeat(2));
      const received = await client.until((text) => statusesOf(text).length === 2 && text.endsWith('\r\n\r\n'));
      client.socket.destroy();
      assert.match(
        received,
        /^HTTP\/1\.1 301 Moved Permanently\r\nLocation: https:\/\/shop\.test\/a\?b\r\nContent-Length: 0\r\n/,
      );
      assert.match(received, /\r\nDate: \w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT\r\n/);
      assert.deepEqual(heads(), []);
      assert.deepEqual(readCell(plane, 0), { inFlight: 0, finished: 2, bad: 0, ignored: 0, slow: 0 });
      assert.equal(plane.count(0, CELL.statusClass + 3), 2);
    });
  });

  it('of a request with a body closes: what follows is never read as a request', async () => {
    await withRoutes([{ versions: [], filters: { redirect } }], async ({ plane, heads }) => {
      const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: shop.test\r\n\r\n';
      const received = await sendAndClose(
        plane.port,
        `POST / HTTP/1.1\r\nHost: shop.test\r\nContent-Length: ${smuggled.length + 5}\r\n\r\n${smuggled}`,
      );
      assert.deepEqual(statusesOf(received), [301]);
      assert.match(received, /\r\nConnection: close\r\n/);
      assert.deepEqual(heads(), []);
    });
  });

  it('leads nowhere that a client wants', async () => {
    await withRoutes([{ versions: [], filters: { redirect } }], async ({ ask, plane }) => {
      for (const target of [
        '//evil.test',
        '//evil.test/..',
        '/@evil.test',
        '/%0d%0aSet-Cookie:x',
        '/x?\\\\evil.test',
      ]) {
        const received = await ask(`GET ${target}`);
        const location = /^Location: (.*)$/m.exec(received)?.[1] ?? '';
        assert.equal(new URL(location).hostname, 'shop.test', target);
        assert.doesNotMatch(received, /^Set-Cookie/m);
      }
      assert.deepEqual(statusesOf(await ask('GET /\\evil.test')), [400]);
      const port = await sendAndClose(
        plane.port,
        'GET / HTTP/1.1\r\nHost: shop.test:1234\r\nConnection: close\r\n\r\n',
      );
      assert.match(port, /\r\nLocation: https:\/\/shop\.test\/\r\n/);
    });
  });
});

describe('URLRewrite', () => {
  it('changes path and host for the upstream only', async () => {
    const rewrite = { hostname: 'inner.test', path: { type: 'ReplacePrefixMatch', value: '/v2/' } } as const;
    await withRoutes([{ matches: below('/api'), filters: { rewrite } }], async ({ ask, heads }) => {
      assert.deepEqual(statusesOf(await ask('GET /api/users?x=1')), [200]);
      const [head = ''] = heads();
      assert.ok(head.startsWith('GET /v2/users?x=1 HTTP/1.1\r\nHost: inner.test\r\n'), head);
      assert.match(head, /\r\nX-Forwarded-Host: shop\.test(?:\r\n|$)/);
    });
  });
});

describe('header modifiers', () => {
  it('change requests and responses, whatever their spelling', async () => {
    const requestHeaders = { set: [{ name: 'X-Tenant', value: 'ours' }], add: [], remove: ['cookie'] };
    const responseHeaders = { set: [], add: [{ name: 'X-Frame-Options', value: 'DENY' }], remove: ['X-Powered-By'] };
    await withRoutes([{ filters: { requestHeaders, responseHeaders } }], async ({ ask, heads }) => {
      const received = await ask('GET /', 'x-tenant: theirs\r\nX_TENANT: theirs\r\nCookie: a=b\r\n');
      assert.deepEqual(heads()[0]?.match(/^(?:x.tenant|cookie):.*$/gim), ['X-Tenant: ours']);
      assert.match(received, /\r\nX-Frame-Options: DENY\r\n/);
      assert.doesNotMatch(received, /powered/i);
    });
  });
});

describe('CORS', () => {
  const cors = {
    allowOrigins: ['https://*.shop.test'],
    allowMethods: ['PUT'],
    allowHeaders: ['x-a'],
    exposeHeaders: ['x-b'],
    allowCredentials: true,
    maxAgeS: 60,
  };
  const preflight = (origin: string): string => `Origin: ${origin}\r\nAccess-Control-Request-Method: PUT\r\n`;

  it('answers preflights itself, though the route takes another method', async () => {
    const matches = [{ ...ANY_PATH, method: 'PUT' }];
    await withRoutes([{ matches, filters: { cors } }, {}], async ({ ask, heads }) => {
      const received = await ask('OPTIONS /a', preflight('https://www.shop.test'));
      assert.match(
        received,
        /^HTTP\/1\.1 204 No Content\r\nAccess-Control-Allow-Origin: https:\/\/www\.shop\.test\r\n/,
      );
      assert.match(received, /\r\nAccess-Control-Allow-Methods: PUT\r\nAccess-Control-Allow-Headers: x-a\r\n/);
      assert.deepEqual(heads(), []);
      await ask('OPTIONS /a');
      assert.equal(heads().length, 1);
    });
  });

  it('says in responses who may read them, instead of the upstream and in errors too', async () => {
    await withRoutes(
      [
        { filters: { cors } },
        { matches: below('/gone'), versions: [{ name: 'v', ports: [], weight: 1 }], filters: { cors } },
      ],
      async ({ ask }) => {
        const allowed = await ask('GET /', 'Origin: https://www.shop.test\r\n');
        assert.deepEqual(allowed.match(/^(?:access-control-.*|vary):.*$/gim), [
          'Access-Control-Allow-Origin: https://www.shop.test',
          'Access-Control-Allow-Credentials: true',
          'Access-Control-Expose-Headers: x-b',
          'Vary: Origin',
        ]);
        const failed = await ask('GET /gone', 'Origin: https://www.shop.test\r\n');
        assert.match(failed, /^HTTP\/1\.1 503 [^]*\r\nAccess-Control-Allow-Origin: https:\/\/www\.shop\.test\r\n/);
        for (const origin of [
          'https://evilshop.test',
          'https://shop.test.evil.test',
          'null',
          'https://www.shop.test:1',
        ]) {
          const received = await ask('GET /', `Origin: ${origin}\r\n`);
          assert.deepEqual(received.match(/^(?:access-control-.*|vary):.*$/gim), ['Vary: Origin'], origin);
        }
      },
    );
  });
});

describe('a loop', () => {
  it('of a gateway into itself ends, with a reason of its own', async () => {
    const plane = await startPlane({ routes: [{ versions: [{ name: 'v1', ports: [1], weight: 1 }] }] });
    plane.swap({ routes: [{ versions: [{ name: 'v1', ports: [plane.port], weight: 1 }] }] });
    try {
      const received = await sendAndClose(plane.port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      assert.match(received, /^HTTP\/1\.1 508 Loop Detected\r\n/);
      assert.match(received, /\r\nProxy-Status: sluice; error=proxy_loop_detected\r\n/);
      assert.equal(plane.count(0, CELL.finished), 8);
    } finally {
      plane.close();
    }
  });
});

describe('a path with two readings', () => {
  it('reaches its upstream as it came, or not at all', async () => {
    await withRoutes([{ matches: below('/') }, { matches: below('/admin') }], async ({ ask, heads }) => {
      for (const path of ['//admin', '/admin;x/a', '/admin%2fa', '/x/%252e%252e/admin']) {
        assert.deepEqual(statusesOf(await ask(`GET ${path}`)), [400], path);
      }
      assert.deepEqual(heads(), []);
      for (const path of ['/a//b', '/a;x/b', '/a%2Fb', '/admin/a%2Fb']) {
        assert.deepEqual(statusesOf(await ask(`GET ${path}`)), [200], path);
      }
      assert.deepEqual(
        heads().map((head) => head.split(' ')[1]),
        ['/a//b', '/a;x/b', '/a%2Fb', '/admin/a%2Fb'],
      );
    });
  });

  it('is refused altogether where the configuration is strict', async () => {
    const options = { http: { pathNormalization: 'strict' } } as const;
    await withRoutes(
      [{}],
      async ({ ask }) => {
        for (const path of ['//a', '/a;x', '/a/../b', '/%61']) {
          assert.deepEqual(statusesOf(await ask(`GET ${path}`)), [400], path);
        }
        assert.deepEqual(statusesOf(await ask('GET /a/b')), [200]);
      },
      options,
    );
  });
});

describe('an absolute target', () => {
  it('takes the place of Host where the configuration says so', async () => {
    const options = { http: { absoluteForm: 'rewrite' } } as const;
    await withRoutes(
      [{ hostnames: ['other.test'] }],
      async ({ ask, heads }) => {
        assert.deepEqual(statusesOf(await ask('GET http://other.test/a')), [200]);
        assert.ok(heads()[0]?.startsWith('GET /a HTTP/1.1\r\nHost: other.test\r\n'));
        assert.deepEqual(statusesOf(await ask('GET /a')), [404]);
      },
      options,
    );
  });
});
