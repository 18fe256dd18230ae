/** The rules by their names; that Prometheus takes them, and when they ring, is test/integration/clients/prometheus/promtool.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prometheusRules, slothLabels } from '#src/cli/slo/formats/prometheus.ts';
import { objectivesIn } from '#src/cli/slo/objective.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { configOf } from '../../../../support/config.ts';
import { CONFIG } from '../../../../support/readings/slo-file.ts';

const OBJECTIVES = objectivesIn(configOf(CONFIG));
const { groups } = prometheusRules(OBJECTIVES, sloTools.rules, '9.9.9');

test('each objective has the series that dashboards for Sloth read', () => {
  assert.equal(groups.length, 3 * OBJECTIVES.length);
  const records = groups.slice(0, 3).flatMap(({ rules }) => rules.flatMap(({ record }) => record ?? []));
  assert.deepEqual(records, [
    ...['5m', '30m', '1h', '2h', '6h', '1d', '3d', '4w'].map((window) => `slo:sli_error:ratio_rate${window}`),
    'slo:objective:ratio',
    'slo:error_budget:ratio',
    'slo:time_period:days',
    'slo:current_burn_rate:ratio',
    'slo:period_burn_rate:ratio',
    'slo:period_error_budget_remaining:ratio',
    'sloth_slo_info',
  ]);
});

test('the period is named as Prometheus writes four weeks', () => {
  const period = groups.flatMap(({ rules }) => rules).find(({ record }) => record === 'slo:sli_error:ratio_rate4w');
  assert.equal(period?.labels['sloth_window'], '4w');
  assert.match(period.expr, /\[4w\]/);
});

test('every rule has the labels that tell objectives apart', () => {
  const [first] = OBJECTIVES;
  assert.ok(first !== undefined);
  const labels = slothLabels(first);
  assert.deepEqual(labels, {
    sloth_id: 'checkout-route-availability',
    sloth_service: 'checkout',
    sloth_slo: 'route-availability',
  });
  for (const rule of groups.slice(0, 3).flatMap(({ rules }) => rules)) {
    for (const [name, value] of Object.entries(labels)) assert.equal(rule.labels[name], value);
  }
});

test('names are quoted as PromQL wants them', () => {
  const odd = {
    scope: 'route',
    name: 'a"b\\c',
    indicator: 'availability',
    targetRatio: 0.9,
    thresholdMs: null,
    calendar: null,
  } as const;
  const [group] = prometheusRules([odd], sloTools.rules, '1').groups;
  assert.ok(group?.rules[0]?.expr.includes('name="a\\"b\\\\c"'));
});
