/** Prometheus itself takes the exported rules, and rings when they say so: promtool checks and runs them over series. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { prometheusRules } from '#src/cli/slo/formats/prometheus.ts';
import { type FileObjective, objectivesIn, selectorOf } from '#src/cli/slo/objective.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { configOf } from '../../../support/config.ts';
import { CONFIG } from '../../../support/readings/slo-file.ts';
import { findBinary } from '../../../support/runner/servers.ts';

const PROMTOOL = findBinary('promtool');
const OBJECTIVES = objectivesIn(configOf(CONFIG));
const RULES = prometheusRules(OBJECTIVES, sloTools.rules, '9.9.9');
const FIRST = OBJECTIVES[0] as FileObjective;
const ALERT = 'SluiceErrorBudgetBurn';

/** Runs promtool in a folder with these files, which are JSON and so YAML. */
async function promtool(context: TestContext, files: Readonly<Record<string, unknown>>, argv: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-rules-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), sloTools.writeYaml([content]));
  const { stdout } = await promisify(execFile)(PROMTOOL as string, argv, { cwd: folder });
  return stdout;
}

/** The counters of the first objective, a sample a minute. */
function series(good: string, bad: string) {
  const of = (outcome: string) => `sluice_slo_events_total{${selectorOf(FIRST)},outcome="${outcome}"}`;
  return [
    { series: of('good'), values: good },
    { series: of('bad'), values: bad },
  ];
}

/** The alerts of the first objective, as promtool wants them. */
function alerts(severities: readonly string[]) {
  const rules = RULES.groups[2]?.rules ?? [];
  const firing = rules.filter(({ labels }) => severities.includes(labels['severity'] ?? ''));
  const shown = ({ labels, annotations }: (typeof firing)[number]) => ({
    exp_labels: labels,
    exp_annotations: annotations,
  });
  return { alertname: ALERT, exp_alerts: firing.map(shown) };
}

const own = '{sloth_id="checkout-route-availability"}';
const is = (metric: string, value: number, at: string) => ({
  expr: `sum(${metric}${own})`,
  eval_time: at,
  exp_samples: [{ labels: '{}', value }],
});

it('the rules are what Prometheus takes', { skip: PROMTOOL === null }, async (context) => {
  const told = await promtool(context, { 'rules.yaml': RULES }, ['check', 'rules', 'rules.yaml']);
  const count = RULES.groups.reduce((sum, { rules }) => sum + rules.length, 0);
  assert.match(told, new RegExp(`SUCCESS: ${count} rules found`));
});

it('they ring in an outage, and at nothing else', { skip: PROMTOOL === null }, async (context) => {
  const steady = { interval: '1m' };
  const tests = [
    {
      // 3600 requests a minute, none of which fails; then all do.
      ...steady,
      input_series: series('0+3600x120 432000+0x30', '0+0x120 0+3600x30'),
      alert_rule_test: [
        { eval_time: '119m', ...alerts([]) },
        { eval_time: '140m', ...alerts(['page', 'ticket']) },
      ],
      promql_expr_test: [
        is('slo:sli_error:ratio_rate5m', 0, '119m'),
        is('slo:sli_error:ratio_rate5m', 1, '140m'),
        is('slo:current_burn_rate:ratio', 1000, '140m'),
        is('slo:objective:ratio', 0.999, '140m'),
        is('slo:error_budget:ratio', 0.001, '140m'),
        is('slo:time_period:days', 28, '140m'),
        is('sloth_slo_info', 1, '140m'),
      ],
    },
    {
      // One of 2000 fails: half of what the objective allows.
      ...steady,
      input_series: series('0+1999x200', '0+1x200'),
      alert_rule_test: [{ eval_time: '200m', ...alerts([]) }],
      promql_expr_test: [is('slo:current_burn_rate:ratio', 0.5, '200m'), is('slo:period_burn_rate:ratio', 0.5, '200m')],
    },
    {
      // Nobody asks: there is no ratio.
      ...steady,
      input_series: series('0+0x60', '0+0x60'),
      alert_rule_test: [{ eval_time: '60m', ...alerts([]) }],
      promql_expr_test: [{ expr: `slo:sli_error:ratio_rate5m${own}`, eval_time: '60m', exp_samples: [] }],
    },
  ];
  const file = { rule_files: ['rules.yaml'], evaluation_interval: '1m', tests };
  // One objective's rules: the others' are the same over series that are not there.
  const rules = { groups: RULES.groups.slice(0, 3) };
  const told = await promtool(context, { 'rules.yaml': rules, 'test.yaml': file }, ['test', 'rules', 'test.yaml']);
  assert.match(told, /SUCCESS/);
});
