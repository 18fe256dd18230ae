/** Checks over HTTP/2: by the status of a GET, and by what servers of gRPC say of themselves. */

import assert from 'node:assert/strict';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { outcomeOf, questionOf, startHttp2Probe } from '#src/health/checks/http2.ts';
import { type ProbeTarget, startProbe } from '#src/health/checks/probe.ts';
import { authorityOf } from '../../../support/http/certificates.ts';
import { fieldIn, http2EndpointOf } from '../../../support/http/h2-endpoint.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { answeringOf, refusedPortOf } from '../../../support/proxy/running.ts';

function target(port: number, change: Partial<ProbeTarget> = {}): ProbeTarget {
  return { host: '127.0.0.1', port, path: '/health', hostHeader: null, timeoutMs: 5000, isHttp2: true, ...change };
}

const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
const NOT_SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 2]);

describe('a GET', () => {
  it('passes by its status', async (t) => {
    for (const [status, result] of [
      [204, null],
      [302, null],
      [404, 'status 404'],
      [503, 'status 503'],
    ] as const) {
      let asked = '';
      const { port } = await http2EndpointOf(t, (stream, raw) => {
        asked = `${fieldIn(raw, ':method')} ${fieldIn(raw, ':authority')} ${fieldIn(raw, ':path')}`;
        stream.respond({ ':status': status }, { endStream: true });
      });
      assert.equal(await startProbe(target(port, { hostHeader: 'shop' })).result, result);
      assert.equal(asked, 'GET shop /health');
    }
  });

  it('fails where nobody listens, speaks HTTP/2, or answers in time', async (t) => {
    assert.equal(await startHttp2Probe(target(await refusedPortOf(t)), null).result, 'ECONNREFUSED');
    assert.notEqual(await startHttp2Probe(target((await answeringOf(t)).port), null).result, null);
    const silent = await http2EndpointOf(t, () => undefined);
    assert.equal(await startHttp2Probe(target(silent.port, { timeoutMs: 50 }), null).result, 'no answer in 50 ms');
    const probe = startHttp2Probe(target(silent.port), null);
    probe.cancel();
    assert.equal(await probe.result, 'cancelled');
  });

  it('believes only whom requests do', async (t) => {
    const authority = authorityOf(t);
    const server = createSecureServer(authority.issue('upstream', { names: 'IP:127.0.0.1' }).pem);
    server.on('stream', (stream: ServerHttp2Stream) => stream.respond({ ':status': 200 }, { endStream: true }));
    t.after(() => server.close());
    const port = await listenLoopback(server);
    const results: unknown[] = [];
    for (const ca of [authority.pem, null]) {
      const material = { ca, cert: null, key: null, minVersion: 'TLSv1.2' as const, isInsecure: false };
      results.push(await startProbe(target(port, { tls: { key: 'k', serverName: null } }), () => material).result);
    }
    assert.equal(results[0], null);
    assert.match(String(results[1]), /SELF_SIGNED|UNABLE/);
  });
});

describe('of an endpoint known by an address', () => {
  it('that is compared with the certificate, and not asked for', async (t) => {
    const authority = authorityOf(t);
    const server = createSecureServer(authority.issue('upstream', { names: 'IP:10.0.0.1' }).pem);
    const asked: unknown[] = [];
    server.on('secureConnection', (socket: TLSSocket) => {
      asked.push((socket as { readonly servername?: unknown }).servername);
    });
    server.on('stream', (stream: ServerHttp2Stream) => stream.respond({ ':status': 200 }, { endStream: true }));
    t.after(() => server.close());
    const port = await listenLoopback(server);
    const material = { ca: authority.pem, cert: null, key: null, minVersion: 'TLSv1.2' as const, isInsecure: false };
    const check = (serverName: string | null, host = '127.0.0.1') => {
      return startProbe(target(port, { host, tls: { key: 'k', serverName } }), () => material).result;
    };
    assert.deepEqual([await check('10.0.0.1'), await check('10.0.0.1', 'localhost')], [null, null]);
    assert.deepEqual(asked, [false, false]);
    for (const other of [null, '10.0.0.2', '2001:db8::1']) {
      assert.equal(await check(other), 'ERR_TLS_CERT_ALTNAME_INVALID', String(other));
    }
  });

  it('has failed where it cannot even begin', async () => {
    const probe = startHttp2Probe(target(1), { cert: 'none', key: 'none' });
    assert.match((await probe.result) ?? '', /^ERR_/);
    probe.cancel();
  });
});

describe('the question of gRPC', () => {
  it('is answered with SERVING, or has failed', async (t) => {
    const cases: [string, Buffer, string | null][] = [
      ['0', SERVING, null],
      ['0', NOT_SERVING, 'NOT_SERVING'],
      ['5', Buffer.alloc(0), 'grpc-status 5'],
    ];
    for (const [status, message, result] of cases) {
      let asked = '';
      const { port } = await http2EndpointOf(t, (stream, raw) => {
        stream.on('data', (bytes: Buffer) => {
          asked = `${fieldIn(raw, ':path')} ${fieldIn(raw, 'content-type')} ${bytes.toString('hex')}`;
        });
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }));
        stream.on('end', () => stream.end(message));
      });
      assert.equal(await startProbe(target(port, { isGrpc: true, grpcService: 'a.B' })).result, result);
      assert.equal(asked, '/grpc.health.v1.Health/Check application/grpc 00000000050a03612e42');
    }
  });

  it('that a server does not know fails, in one head as well', async (t) => {
    const { port } = await http2EndpointOf(t, (stream) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': 12 }, { endStream: true });
    });
    assert.equal(await startProbe(target(port, { isGrpc: true })).result, 'grpc-status 12');
  });
});

describe('a message', () => {
  it('names a service, or none', () => {
    assert.equal(questionOf('').toString('hex'), '0000000000');
    assert.equal(questionOf('a').toString('hex'), '00000000030a0161');
  });

  it('is read strictly', () => {
    assert.equal(outcomeOf(SERVING), null);
    assert.equal(outcomeOf(Buffer.from([0, 0, 0, 0, 0])), 'UNKNOWN');
    assert.equal(outcomeOf(Buffer.from([0, 0, 0, 0, 2, 8, 77])), 'state 77');
    for (const bytes of [[], [1, 0, 0, 0, 0], [0, 0, 0, 0, 9, 8, 1], [0, 0, 0, 0, 2, 16, 1]]) {
      assert.equal(outcomeOf(Buffer.from(bytes)), 'a malformed answer');
    }
  });
});
