import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { type AdminOptions, type AdminServer, startAdmin } from '#src/admin/server.ts';
import type { AdminView } from '#src/admin/view.ts';
import { sampleStatus } from '../../support/readings/status.ts';
import { sampleView } from '../../support/readings/view.ts';

const VIEW = sampleView();

async function start(context: TestContext, changes: Partial<AdminOptions> = {}): Promise<AdminServer> {
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view: VIEW, ...changes });
  context.after(() => admin.close());
  return admin;
}

/** Sends bytes and gives everything that came back until the server closed. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

const get = (path: string, host = 'localhost', method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

suite('server', { timeout: 120_000 }, () => {
  test('pages are served with the headers every answer has', async (context) => {
    const admin = await start(context);
    const response = await fetch(`${admin.url}/api/v1/status`);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('cache-control'), 'no-store');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('access-control-allow-origin'), null);
    assert.deepEqual(await response.json(), sampleStatus());
  });

  test('HEAD has the head of GET and no body', async (context) => {
    const admin = await start(context);
    const [head, body] = (await raw(admin.port, get('/livez', 'localhost', 'HEAD'))).split('\r\n\r\n');
    assert.match(head ?? '', /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(head ?? '', /content-length: 3/);
    assert.equal(body, '');
  });

  test('any other method is a 405 with Allow, as a problem document', async (context) => {
    const admin = await start(context);
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await fetch(`${admin.url}/readyz`, { method });
      assert.equal(response.status, 405, method);
      assert.equal(response.headers.get('allow'), 'GET, HEAD');
      assert.equal(response.headers.get('content-type'), 'application/problem+json');
      assert.equal(((await response.json()) as { status: number }).status, 405);
    }
  });

  test('a host that is not ours is refused with an explanation, for every page', async (context) => {
    const admin = await start(context, { allowedHosts: () => ['sluice.internal'] });
    for (const path of ['/', '/livez', '/metrics', '/api/v1/status', '/nothing']) {
      const answer = await raw(admin.port, get(path, 'evil.example'));
      assert.match(answer, /^HTTP\/1\.1 421 /, path);
      assert.match(answer, /use localhost/);
    }
    assert.match(await raw(admin.port, get('/livez', 'sluice.internal:9900')), /^HTTP\/1\.1 200 /);
  });

  test('no host and two hosts are refused', async (context) => {
    const admin = await start(context);
    assert.match(await raw(admin.port, 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(await raw(admin.port, 'GET /livez HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 /);
    const two = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n';
    assert.match(await raw(admin.port, two), /^HTTP\/1\.1 4(?:00|21) /);
  });

  test('a request body is refused', async (context) => {
    const admin = await start(context);
    const sized = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello';
    assert.match(await raw(admin.port, sized), /^HTTP\/1\.1 413 /);
    const chunked = 'GET /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    assert.match(await raw(admin.port, chunked), /^HTTP\/1\.1 413 /);
  });

  test('malformed and oversized requests are refused in the same form and the server goes on', async (context) => {
    const admin = await start(context);
    const malformed = await raw(admin.port, 'NOT HTTP\r\n\r\n');
    assert.match(malformed, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(malformed, /x-content-type-options: nosniff/);
    assert.match(malformed, /"status":400/);
    const large = `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`;
    assert.match(await raw(admin.port, large), /^HTTP\/1\.1 431 /);
    assert.match(await raw(admin.port, get('/livez')), /^HTTP\/1\.1 200 /);
  });

  test('a page that throws or rejects is a 500 that is reported, and the server goes on', async (context) => {
    const failures: string[] = [];
    const view: AdminView = {
      ...VIEW,
      status: () => {
        throw new Error('no status today');
      },
      scrape: () => Promise.reject(new Error('no metrics today')),
    };
    const admin = await start(context, {
      view,
      onFailure: (where, error) => failures.push(`${where} ${String(error)}`),
    });
    for (const path of ['/readyz', '/metrics']) {
      const response = await fetch(admin.url + path);
      assert.equal(response.status, 500);
      assert.match(((await response.json()) as { detail: string }).detail, /no (?:status|metrics) today/);
    }
    assert.equal((await fetch(`${admin.url}/livez`)).status, 200);
    assert.deepEqual(failures, ['/readyz Error: no status today', '/metrics Error: no metrics today']);
  });

  test('a port in use is an error that says which address and how to fix it', async (context) => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    context.after(() => blocker.close());
    const port = (blocker.address() as { port: number }).port;
    await assert.rejects(startAdmin({ address: { host: '127.0.0.1', port }, view: VIEW }), (error: Error) => {
      assert.equal((error as NodeJS.ErrnoException).code, 'SLU_PORT_IN_USE');
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} is in use: .*another port`));
      return true;
    });
  });

  test('an address that is not ours is a listen failure', async () => {
    const address = { host: '192.0.2.1', port: 0 };
    await assert.rejects(startAdmin({ address, view: VIEW }), { code: 'SLU_LISTEN_FAILED', message: /192\.0\.2\.1:0/ });
    const six = { address: { host: '2001:db8::1', port: 0 }, view: VIEW };
    await assert.rejects(startAdmin(six), { code: 'SLU_LISTEN_FAILED', message: /address \[2001:db8::1\]:0: / });
  });

  test('whoever was accepted and had not asked yet when it closed is answered, and no longer than that', async (context) => {
    const admin = await start(context);
    const fresh = connect(admin.port, '127.0.0.1');
    const kept = connect(admin.port, '127.0.0.1', () => kept.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'));
    await once(kept, 'data');
    const closed = admin.close();
    await once(kept, 'close');
    let text = '';
    fresh.on('data', (chunk: Buffer) => (text += chunk.toString()));
    fresh.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await once(fresh, 'close');
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(text, /\r\nconnection: close\r\n/i);
    await closed;
  });

  test('closing twice is closing once, and the port is free afterwards', async () => {
    // Nobody else is given a port of this address while it is free.
    const host = '127.0.0.2';
    const admin = await startAdmin({ address: { host, port: 0 }, view: VIEW });
    assert.equal((await fetch(`${admin.url}/livez`)).status, 200);
    await Promise.all([admin.close(), admin.close()]);
    const again = await startAdmin({ address: { host, port: admin.port }, view: VIEW });
    await again.close();
  });
});
