import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { affordableConnections, idleSample, runIdle } from '../../../../../bench/macro/scenarios/idle.ts';
import type { IdleScenario } from '../../../../../bench/macro/scenarios/scenario.ts';
import { fakeRun } from '../../support/session.ts';

describe('idle connections', () => {
  test('are as many as wanted, or as the limit on open files leaves', () => {
    assert.equal(affordableConnections(10_000, 20_000), 10_000);
    assert.equal(affordableConnections(10_000, 4_096), 2_096);
    assert.equal(affordableConnections(10_000, Number.POSITIVE_INFINITY), 10_000);
    assert.equal(affordableConnections(10_000, 1_024), 1);
  });

  test('cost what is over the baseline', () => {
    assert.equal(idleSample(1_000, 50_000, 58_000).kibPerConnection, 8);
    assert.ok(idleSample(1_000, 50_000, 49_000).kibPerConnection < 0, 'memory that was given back is not hidden');
    assert.throws(() => idleSample(1_000, 0, 49_000), /makes|memory of 0/);
  });
});

const SCENARIO: IdleScenario = {
  kind: 'idle',
  name: 'idle',
  title: 'idle',
  contenders: ['node-undici'],
  connections: 10_000,
};

describe('runIdle', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  test('holds connections that had a request answered, and weighs them', async (t) => {
    const { session, told } = await fakeRun(t, {});
    const [series] = await runIdle(SCENARIO, session);
    assert.equal(series?.refused, null);
    const [sample] = series?.samples ?? [];
    assert.equal(sample?.connections, 100);
    assert.ok((sample?.heldKib ?? 0) > 20_000);
    assert.match(told.join('\n'), /KiB per connection/);
  });
});
