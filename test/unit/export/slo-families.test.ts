import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { scrape, series } from '../../support/readings/metrics/scrape.ts';
import { sampleSlo, sampleStatus } from '../../support/readings/status.ts';

const LATENCY = sampleSlo({ indicator: 'latency', thresholdMs: 300, targetRatio: 0.99, remainingRatio: -2 });
const IDLE = sampleSlo({
  scope: 'service',
  name: 'idle',
  eventsTotal: { good: 0, bad: 0 },
  remainingRatio: null,
  burnRates: { '5m': null, '30m': null, '1h': null, '6h': null, '3d': null },
  errors: { client: 0, transient: 0, server: 0, weighted: 0 },
});

const families = await scrape({ status: () => sampleStatus({ slos: [sampleSlo(), LATENCY, IDLE] }) });

suite('slo-families', () => {
  test('every objective has its target and its events', () => {
    assert.deepEqual(series(families, 'sluice_slo_objective_ratio'), [
      'name=checkout scope=route sli=availability 0.999',
      'name=checkout scope=route sli=latency 0.99',
      'name=idle scope=service sli=availability 0.999',
    ]);
    assert.deepEqual(series(families, 'sluice_slo_events_total').slice(0, 2), [
      'name=checkout outcome=bad scope=route sli=availability 100',
      'name=checkout outcome=bad scope=route sli=latency 100',
    ]);
    assert.ok(
      series(families, 'sluice_slo_events_total').includes('name=idle outcome=good scope=service sli=availability 0'),
    );
  });

  test('budgets and burn rates are absent where nothing was counted', () => {
    assert.deepEqual(series(families, 'sluice_slo_error_budget_remaining_ratio'), [
      'name=checkout scope=route sli=availability 0.5',
      'name=checkout scope=route sli=latency -2',
    ]);
    assert.deepEqual(
      series(families, 'sluice_slo_burn_rate').filter((line) => line.includes('availability')),
      [
        'name=checkout scope=route sli=availability window=1h 14',
        'name=checkout scope=route sli=availability window=30m 20',
        'name=checkout scope=route sli=availability window=3d 0.5',
        'name=checkout scope=route sli=availability window=6h 2',
      ],
    );
  });

  test('each alert is 1 while it fires', () => {
    assert.deepEqual(
      series(families, 'sluice_slo_alert_firing').filter((line) => line.includes('availability')),
      [
        'name=checkout scope=route severity=page sli=availability window=1h 0',
        'name=checkout scope=route severity=page sli=availability window=6h 1',
        'name=checkout scope=route severity=ticket sli=availability window=3d 0',
      ],
    );
  });

  test('errors are counted once for a route, by class, from the first one on', () => {
    assert.deepEqual(series(families, 'sluice_slo_errors_total'), [
      'class=client name=checkout scope=route 4',
      'class=server name=checkout scope=route 2',
      'class=transient name=checkout scope=route 10',
    ]);
  });
});

suite('composite objectives', async () => {
  const score = { now: 0.8, atLeastRatio: 0.9, parts: { success: 0.8, latency: null }, isBelow: true, value: null };
  const worth = { now: null, atLeastRatio: 0.9, parts: {}, isBelow: false, value: { asked: 40, served: 30.5 } };
  const slos = [
    sampleSlo({ indicator: 'composite', score }),
    sampleSlo({ scope: 'gateway', name: 'business', indicator: 'business', score: worth }),
  ];
  const composite = await scrape({ status: () => sampleStatus({ slos: [sampleSlo(), ...slos] }) });

  test('show their score and the parts that have data', () => {
    assert.deepEqual(series(composite, 'sluice_slo_score_ratio'), ['name=checkout scope=route sli=composite 0.8']);
    assert.deepEqual(series(composite, 'sluice_slo_score_part_ratio'), [
      'name=checkout part=success scope=route sli=composite 0.8',
    ]);
    assert.deepEqual(series(composite, 'sluice_slo_policy_active'), [
      'name=business scope=gateway sli=business 0',
      'name=checkout scope=route sli=composite 1',
    ]);
  });

  test('show the value that was asked for and served', () => {
    assert.deepEqual(series(composite, 'sluice_business_value_total'), ['outcome=asked 40', 'outcome=served 30.5']);
  });
});
