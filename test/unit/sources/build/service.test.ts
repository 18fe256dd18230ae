import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildEndpoint, buildHealthCheck, buildOutlier, buildService } from '#src/sources/build/service.ts';

describe('buildService', () => {
  test('fills every default in', () => {
    assert.deepEqual(buildService('a', { versions: { v2: { endpoints: [] }, v1: { endpoints: ['H:1'] } } }), {
      name: 'a',
      versions: [
        { name: 'v1', colors: [], endpoints: [{ host: 'h', port: 1, weight: 1 }], limit: null },
        { name: 'v2', colors: [], endpoints: [], limit: null },
      ],
      balancer: 'peakEwma',
      slowStartMs: 0,
      health: null,
      outlier: {
        consecutiveErrors: 5,
        successRatioMin: 0.8,
        latencyFactor: 5,
        requestsMin: 50,
        intervalMs: 5000,
        ejectionMs: 10_000,
        ejectionMaxMs: 300_000,
        ejectedRatioMax: 0.5,
      },
      slo: null,
      limit: null,
      breaker: null,
    });
  });

  test('takes every value that is written', () => {
    const healthCheck = {
      path: '/up?x=1',
      host: 'Shop.Example:80',
      interval: '1s',
      timeout: '500ms',
      healthyCount: 1,
      unhealthyCount: 9,
    };
    const outlierDetection = {
      consecutiveErrors: 1,
      successRatioMin: 0,
      latencyFactor: 1.5,
      requestsMin: 2,
      interval: '3s',
      ejection: '4s',
      ejectionMax: '5s',
      probes: 7,
      ejectedRatioMax: 1,
    };
    const service = {
      versions: {},
      balancer: 'consistentHash',
      slowStart: '30s',
      healthCheck,
      outlierDetection,
    } as const;
    const { balancer, slowStartMs, health, outlier } = buildService('a', service);
    assert.deepEqual([balancer, slowStartMs], ['consistentHash', 30_000]);
    assert.deepEqual(health, {
      path: '/up?x=1',
      host: 'shop.example:80',
      intervalMs: 1000,
      timeoutMs: 500,
      healthyCount: 1,
      unhealthyCount: 9,
    });
    assert.deepEqual(outlier, {
      consecutiveErrors: 1,
      successRatioMin: 0,
      latencyFactor: 1.5,
      requestsMin: 2,
      intervalMs: 3000,
      ejectionMs: 4000,
      ejectionMaxMs: 5000,
      probes: 7,
      ejectedRatioMax: 1,
    });
  });
});

test('an endpoint is the same in both forms', () => {
  assert.deepEqual(buildEndpoint('[0:0::1]:80'), { host: '::1', port: 80, weight: 1 });
  assert.deepEqual(buildEndpoint({ address: '[0:0::1]:80' }), buildEndpoint('[::1]:80'));
  assert.deepEqual(buildEndpoint({ address: 'A:1', weight: 1000 }), { host: 'a', port: 1, weight: 1000 });
});

test('a health check that says nothing has defaults; outlier detection is on until it is switched off', () => {
  assert.deepEqual(buildHealthCheck({}), {
    path: '/',
    host: null,
    intervalMs: 5000,
    timeoutMs: 2000,
    healthyCount: 2,
    unhealthyCount: 3,
  });
  assert.equal(buildOutlier(false), null);
  assert.deepEqual(buildOutlier({}), buildOutlier());
  assert.equal('probes' in (buildOutlier({}) ?? {}), false, 'fingerprints of documents from before it stay');
});
