import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { haproxy } from '../../../../../bench/macro/contenders/haproxy.ts';
import { findBinary } from '../../../../support/runner/servers.ts';

describe('the HAProxy contender', () => {
  test('has one thread, reuses connections, and its configuration is accepted where it is installed', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = findBinary('haproxy');
    const place = { folder, port: 7001, adminPort: 0, upstreamPort: 7003, binary: () => path ?? 'haproxy' };
    const file = haproxy.prepare(place).at(-1) ?? '';
    const text = readFileSync(file, 'utf8');
    for (const line of ['nbthread 1', 'http-reuse always', 'option forwardfor', '127.0.0.1:7003']) {
      assert.ok(text.includes(line), line);
    }
    if (path === null) return t.skip('haproxy is not installed (Debian package haproxy)');
    const { status, stderr } = spawnSync(path, ['-c', '-f', file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.match(haproxy.version(place), /^\d+\.\d+/);
  });
});
