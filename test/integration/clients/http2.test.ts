/** HTTP/2 as clients have it: curl, fetch and node's own client, by ALPN and by prior knowledge, through a gateway that then drains. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { Agent, fetch as fetchBy } from 'undici';
import { type GatewayProcess, logged, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { type Authority, authorityOf } from '../../support/http/certificates.ts';
import { findBinary } from '../../support/runner/servers.ts';

const CURL = findBinary('curl');
const HOST = 'a.example';

interface Scene {
  readonly authority: Authority;
  readonly gateway: GatewayProcess;
  /** Ports of the plain listener and the one with TLS. */
  readonly plain: number;
  readonly secure: number;
}

async function sceneOf(t: TestContext): Promise<Scene> {
  const authority = authorityOf(t);
  const files = authority.issue('live', { names: `DNS:${HOST},DNS:b.example` });
  const other = authority.issue('other', { names: 'DNS:c.example' });
  const service = await startService('v1');
  t.after(() => service.close());
  const gateway = await startGatewayProcess(`
listen: {host: 127.0.0.1, port: 0, http2: true}
listeners:
  - host: 127.0.0.1
    port: 0
    tls: {certificates: [{cert: ${files.cert}, key: ${files.key}}, {cert: ${other.cert}, key: ${other.key}}]}
admin: 127.0.0.1:0
workers: 1
drain: {delay: 0s, timeout: 10s}
saturation: {response: observe}
accessLog: {sample: 1}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]
`);
  t.after(() => gateway.end());
  const { listeners } = await gateway.status();
  const [plain, secure] = listeners.map((url) => Number(new URL(url).port)) as [number, number];
  return { authority, gateway, plain, secure };
}

function curl(args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(CURL as string, ['-sS', '--max-time', '60', ...args], (_error, out, err) => resolve(out + err));
  });
}

async function ask(session: ClientHttp2Session, authority: string): Promise<number> {
  const stream = session.request({ ':path': '/', ':authority': authority });
  stream.resume();
  const [head] = (await once(stream, 'response')) as [{ ':status': number }];
  return head[':status'];
}

describe('a gateway that speaks HTTP/2', () => {
  it('serves every kind of client, tells which was which, and lets them go when it drains', async (t) => {
    const { authority, gateway, plain, secure } = await sceneOf(t);
    const told = ['-w', ' %{http_version} %{http_code}'];
    const pinned = ['--cacert', authority.ca, '--resolve', `${HOST}:${secure}:127.0.0.1`];
    const http = `http://127.0.0.1:${plain}/`;
    const https = `https://${HOST}:${secure}/`;
    if (CURL !== null) {
      assert.equal(await curl(['--http2-prior-knowledge', ...told, http]), 'v1 2 200');
      assert.equal(await curl(['--http2', ...told, http]), 'v1 1.1 200');
      assert.equal(await curl(['--http1.1', ...told, http]), 'v1 1.1 200');
      assert.equal(await curl([...pinned, ...told, https]), 'v1 2 200');
      assert.equal(await curl(['--http1.1', ...pinned, ...told, https]), 'v1 1.1 200');
    }
    const ca = readFileSync(authority.ca);
    const agent = new Agent({ allowH2: true, connect: { ca, servername: HOST } });
    t.after(() => agent.close());
    const answer = await fetchBy(`https://127.0.0.1:${secure}/`, { dispatcher: agent, headers: { host: HOST } });
    assert.deepEqual([answer.status, await answer.text()], [200, 'v1']);

    const session = connect(`https://127.0.0.1:${secure}`, { ca, servername: HOST });
    t.after(() => session.destroy());
    assert.equal(await ask(session, HOST), 200);
    assert.equal(await ask(session, 'b.example'), 200, 'another host of the same certificate');
    assert.equal(await ask(session, 'c.example'), 421, 'a host of another one');

    let metrics = '';
    await until('requests are counted', async () => {
      metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      return /^sluice_http2_requests_total [4-9]$/m.test(metrics);
    });
    assert.match(metrics, /^sluice_http2_connections_total [2-9]$/m);
    assert.match(metrics, /^sluice_http2_abuses_total\{kind="resets"\} 0$/m);
    await logged(gateway, /"path":"\/".*"protocol":"HTTP\/2"/);
    const closed = once(session, 'close');
    const goaway = once(session, 'goaway');
    gateway.child.kill('SIGTERM');
    assert.equal((await goaway)[0], 0);
    await closed;
    await gateway.exited;
  });
});
