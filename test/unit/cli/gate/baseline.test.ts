import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baselineOf, readBaseline } from '#src/cli/gate/baseline.ts';
import { sampleRoute } from '../../../support/readings/status.ts';

const STATUS = { startedAt: 'then', routes: [sampleRoute({ p99Ms: 7 }), sampleRoute({ name: 'other', p99Ms: null })] };

test('a baseline reads as it was written', () => {
  const baseline = baselineOf(STATUS, []);
  assert.deepEqual(readBaseline(JSON.stringify(baseline), 'b.json'), baseline);
  assert.deepEqual(baselineOf(STATUS, ['other']).routes, [{ name: 'other', requests: 1000, bad: 12, p99Ms: null }]);
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
  ]) {
    assert.throws(() => readBaseline(JSON.stringify(wrong), 'b.json'), { code: 'SLU_USAGE' }, JSON.stringify(wrong));
  }
  assert.throws(() => readBaseline('{', 'b.json'), /b\.json is not JSON/);
});
