import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PLAIN, type Setup } from '../../../../../bench/macro/contenders/contender.ts';
import { haproxy } from '../../../../../bench/macro/contenders/haproxy.ts';
import { findBinary } from '../../../../support/runner/servers.ts';

function placeIn(folder: string, setup: Setup) {
  const binary = (name: string): string => findBinary(name) ?? name;
  return { folder, port: 7001, adminPort: 0, upstreamPort: 7003, setup, binary };
}

describe('the HAProxy contender', () => {
  for (const setup of [PLAIN, { workers: 2, routes: 1 }, { workers: 1, routes: 10_000 }]) {
    test(`is accepted with ${setup.workers} workers and ${setup.routes} routes, reuses connections, logs nothing`, (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
      t.after(() => rmSync(folder, { recursive: true }));
      const place = placeIn(folder, setup);
      const file = haproxy.prepare(place).at(-1) ?? '';
      const text = readFileSync(file, 'utf8');
      for (const line of [`nbthread ${setup.workers}\n`, 'http-reuse always', 'option forwardfor', '127.0.0.1:7003']) {
        assert.ok(text.includes(line), line);
      }
      assert.doesNotMatch(text, /^\s*log\b|option httplog/m);
      if (setup.routes > 1) {
        const lines = readFileSync(join(folder, 'routes.map'), 'utf8').trimEnd().split('\n');
        assert.equal(new Set(lines).size, setup.routes);
      }
      if (findBinary('haproxy') === null) return t.skip('haproxy is not installed (Debian package haproxy)');
      const { status, stderr } = spawnSync(place.binary('haproxy'), ['-c', '-f', file], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.match(haproxy.version(place.binary), /^\d+\.\d+/);
    });
  }
});
