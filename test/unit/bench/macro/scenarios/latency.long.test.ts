import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commonRate, rateFor, runLatency } from '../../../../../bench/macro/scenarios/latency.ts';
import type { LatencyScenario } from '../../../../../bench/macro/scenarios/scenario.ts';
import { fakeRun } from '../../support/session.ts';

describe('the common rate', () => {
  test('is half of the slower of Sluice and nginx', () => {
    const saturated = new Map([
      ['nginx', 30_000],
      ['haproxy', 40_000],
      ['sluice', 26_001],
      ['http-proxy-3', 4_000],
    ]);
    assert.equal(commonRate(saturated), 13_001);
    saturated.delete('sluice');
    assert.equal(commonRate(saturated), 15_000);
  });

  test('is half of the slowest where neither takes part', () => {
    assert.equal(commonRate(new Map([['http-proxy-3', 4_000]])), 2_000);
  });

  test('is for everybody who can carry it; others get half of their own', () => {
    assert.equal(rateFor(10_000, 20_000), 10_000);
    assert.equal(rateFor(10_000, 12_500), 10_000);
    assert.equal(rateFor(10_000, 12_000), 6_000);
    assert.equal(rateFor(10_000, null), 10_000);
  });
});

const SCENARIO: LatencyScenario = {
  kind: 'latency',
  name: 'latency',
  title: 'latency',
  contenders: ['node-undici'],
  connections: 20,
};

describe('runLatency', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  test('measures every gateway and the way without one', async (t) => {
    const { session } = await fakeRun(t, { rate: 150 });
    const [direct, gateway, ...others] = await runLatency(SCENARIO, session);
    assert.deepEqual(others, []);
    assert.deepEqual([direct?.name, direct?.refused], ['direct', null]);
    assert.deepEqual([gateway?.name, gateway?.refused], ['node-undici', null]);
    const [own] = direct?.samples ?? [];
    const [through] = gateway?.samples ?? [];
    assert.ok(own !== undefined && through !== undefined);
    assert.equal(own.requests, through.requests, 'the same schedule for both');
    assert.equal(own.cpuUs, 0);
    assert.ok(through.cpuUs > 0 && through.p50Ms > 0);
  });

  test('takes half of what saturates where no rate is given', async (t) => {
    const { session, loads } = await fakeRun(t, { rate: 0, rounds: 0, warmUpSeconds: 1 });
    const series = await runLatency(SCENARIO, session);
    assert.deepEqual(
      series.map(({ rate, saturatedRate }) => [rate, saturatedRate]),
      [
        [500, null],
        [500, 1_000],
      ],
    );
    assert.equal(loads().length, 2, 'a warm-up and the saturation');
  });
});
