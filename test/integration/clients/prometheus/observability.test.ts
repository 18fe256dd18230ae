/** promtool takes the page and what is made from the metric families, and runs the alerts. */

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createMetrics } from '#src/export/metrics.ts';
import { ALERTS, alertsFile } from '../../../../deploy/observability/alerts.ts';
import { ROWS } from '../../../../deploy/observability/dashboard.ts';
import { PROMTOOL, promtool } from '../../../support/clients/promtool.ts';
import { fullSource } from '../../../support/readings/metrics/scrape.ts';

const skip = PROMTOOL === null;

suite('observability', () => {
  test('promtool has nothing to say about the page', { skip }, async (t) => {
    const { body } = await createMetrics(fullSource()).page();
    const { code, output } = await promtool(t, {}, ['check', 'metrics'], body);
    const told = output.split('\n').filter((line) => line !== '' && !/^nodejs_|^process_/.test(line));
    assert.deepEqual(told, [], 'of our own');
    // prom-client's names of the runtime's metrics are its own.
    assert.ok(code === 0 || code === 3, output);
  });

  test('Prometheus takes the alerts and the queries of the dashboard', { skip }, async (t) => {
    const queries = ROWS.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr)));
    const rules = queries.map((expr, n) => ({ record: `panel:${n}`, expr: expr.replaceAll('$__rate_interval', '5m') }));
    const files = {
      'alerts.yaml': alertsFile(),
      'panels.yaml': JSON.stringify({ groups: [{ name: 'panels', rules }] }),
    };
    const { code, output } = await promtool(t, files, ['check', 'rules', 'alerts.yaml', 'panels.yaml']);
    assert.equal(code, 0, output);
    assert.match(output, new RegExp(`SUCCESS: ${ALERTS.length} rules found`));
    assert.match(output, new RegExp(`SUCCESS: ${queries.length} rules found`));
  });

  test('each alert rings at what it is about, and is silent on a healthy gateway', { skip }, async (t) => {
    const cases = RINGS.map(({ alert, series, labels }) => ({
      interval: '1m',
      input_series: series,
      alert_rule_test: ALERTS.map(({ name, severity, summary }) => ({
        eval_time: AT,
        alertname: name,
        exp_alerts:
          name === alert
            ? [
                {
                  exp_labels: { severity, ...labels },
                  exp_annotations: {
                    summary: filled(summary, labels),
                    runbook_url: `docs/RUNBOOKS.md#${name.toLowerCase()}`,
                  },
                },
              ]
            : [],
      })),
    }));
    assert.deepEqual(
      RINGS.map(({ alert }) => alert).filter((name) => name !== ''),
      ALERTS.map(({ name }) => name),
    );
    const file = { rule_files: ['alerts.yaml'], evaluation_interval: '1m', tests: cases };
    const files = { 'alerts.yaml': alertsFile(), 'test.yaml': JSON.stringify(file) };
    const { code, output } = await promtool(t, files, ['test', 'rules', 'test.yaml']);
    assert.equal(code, 0, output);
  });
});

function filled(summary: string, labels: Readonly<Record<string, string>>): string {
  return summary.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '');
}

interface Ring {
  readonly alert: string;
  readonly series: readonly { readonly series: string; readonly values: string }[];
  /** Of the alert. */
  readonly labels: Readonly<Record<string, string>>;
}

/** When alerts are looked at. */
const AT = '120m';
const WHERE = { job: 'sluice', instance: 'a' };

/** One series that makes an alert ring, and the labels that it has then beside those of the scrape. */
function ring(alert: string, name: string, values: string, labels: Record<string, string> = {}): Ring {
  const all = { ...WHERE, ...labels };
  const selector = Object.entries(all).map(([label, value]) => `${label}="${value}"`);
  return { alert, series: [{ series: `${name}{${selector.join(',')}}`, values }], labels: all };
}

/** The labels that an aggregation drops. */
function without(one: Ring, ...names: readonly string[]): Ring {
  return { ...one, labels: Object.fromEntries(Object.entries(one.labels).filter(([name]) => !names.includes(name))) };
}

const OBJECTIVE = { scope: 'route', name: 'checkout', sli: 'availability' };

const RINGS: readonly Ring[] = [
  ring('SluiceDown', 'up', '1x100 0x40'),
  ring('SluiceNotReady', 'sluice_ready', '1x100 0x40'),
  without(
    ring('SluiceObjectivePage', 'sluice_slo_alert_firing', '0x100 1x40', {
      ...OBJECTIVE,
      severity: 'page',
      window: '1h',
    }),
    'window',
  ),
  without(
    ring('SluiceObjectiveTicket', 'sluice_slo_alert_firing', '0x100 1x40', {
      ...OBJECTIVE,
      severity: 'ticket',
      window: '3d',
    }),
    'window',
  ),
  ring('SluiceBudgetSpent', 'sluice_slo_error_budget_remaining_ratio', '1x100 -0.5x40', OBJECTIVE),
  ring('SluiceRollback', 'sluice_rollback_total', '0x110 1x30', { route: 'checkout', version: 'v2' }),
  without(
    ring('SluiceVersionOut', 'sluice_endpoint_up', '1x100 0x40', {
      service: 's',
      version: 'v1',
      endpoint: '127.0.0.1:1',
    }),
    'endpoint',
  ),
  ring('SluiceShedding', 'sluice_saturation_grade', '0x100 2x40', { scope: 'process' }),
  ring('SluiceWorkerReplaced', 'sluice_worker_restarts_total', '0x110 1x30'),
  ring('SluiceDefect', 'sluice_defects_total', '0x110 1x30', { part: 'rollouts' }),
  ring('SluiceConfigRefused', 'sluice_config_reloads_total', '0x110 1x30', { result: 'refused' }),
  ring('SluiceConfigHeld', 'sluice_config_in_sync', '1x20 0x120'),
  ring('SluiceSourceStale', 'sluice_source_stale_seconds', '0x100 400x40', { source: 'consul' }),
  ring('SluiceCertificateEnds', 'sluice_certificate_expiry_timestamp_seconds', '1000000x140', {
    listener: 'l',
    certificate: '0',
  }),
  ring('SluiceCertificateKept', 'sluice_listener_tls_state', '0x100 1x40', { listener: 'l', state: 'kept' }),
  ring('SluiceStateUnavailable', 'sluice_state', '0x100 1x40', { kind: 'unavailable' }),
  ring('SluiceFleetAlone', 'sluice_fleet_mode', '0x100 1x40', { mode: 'alone' }),
  ring('SluiceFaultsForgotten', 'sluice_faults_active', '0x20 1x120'),
  without(ring('SluiceLogLost', 'sluice_access_log_dropped_total', '0x110 5x30', { cause: 'stream' }), 'cause'),
  without(ring('SluiceScrapesFail', 'sluice_scrapes_failed_total', '0x110 9x30', { result: 'refused' }), 'result'),
  // A healthy gateway.
  ...[
    {
      alert: '',
      labels: {},
      series: [
        ring('', 'up', '1x140'),
        ring('', 'sluice_ready', '1x140'),
        ring('', 'sluice_slo_alert_firing', '0x140', { ...OBJECTIVE, severity: 'page', window: '1h' }),
        ring('', 'sluice_slo_error_budget_remaining_ratio', '0.5x140', OBJECTIVE),
        ring('', 'sluice_rollback_total', '3x140', { route: 'checkout', version: 'v2' }),
        ring('', 'sluice_endpoint_up', '1x140', { service: 's', version: 'v1', endpoint: '127.0.0.1:1' }),
        ring('', 'sluice_endpoint_up', '0x140', { service: 's', version: 'v1', endpoint: '127.0.0.1:2' }),
        ring('', 'sluice_config_in_sync', '1x140'),
        ring('', 'sluice_state', '0x140', { kind: 'unavailable' }),
        ring('', 'sluice_scrapes_failed_total', '0x110 1x30', { result: 'aborted' }),
      ].flatMap(({ series }) => series),
    },
  ],
];
