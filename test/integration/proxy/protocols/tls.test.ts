/** TLS as an operator has it: several listeners, workers and files that change; real clients, endpoints with TLS. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request } from 'node:https';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import {
  type GatewayProcess,
  logged,
  runToExit,
  startGatewayProcess,
  startService,
  type TestService,
  until,
} from '../../../support/gateway.ts';
import { type Authority, authorityOf, type Issued } from '../../../support/http/certificates.ts';
import { listenLoopback } from '../../../support/plane.ts';
import { startRestarting } from '../../../support/state/restarting.ts';

const HOST = 'a.example';
const PACE_MS = 5;

interface Scene {
  readonly authority: Authority;
  /** The files that the gateway reads. */
  readonly files: Issued;
  readonly service: TestService;
}

async function sceneOf(t: TestContext): Promise<Scene> {
  const authority = authorityOf(t);
  const files = authority.issue('live', { names: `DNS:${HOST}`, subject: 'first' });
  const service = await startService('v1');
  t.after(() => service.close());
  return { authority, files, service };
}

interface Choices {
  readonly workers?: number;
  /** Behind the certificates. */
  readonly tls?: string;
  readonly endpoint?: string;
  readonly service?: string;
}

function documentOf(
  { files, service }: Scene,
  { workers = 1, tls = '', endpoint, service: more = '' }: Choices = {},
): string {
  return `
listen: "127.0.0.1:0"
listeners:
  - {host: 127.0.0.1, port: 0, tls: {certificates: [{cert: ${files.cert}, key: ${files.key}}]${tls}}}
admin: "127.0.0.1:0"
workers: ${workers}
saturation: {response: observe}
timeouts: {connect: 1m, pending: 1m}
drain: {delay: 0s, timeout: 5s}
services: {shop: {versions: {v1: {endpoints: ["${endpoint ?? `127.0.0.1:${service.port}`}"]}}${more}}}
routes: [{name: shop, hostnames: [${HOST}], backendRefs: [{name: shop}]}]`;
}

interface Running extends GatewayProcess {
  /** Of the listener with TLS. */
  readonly port: number;
}

async function gatewayOf(t: TestContext, document: string): Promise<Running> {
  const gateway = await startGatewayProcess(document);
  t.after(() => gateway.end());
  const { listeners } = await gateway.status();
  assert.match(listeners[0] ?? '', /^http:/);
  const url = new URL(listeners[1] ?? '');
  assert.equal(url.protocol, 'https:');
  return { ...gateway, port: Number(url.port) };
}

/** Puts another certificate in the place of the one that the gateway reads; `key` first or last, or not at all. */
function renew(
  { authority, files }: Scene,
  name: string,
  parts: readonly ('cert' | 'key')[] = ['key', 'cert'],
): Issued {
  const fresh = authority.issue(name, { names: `DNS:${HOST}`, subject: name });
  for (const part of parts) {
    copyFileSync(fresh[part], `${files[part]}.new`);
    renameSync(`${files[part]}.new`, files[part]);
  }
  return fresh;
}

async function connected(t: TestContext, port: number, session?: Buffer): Promise<TLSSocket> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: HOST,
    rejectUnauthorized: false,
    ...(session && { session }),
  });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function subjectOf(t: TestContext, port: number): Promise<unknown> {
  const socket = await connected(t, port);
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return CN;
}

/**
 * Asks over and over, on kept connections and on new ones, until it is stopped or the test is over; resolves with what was
 * not a 200. At a pace that leaves the machine to the gateway.
 */
function loadOf(t: TestContext, port: number): { asked: () => number; stop: () => Promise<readonly string[]> } {
  const kept = new Agent({ keepAlive: true, maxSockets: 4 });
  const fresh = new Agent({ keepAlive: false });
  const failures: string[] = [];
  let asked = 0;
  let isStopped = false;
  const ask = (agent: Agent): Promise<void> =>
    new Promise((resolve) => {
      const options = {
        host: '127.0.0.1',
        port,
        agent,
        servername: HOST,
        headers: { host: HOST },
        rejectUnauthorized: false,
      };
      const sent = request(options, (response) => {
        asked++;
        if (response.statusCode !== 200) failures.push(String(response.statusCode));
        response.resume().on('end', resolve);
      });
      sent.on('error', (error) => {
        failures.push(error.message);
        resolve();
      });
      sent.end();
    });
  const loops = [kept, kept, kept, kept, fresh, fresh].map(async (agent) => {
    for (; !isStopped; await sleep(PACE_MS)) await ask(agent);
  });
  const stop = async (): Promise<readonly string[]> => {
    isStopped = true;
    await Promise.all(loops);
    kept.destroy();
    return failures;
  };
  t.after(stop);
  return { asked: () => asked, stop };
}

describe('a listener with TLS', () => {
  it('serves curl beside a plain one, and tells the upstream', async (t) => {
    const scene = await sceneOf(t);
    const gateway = await gatewayOf(t, documentOf(scene));
    const url = `https://${HOST}:${gateway.port}/`;
    const args = ['-sS', '--cacert', scene.authority.ca, '--resolve', `${HOST}:${gateway.port}:127.0.0.1`, url];
    const curl = spawn('curl', args);
    let output = '';
    curl.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    curl.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(curl, 'close');
    assert.equal(output, 'v1');
    const { tls } = await gateway.status();
    assert.deepEqual(
      tls.listeners.map(({ state, clientAuth, certificates }) => [state, clientAuth, certificates[0]?.names.join()]),
      [['serving', 'off', HOST]],
    );
    let metrics = '';
    await until('the handshake is counted', async () => {
      metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      return metrics.includes('sluice_tls_handshakes_total{result="full"} 1\n');
    });
    assert.match(
      metrics,
      /sluice_certificate_expiry_timestamp_seconds\{listener="127\.0\.0\.1:0",certificate="0"\} \d+/,
    );
  });

  it('resumes a session on whichever worker the client comes to', { skip: process.platform !== 'linux' }, async (t) => {
    const scene = await sceneOf(t);
    const gateway = await gatewayOf(t, documentOf(scene, { workers: 3 }));
    const first = await connected(t, gateway.port);
    const [session] = (await once(first, 'session')) as [Buffer];
    // The kernel chooses the worker by the client's port: that all of them were one has a chance of 3^-29.
    for (let n = 0; n < 30; n++) {
      const again = await connected(t, gateway.port, session);
      assert.ok(again.isSessionReused());
      again.destroy();
    }
  });

  it('changes its certificate under load without one failed request, and never takes half of a renewal', async (t) => {
    const scene = await sceneOf(t);
    const gateway = await gatewayOf(t, documentOf(scene, { workers: 2 }));
    const load = loadOf(t, gateway.port);
    for (const name of ['second', 'third', 'fourth']) {
      renew(scene, name);
      gateway.child.kill('SIGHUP');
      await until(`the ${name} is shown`, async () => (await subjectOf(t, gateway.port)) === name);
    }
    renew(scene, 'half', ['cert']);
    gateway.child.kill('SIGHUP');
    // It looks by itself as well, every 10 s, and may have come between the two files of an earlier renewal.
    const isKept = async (): Promise<boolean> => {
      const [listener] = (await gateway.status()).tls.listeners;
      return listener?.state === 'kept' && /another key/.test(listener.because);
    };
    await until('it is refused', isKept);
    assert.ok((await gateway.status()).tls.reloads.failed > 0);
    await logged(gateway, /tls_files_refused/);
    // One of the workers may still show the third.
    await until('the fourth stays', async () => {
      const subject = await subjectOf(t, gateway.port);
      assert.notEqual(subject, 'half');
      return subject === 'fourth';
    });
    writeFileSync(scene.files.cert, 'garbage');
    renew(scene, 'fifth');
    gateway.child.kill('SIGHUP');
    await until('the fifth is shown', async () => (await subjectOf(t, gateway.port)) === 'fifth');
    const { listeners } = (await gateway.status()).tls;
    assert.deepEqual(
      listeners.map(({ state, because }) => [state, because]),
      [['serving', '']],
    );
    await until('some requests', () => load.asked() > 100);
    assert.deepEqual(await load.stop(), []);
  });

  it('asks for client certificates from the moment that a configuration says so, and stays so when files go', async (t) => {
    const scene = await sceneOf(t);
    const gateway = await gatewayOf(t, documentOf(scene));
    const outcome = (): Promise<string> =>
      new Promise((resolve) => {
        const options = {
          host: '127.0.0.1',
          port: gateway.port,
          servername: HOST,
          headers: { host: HOST },
          agent: false as const,
        };
        const sent = request({ ...options, rejectUnauthorized: false }, (response) => {
          response.resume();
          resolve(String(response.statusCode));
        });
        sent.on('error', () => resolve('closed'));
        sent.end();
      });
    assert.equal(await outcome(), '200');
    const refused = documentOf(scene, { tls: ', clientAuth: {ca: /none.pem}' });
    gateway.save(refused);
    await until('it is refused', async () => (await gateway.status()).config.reloads.refused === 1);
    await logged(gateway, /SLU1161 listeners\[0\]\.tls\.clientAuth\.ca/);
    assert.equal(await outcome(), '200', 'the last good one stays');
    gateway.save(documentOf(scene, { tls: `, clientAuth: {ca: ${scene.authority.ca}}` }));
    await until('it asks', async () => (await outcome()) === 'closed');
    rmSync(scene.authority.ca);
    gateway.child.kill('SIGHUP');
    await until('the missing file is told', async () => (await gateway.status()).tls.listeners[0]?.state === 'kept');
    assert.equal(await outcome(), 'closed');
  });

  it('is not started with files that cannot be used', async (t) => {
    const scene = await sceneOf(t);
    writeFileSync(scene.files.key, 'garbage');
    const { code, output } = await runToExit(documentOf(scene));
    assert.equal(code, 1);
    assert.match(output, /SLU1161 listeners\[0\]\.tls\.certificates\[0\]\.key/);
    assert.doesNotMatch(output, /garbage/);
  });
});

describe('routes', () => {
  it('tell clients apart by scheme and by certificate', async (t) => {
    const scene = await sceneOf(t);
    const { authority, files, service } = scene;
    const internal = await startService('internal');
    t.after(() => internal.close());
    const document = `
listen: "127.0.0.1:0"
listeners:
  - host: 127.0.0.1
    port: 0
    tls: {certificates: [{cert: ${files.cert}, key: ${files.key}}], clientAuth: {mode: optional, ca: ${authority.ca}}}
admin: "127.0.0.1:0"
workers: 1
saturation: {response: observe}
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}
  internal: {versions: {v1: {endpoints: ["127.0.0.1:${internal.port}"]}}}
routes:
  - name: to-https
    matches: [{scheme: http}]
    filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]
  - name: internal
    matches: [{clientIdentity: {type: RegularExpression, value: "spiffe://example/.*"}}]
    sticky: {clientIdentity: true}
    backendRefs: [{name: internal}]
  - name: shop
    backendRefs: [{name: shop}]`;
    const gateway = await gatewayOf(t, document);
    const ask = async (...args: readonly string[]): Promise<string> => {
      const { stdout } = spawn('curl', ['-sS', '-k', '-D', '-', '--connect-to', `::127.0.0.1:`, ...args]);
      let text = '';
      for await (const chunk of stdout) text += String(chunk);
      return text;
    };
    const url = `https://${HOST}:${gateway.port}/path?q=1`;
    const plain = `http://${HOST}:${new URL(gateway.proxyUrl).port}/path?q=1`;
    assert.match(await ask(plain), /^HTTP\/1\.1 302[^]*Location: https:\/\/a\.example\/path\?q=1\r\n/i);
    assert.match(await ask(url), /^HTTP\/2 200[^]*v1$/);
    const web = authority.issue('web', { names: 'URI:spiffe://example/web' });
    const other = authority.issue('other', { names: 'URI:spiffe://elsewhere/web' });
    assert.match(await ask('--cert', web.cert, '--key', web.key, url), /^HTTP\/2 200[^]*internal$/);
    assert.match(await ask('--cert', other.cert, '--key', other.key, url), /^HTTP\/2 200[^]*v1$/);
  });
});

describe('a restart', { skip: process.platform !== 'linux' }, () => {
  it('hands the sockets of every listener over, without one failed request', async (t) => {
    const scene = await sceneOf(t);
    const gateway = await startRestarting(t, documentOf(scene, { workers: 2 }).replace('delay: 0s', 'delay: 4s'));
    const { listeners } = await gateway.status();
    const port = Number(new URL(listeners[1] ?? '').port);
    const load = loadOf(t, port);
    await until('some requests', () => load.asked() > 20);
    const before = gateway.pid();
    gateway.signal('SIGUSR2');
    await until('another process serves', () => gateway.pid() !== before);
    await gateway.firstExited;
    const asked = load.asked();
    await until('some more', () => load.asked() > asked + 20);
    assert.deepEqual(await load.stop(), []);
  });
});

describe('endpoints with TLS', () => {
  it('are asked, checked and believed by the same settings', async (t) => {
    const scene = await sceneOf(t);
    const own = scene.authority.issue('gateway', { names: 'DNS:gateway.example' });
    const server = createServer({
      ...scene.authority.issue('endpoint', { names: 'DNS:shop.internal' }).pem,
      ca: scene.authority.pem,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const paths: string[] = [];
    server.on('request', (incoming, outgoing) => {
      paths.push(incoming.url ?? '');
      outgoing.end('over TLS');
    });
    t.after(() => server.closeAllConnections());
    t.after(() => server.close());
    const port = await listenLoopback(server);
    const settings = (ca: string): string =>
      `, tls: {ca: ${ca}, serverName: shop.internal, cert: ${own.cert}, key: ${own.key}}, healthCheck: {path: /health, interval: 2s, timeout: 2s}`;
    const choices = { endpoint: `127.0.0.1:${port}`, service: settings(scene.authority.ca) };
    const gateway = await gatewayOf(t, documentOf(scene, choices));
    const answer = async (): Promise<string> => {
      const { stdout } = spawn('curl', ['-sS', '-H', `Host: ${HOST}`, gateway.proxyUrl]);
      let text = '';
      for await (const chunk of stdout) text += String(chunk);
      return text;
    };
    assert.equal(await answer(), 'over TLS');
    await until('it is checked', () => paths.includes('/health'));
    await until('checks pass', async () => (await gateway.status()).health.checks.passed > 0);
    const stranger = authorityOf(t);
    gateway.save(documentOf(scene, { ...choices, service: settings(stranger.ca) }));
    await until('nobody is believed', async () => /tls_failed|no_endpoint/.test(await answer()));
    await until('checks fail', async () => (await gateway.status()).health.checks.failed > 0);
  });
});
