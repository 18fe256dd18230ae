import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMetricsName, unitOf } from '#src/export/exposition/formats/names.ts';

test('a unit is the end of a name, whatever suffix follows', () => {
  for (const [name, unit] of [
    ['process_cpu_seconds_total', 'seconds'],
    ['sluice_state_file_bytes', 'bytes'],
    ['sluice_version_weight_ratio', 'ratio'],
    ['sluice_requests_total', ''],
    ['sluice_seconds_left', ''],
  ] as const)
    assert.equal(unitOf(name), unit, name);
});

test('OpenMetrics names families without the suffix of their samples', () => {
  assert.equal(openMetricsName({ name: 'a_total', type: 'counter' }), 'a');
  assert.equal(openMetricsName({ name: 'a_info', type: 'info' }), 'a');
  assert.equal(openMetricsName({ name: 'a_total', type: 'gauge' }), 'a_total');
  assert.equal(openMetricsName({ name: 'a_seconds', type: 'histogram' }), 'a_seconds');
});
