import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { Children, freePort, untilReady } from '../../../../../bench/macro/children.ts';
import { nginx, upstreamCommand } from '../../../../../bench/macro/contenders/nginx.ts';
import { findBinary } from '../../../../support/runner/servers.ts';

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('the nginx contender', () => {
  test('is configured to do comparable work with one worker and no log', (t) => {
    const place = {
      folder: temporaryFolder(t),
      port: 7001,
      adminPort: 0,
      upstreamPort: 7003,
      binary: (name: string) => name,
    };
    const command = nginx.prepare(place);
    const text = readFileSync(command.at(-1) ?? '', 'utf8');
    for (const line of [
      'worker_processes 1;',
      'access_log off;',
      'proxy_http_version 1.1;',
      'server 127.0.0.1:7003;',
    ]) {
      assert.ok(text.includes(line), line);
    }
    assert.match(text, /X-Forwarded-For[\s\S]*X-Forwarded-Proto[\s\S]*X-Forwarded-Host[\s\S]*X-Request-Id/);
  });

  test('serves through itself as upstream', async (t) => {
    const path = findBinary('nginx');
    if (path === null) return t.skip('nginx is not installed (Debian package nginx)');
    const folder = temporaryFolder(t);
    const children = new Children();
    t.after(() => children.stopAll());
    const [port, upstreamPort] = [await freePort(), await freePort()];
    const place = { folder, port, adminPort: 0, upstreamPort, binary: () => path };
    const upstream = children.start('upstream', -1, upstreamCommand(folder, upstreamPort, path));
    const gateway = children.start('gateway', -1, nginx.prepare(place));
    await untilReady(upstream, `http://127.0.0.1:${upstreamPort}/`);
    await untilReady(gateway, nginx.readyUrl(place));
    assert.match(nginx.version(place), /^\d+\.\d+/);
  });
});
