/** h2load through the running gateway, over TLS and without: every request is answered 2xx, by its own count. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { startGatewayProcess, startService } from '../../support/gateway.ts';
import { authorityOf } from '../../support/http/certificates.ts';
import { findBinary } from '../../support/runner/servers.ts';

const H2LOAD = findBinary('h2load');
const run = promisify(execFile);
const REQUESTS = 500;

it('h2load counts 2xx and nothing else', { skip: H2LOAD === null ? 'h2load is missing' : false }, async (t) => {
  const authority = authorityOf(t);
  const { cert, key } = authority.issue('live', { names: 'IP:127.0.0.1' });
  const service = await startService('v1');
  t.after(() => service.close());
  const gateway = await startGatewayProcess(`
listen: {host: 127.0.0.1, port: 0, http2: true}
listeners: [{host: 127.0.0.1, port: 0, tls: {certificates: [{cert: ${cert}, key: ${key}}]}}]
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
timeouts: {connect: 1m, pending: 1m, firstByte: 1m}
services: {shop: {versions: {v1: {endpoints: ["127.0.0.1:${service.port}"]}}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]
`);
  t.after(() => gateway.end());
  const body = join(authority.folder, 'body');
  writeFileSync(body, Buffer.alloc(20_000, 'sluice '));
  const { listeners } = await gateway.status();
  for (const url of listeners) {
    for (const args of [
      ['-c1', '-m100'],
      ['-c4', '-m16', '-d', body],
    ]) {
      const { stdout } = await run(H2LOAD as string, ['-t1', `-n${REQUESTS}`, ...args, `${url}/`]);
      assert.match(stdout, new RegExp(`^status codes: ${REQUESTS} 2xx, 0 3xx, 0 4xx, 0 5xx$`, 'm'), stdout);
      assert.match(stdout, / 0 failed, 0 errored, 0 timeout$/m, stdout);
    }
  }
});
