import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baselineOf, readBaseline } from '#src/cli/gate/baseline.ts';
import { sampleRoute } from '../../../support/readings/status.ts';

const STATUS = {
  startedAt: 'then',
  routes: [sampleRoute({ p99Ms: 7 }), sampleRoute({ name: 'other', p99Ms: null })],
  latencies: [{ route: 'checkout', counts: [[190, 1000]] as const }],
};

test('a baseline reads as it was written', () => {
  const baseline = baselineOf(STATUS, []);
  assert.deepEqual(readBaseline(JSON.stringify(baseline), 'b.json'), baseline);
  assert.deepEqual(baselineOf(STATUS, ['other']).routes, [
    { name: 'other', requests: 1000, bad: 12, p99Ms: null, latencies: [] },
  ]);
  assert.deepEqual(baseline.routes[0]?.latencies, [[190, 1000]]);
});

test('one of an earlier version, without latencies, is read', () => {
  const { latencies: _latencies, ...route } = baselineOf(STATUS, ['other']).routes[0] ?? assert.fail();
  const old = { format: 1, startedAt: 'then', routes: [route] };
  assert.deepEqual(readBaseline(JSON.stringify(old), 'b.json'), old);
});

test('what is no baseline is refused', () => {
  const good = baselineOf(STATUS, []);
  const [route] = good.routes;
  for (const wrong of [
    null,
    [],
    {},
    { ...good, format: 2 },
    { ...good, routes: [{ ...route, bad: -1 }] },
    { ...good, routes: [null] },
    { ...good, routes: [{ ...route, latencies: [[672, 1]] }] },
    { ...good, routes: [{ ...route, latencies: [[1, -1]] }] },
    { ...good, routes: [{ ...route, latencies: [1] }] },
  ]) {
    assert.throws(() => readBaseline(JSON.stringify(wrong), 'b.json'), { code: 'SLU_USAGE' }, JSON.stringify(wrong));
  }
  assert.throws(() => readBaseline('{', 'b.json'), /b\.json is not JSON/);
});
