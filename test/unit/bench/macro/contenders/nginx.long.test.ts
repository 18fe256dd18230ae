import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PLAIN } from '../../../../../bench/macro/contenders/contender.ts';
import { nginx } from '../../../../../bench/macro/contenders/nginx.ts';
import { findBinary } from '../../../../support/runner/servers.ts';
import { assertForwards } from '../../support/forwards.ts';

const isMissing = findBinary('nginx') === null && 'nginx is not installed (Debian package nginx)';

describe('the nginx contender', () => {
  for (const setup of [PLAIN, { workers: 2, routes: 1 }, { workers: 1, routes: 10_000 }]) {
    test(`is accepted with ${setup.workers} workers and ${setup.routes} routes and logs nothing`, (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const binary = (name: string): string => findBinary(name) ?? name;
      const command = nginx.prepare({ folder, port: 7001, adminPort: 0, upstreamPort: 7003, setup, binary });
      const text = readFileSync(command.at(-1) ?? '', 'utf8');
      for (const line of [`worker_processes ${setup.workers};`, 'access_log off;', 'server 127.0.0.1:7003;']) {
        assert.ok(text.includes(line), line);
      }
      assert.equal(text.match(/location /g)?.length, setup.routes === 1 ? 1 : setup.routes + 1);
      if (isMissing !== false) return t.skip(isMissing);
      const { status, stderr } = spawnSync(command[0] ?? '', [...command.slice(1), '-t'], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  }

  test('forwards', { skip: isMissing }, async (t) => {
    assert.notEqual(await assertForwards(t, nginx), 'close');
    assert.match(
      nginx.version((name) => findBinary(name) ?? name),
      /^\d+\.\d+/,
    );
  });
});
