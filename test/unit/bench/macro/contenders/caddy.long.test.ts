import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { caddy } from '../../../../../bench/macro/contenders/caddy.ts';
import { PLAIN } from '../../../../../bench/macro/contenders/contender.ts';
import { findBinary } from '../../../../support/runner/servers.ts';
import { assertForwards } from '../../support/forwards.ts';

describe('the Caddy contender', () => {
  test('runs on one processor, keeps its files in its own folder and connections to the upstream', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const binary = (name: string): string => name;
    const place = { folder, port: 7001, adminPort: 0, upstreamPort: 7003, setup: PLAIN, binary };
    const command = caddy.prepare(place);
    assert.equal(command[0], 'env');
    assert.ok(command.includes('GOMAXPROCS=1') && command.includes(`XDG_DATA_HOME=${folder}`));
    const text = readFileSync(join(folder, 'Caddyfile'), 'utf8');
    for (const line of [
      'admin off',
      'auto_https off',
      'bind 127.0.0.1',
      'reverse_proxy 127.0.0.1:7003',
      'keepalive 1h',
    ]) {
      assert.ok(text.includes(line), line);
    }
  });

  test('forwards', {
    skip: findBinary('caddy') === null && 'caddy is not installed (Debian package caddy)',
  }, async (t) => {
    assert.notEqual(await assertForwards(t, caddy), 'close');
    assert.match(
      caddy.version((name) => findBinary(name) ?? name),
      /^\d+\.\d+/,
    );
  });
});
