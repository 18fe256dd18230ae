import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sorted, trafficBetween } from '#src/cli/live/traffic.ts';
import { sampleRoute, sampleSlo, sampleStatus } from '../../../support/readings/status.ts';

const at = (uptimeMs: number, requests: number, bad: number, more = {}) =>
  sampleStatus({ uptimeMs, routes: [sampleRoute({ requests, bad })], slos: [sampleSlo()], ...more });

suite('traffic between two looks', () => {
  test('is what was counted meanwhile, by the gateway’s clock', () => {
    const [row] = trafficBetween(at(10_000, 1000, 10), at(12_000, 1500, 60));
    assert.deepEqual([row?.requestsPerSecond, row?.errorRatio], [250, 0.1]);
    assert.match(row?.rollout ?? '', /^v2 \d+ %, /);
  });

  test('where nothing came there is no error ratio', () => {
    const [row] = trafficBetween(at(10_000, 1000, 10), at(12_000, 1000, 10));
    assert.deepEqual([row?.requestsPerSecond, row?.errorRatio], [0, null]);
  });

  test('a gateway that began anew, and a route whose counts fell, are counted from zero', () => {
    const [anew] = trafficBetween(at(10_000, 1000, 10), at(2000, 100, 1, { pid: 5000 }));
    assert.deepEqual([anew?.requestsPerSecond, anew?.errorRatio], [50, 0.01]);
    const [fell] = trafficBetween(at(10_000, 1000, 10), at(12_000, 100, 1));
    assert.deepEqual([fell?.requestsPerSecond, fell?.errorRatio], [50, 0.01]);
  });

  test('sorts by each key, the unknown last and equals by name', () => {
    const [row] = trafficBetween(at(1000, 1, 0), at(2000, 2, 0));
    assert.ok(row !== undefined);
    const rows = [
      { ...row, route: 'b', requestsPerSecond: 1, errorRatio: null, p99Ms: 3, burn: 5 },
      { ...row, route: 'a', requestsPerSecond: 1, errorRatio: 0, p99Ms: null, burn: null },
      { ...row, route: 'c', requestsPerSecond: 9, errorRatio: 0.5, p99Ms: 1, burn: 7 },
    ];
    const order = (key: Parameters<typeof sorted>[1]) =>
      sorted(rows, key)
        .map(({ route }) => route)
        .join('');
    assert.deepEqual((['traffic', 'errors', 'p99', 'burn', 'name'] as const).map(order), [
      'cab',
      'cab',
      'bca',
      'cba',
      'abc',
    ]);
  });
});
