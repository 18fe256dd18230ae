import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { Config } from '#src/model/config.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { PLAIN, type Setup } from '../../../../../bench/macro/contenders/contender.ts';
import { ACCESS_LOG_RATIO, hasAccessLog, sluice } from '../../../../../bench/macro/contenders/sluice.ts';
import { assertForwards } from '../../support/forwards.ts';

function configFor(t: TestContext, setup: Setup): Config {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const binary = (name: string): string => name;
  const file = sluice.prepare({ folder, port: 7001, adminPort: 7002, upstreamPort: 7003, setup, binary }).at(-1) ?? '';
  const result = parseConfig(readFileSync(file, 'utf8'), file);
  assert.ok(result.ok, JSON.stringify(result));
  // Both versions stand on the one upstream, which a real configuration should not do.
  const warnings = result.warnings.filter(({ code }) => code !== 'SLU1903');
  assert.deepEqual(warnings, []);
  return result.config;
}

describe('the Sluice contender', () => {
  test('judges a canary with one worker, color and access log: nothing is switched off to be fast', (t) => {
    const { workers, listen, admin, color, accessLog, services, routes } = configFor(t, PLAIN);
    assert.equal(workers, 1);
    assert.deepEqual([listen.port, admin.port], [7001, 7002]);
    assert.deepEqual(
      routes[0]?.backendRefs.map(({ weight }) => weight),
      [95, 5],
    );
    assert.equal(color.acceptFrom, 'anyone');
    assert.deepEqual(services[0]?.versions[1]?.colors, ['canary']);
    assert.equal(routes[0]?.sticky?.header, 'x-user-id');
    assert.equal(routes[0]?.slo?.latency?.thresholdMs, 300);
    assert.equal(routes[0]?.rollout?.canary, 'v2');
    assert.equal(accessLog.sampleRatio, hasAccessLog() ? ACCESS_LOG_RATIO : 0);
  });

  for (const count of [10, 100]) {
    test(`has ten rollouts in progress with ${count} routes, and two versions on each`, (t) => {
      const { routes } = configFor(t, { workers: 2, routes: count });
      assert.equal(routes.length, count);
      assert.equal(routes.filter(({ rollout }) => rollout !== null).length, 10);
      assert.ok(routes.every(({ backendRefs, slo, sticky }) => backendRefs.length === 2 && slo && sticky));
      assert.ok(routes.every(({ hostnames, matches }) => hostnames.length === 1 && matches[0]?.path.value !== '/'));
    });
  }

  test('forwards', async (t) => {
    assert.notEqual(await assertForwards(t, sluice), 'close');
    assert.match(
      sluice.version((name) => name),
      /^\d+\.\d+\.\d+$/,
    );
  });
});
