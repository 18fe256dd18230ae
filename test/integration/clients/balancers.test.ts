/** HAProxy, nginx and curl with the PROXY protocol: in front of the running gateway, and behind it. */

import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { type GatewayProcess, startGatewayProcess, until } from '../../support/gateway.ts';
import { authorityOf } from '../../support/http/certificates.ts';
import { listenLoopback } from '../../support/plane.ts';
import { findBinary, NGINX_STREAM } from '../../support/runner/servers.ts';
import { freePorts } from '../../support/stores/server.ts';

const [CURL, HAPROXY, NGINX] = ['curl', 'haproxy', 'nginx'].map((binary) => findBinary(binary));
const run = promisify(execFile);

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-balancer-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a server and waits until all of its ports take connections. */
async function started(
  t: TestContext,
  binary: string,
  args: readonly string[],
  ports: readonly number[],
): Promise<void> {
  const child: ChildProcess = spawn(binary, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, 'close');
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });
  await until(`${binary} listens`, async () => {
    assert.equal(child.exitCode, null, said);
    return (await Promise.all(ports.map(takes))).every(Boolean);
  });
}

function takes(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

/** What the service says: the fields that it was sent about the client. */
async function serviceOf(t: TestContext): Promise<number> {
  const server = createHttpServer((request, response) => {
    const names = ['x-forwarded-proto', 'x-forwarded-for', 'x-forwarded-port'];
    response.end(names.map((name) => request.headers[name]).join(' '));
  });
  const port = await listenLoopback(server);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return port;
}

async function gatewayOf(t: TestContext, document: string): Promise<GatewayProcess & { readonly ports: number[] }> {
  const gateway = await startGatewayProcess(document);
  t.after(() => gateway.end());
  const { listeners } = await gateway.status();
  return { ...gateway, ports: listeners.map((url) => Number(new URL(url).port)) };
}

async function curl(...args: string[]): Promise<string> {
  return (await run(CURL as string, ['-sS', '--max-time', '60', ...args])).stdout;
}

async function headersCounted({ adminUrl }: GatewayProcess): Promise<Record<string, number>> {
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  const found = metrics.matchAll(/^sluice_proxy_headers_total\{result="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, result = '', count]): [string, number] => [result, Number(count)]));
}

const missing = CURL === null || HAPROXY === null || NGINX === null ? 'curl, haproxy or nginx is missing' : false;

/** A gateway that gives up nothing, and refuses nothing, while the machine stands still. */
const PATIENT = 'saturation: {response: observe}\ntimeouts: {connect: 1m, pending: 1m}\n';

describe('the PROXY protocol in front of the gateway', { skip: missing }, () => {
  it('is understood from curl and HAProxy, plain and before TLS, in both versions, before HTTP/2 as well', async (t) => {
    const { cert, key } = authorityOf(t).issue('a', { names: 'DNS:localhost,IP:127.0.0.1' });
    const service = await serviceOf(t);
    const gateway = await gatewayOf(
      t,
      `
listen: {host: 127.0.0.1, port: 0, proxyProtocol: required, http2: true}
listeners:
  - {host: 127.0.0.1, port: 0, proxyProtocol: required, tls: {certificates: [{cert: ${cert}, key: ${key}}]}}
admin: "127.0.0.1:0"
workers: 1
${PATIENT}trustedProxies: [127.0.0.1]
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]`,
    );
    const [plain = 0, secure = 0] = gateway.ports;
    assert.equal(await curl('--haproxy-protocol', `http://127.0.0.1:${plain}/`), `http 127.0.0.1 ${plain}`);
    assert.equal(await curl('-k', '--haproxy-protocol', `https://127.0.0.1:${secure}/`), `https 127.0.0.1 ${secure}`);
    const told = ['-k', '-w', ' %{http_version}'];
    for (const [url, ...spoken] of [
      [`http://127.0.0.1:${plain}/`, '--http2-prior-knowledge'],
      [`https://127.0.0.1:${secure}/`, '--http2'],
    ] as const) {
      const { protocol, port } = new URL(url);
      const answer = await curl(...told, '--haproxy-protocol', ...spoken, url);
      assert.equal(answer, `${protocol.slice(0, -1)} 127.0.0.1 ${port} 2`);
    }

    const ports = await freePorts(4);
    const file = join(folderOf(t), 'haproxy.cfg');
    const variants = ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c', 'send-proxy-v2-ssl-cn'];
    const sections = variants.map((variant, n) => {
      const target = n === 0 || n === 3 ? secure : plain;
      // A client of its own address, so that it can be told from HAProxy.
      return `listen l${n}\n  bind 127.0.0.1:${ports[n]}\n  server s 127.0.0.1:${target} ${variant} check check-send-proxy inter 50`;
    });
    // Without a time of its own a check has 50 ms, and HAProxy that stands still for longer takes the gateway for gone.
    const times = ['connect', 'client', 'server', 'check'].map((what) => `  timeout ${what} 60s\n`);
    writeFileSync(file, `defaults\n  mode tcp\n${times.join('')}${sections.join('\n')}\n`);
    await started(t, HAPROXY as string, ['-db', '-q', '-f', file], ports);
    for (const [n, port] of ports.entries()) {
      const scheme = n === 0 || n === 3 ? 'https' : 'http';
      const answer = await curl('-k', '--interface', '127.0.0.3', `${scheme}://127.0.0.1:${port}/`);
      assert.equal(answer, `${scheme} 127.0.0.3 ${port}`, String(variants[n]));
      const spoken = ['--http2-prior-knowledge', '--interface', '127.0.0.3'];
      const again = await curl(...told, ...spoken, `${scheme}://127.0.0.1:${port}/`);
      assert.equal(again, `${scheme} 127.0.0.3 ${port} 2`, String(variants[n]));
    }
    await until('checks of HAProxy are counted', async () => ((await headersCounted(gateway))['nobody'] ?? 0) > 3);
    const counted = await headersCounted(gateway);
    // Looking whether HAProxy listens went through it as well.
    assert.ok((counted['v1'] ?? 0) >= 3 && (counted['v2'] ?? 0) >= 3, JSON.stringify(counted));
    assert.deepEqual([counted['malformed'], counted['untrusted'], counted['timed_out']], [0, 0, 0]);
  });
});

const noStream = findBinary(NGINX_STREAM) === null ? 'the stream module of nginx is missing' : false;

describe('nginx in front of the gateway, passing connections on', { skip: missing || noStream }, () => {
  it('names its client, plain and before TLS, for HTTP/1.1 and HTTP/2', async (t) => {
    const { cert, key } = authorityOf(t).issue('a', { names: 'DNS:localhost,IP:127.0.0.1' });
    const service = await serviceOf(t);
    const gateway = await gatewayOf(
      t,
      `
listen: {host: 127.0.0.1, port: 0, proxyProtocol: required, http2: true}
listeners:
  - {host: 127.0.0.1, port: 0, proxyProtocol: required, tls: {certificates: [{cert: ${cert}, key: ${key}}]}}
admin: "127.0.0.1:0"
workers: 1
${PATIENT}trustedProxies: [127.0.0.1]
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]`,
    );
    const ports = await freePorts(2);
    const folder = folderOf(t);
    const servers = ports.map(
      (port, n) => `server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${gateway.ports[n]}; proxy_protocol on; }`,
    );
    const file = join(folder, 'nginx.conf');
    const own = `load_module ${NGINX_STREAM}; pid ${folder}/pid; error_log stderr; daemon off; master_process off;`;
    writeFileSync(file, `${own} events {}\nstream { ${servers.join('\n')} }\n`);
    await started(t, NGINX as string, ['-p', folder, '-c', file], ports);
    for (const [n, port] of ports.entries()) {
      const scheme = n === 0 ? 'http' : 'https';
      const url = `${scheme}://127.0.0.1:${port}/`;
      const asked = ['-k', '--interface', '127.0.0.3', '-w', ' %{http_version}'];
      assert.equal(await curl(...asked, '--http1.1', url), `${scheme} 127.0.0.3 ${port} 1.1`);
      assert.equal(await curl(...asked, '--http2-prior-knowledge', url), `${scheme} 127.0.0.3 ${port} 2`);
    }
    await until('headers are counted', async () => ((await headersCounted(gateway))['v1'] ?? 0) >= 4);
    const counted = await headersCounted(gateway);
    assert.deepEqual([counted['malformed'], counted['untrusted'], counted['timed_out']], [0, 0, 0]);
  });
});

describe('the PROXY protocol behind the gateway', { skip: missing }, () => {
  it('is understood by HAProxy and nginx in both versions, with checks and over TLS', async (t) => {
    const [viaHaproxy = 0, viaNginx = 0, viaTls = 0] = await freePorts(3);
    const folder = folderOf(t);
    const { cert, key } = authorityOf(t).issue('a', { names: 'IP:127.0.0.1' });
    const says = '%[src]:%[src_port] %[dst]:%[dst_port]';
    writeFileSync(
      join(folder, 'haproxy.cfg'),
      `defaults\n  mode http\n  timeout client 60s\nfrontend f\n  bind 127.0.0.1:${viaHaproxy} accept-proxy\n` +
        `  http-request return status 200 content-type text/plain lf-string "${says}"\n`,
    );
    const spoken = '$proxy_protocol_addr:$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port';
    writeFileSync(
      join(folder, 'nginx.conf'),
      `pid ${folder}/pid; error_log stderr; daemon off; master_process off; events {}\nhttp { access_log off;\n` +
        ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((one) => `${one}_temp_path ${folder};`).join('\n') +
        `server { listen 127.0.0.1:${viaNginx} proxy_protocol; listen 127.0.0.1:${viaTls} ssl proxy_protocol;\n` +
        `ssl_certificate ${cert}; ssl_certificate_key ${key}; location / { return 200 "${spoken}"; } } }\n`,
    );
    await started(t, HAPROXY as string, ['-db', '-q', '-f', join(folder, 'haproxy.cfg')], [viaHaproxy]);
    await started(t, NGINX as string, ['-p', folder, '-c', join(folder, 'nginx.conf')], [viaNginx, viaTls]);
    const check = 'healthCheck: {path: /, interval: 5s, timeout: 5s}';
    const services = [viaHaproxy, viaNginx, viaTls].flatMap((port, n) =>
      [1, 2].map((version) => {
        const tls = n === 2 ? 'tls: {insecure: true}, ' : '';
        const endpoints = `versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}`;
        return `  s${n}${version}: {proxyProtocol: v${version}, ${tls}${check}, ${endpoints}}`;
      }),
    );
    const names = services.map((line) => line.trim().slice(0, 3));
    const routes = names.map(
      (name) => `  - {name: ${name}, matches: [{path: {value: /${name}}}], backendRefs: [{name: ${name}}]}`,
    );
    const gateway = await gatewayOf(
      t,
      `listen: "127.0.0.1:0"\nadmin: "127.0.0.1:0"\nworkers: 1\n${PATIENT}services:\n${services.join('\n')}\nroutes:\n${routes.join('\n')}\n`,
    );
    const [port = 0] = gateway.ports;
    for (const name of names) {
      const urls = [1, 2, 3].map((n) => `http://127.0.0.1:${port}/${name}/${n}`);
      const said = await curl('--interface', '127.0.0.3', ...urls, '-w', ' %{local_port}\n');
      for (const line of said.trim().split('\n')) {
        const [client = '', server, localPort] = line.split(' ');
        assert.deepEqual([client, server], [`127.0.0.3:${localPort}`, `127.0.0.1:${port}`], name);
      }
    }
    await until('all checks have passed', async () => {
      const { health } = await gateway.status();
      return health.checks.passed >= names.length;
    });
    assert.equal((await gateway.status()).health.checks.failed, 0);
  });
});
