import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sloLines } from '#src/cli/admin/slo-lines.ts';
import { sampleSlo } from '../../../support/readings/status.ts';

const QUIET = sampleSlo().alerts.map((alert) => ({ ...alert, isFiring: false, firingForMs: null }));
const CALM = sampleSlo({ name: 'calm', remainingRatio: 0.1, alerts: QUIET, exhaustedInMs: null });
const OVERSPENT = sampleSlo({
  scope: 'service',
  name: 'shop',
  indicator: 'latency',
  thresholdMs: 300,
  targetRatio: 0.99,
  remainingRatio: -0.5,
  exhaustedInMs: 0,
  burnRates: { '1h': null },
  alerts: QUIET,
  policy: { kind: 'frozen', sentence: 'the error budget is overspent by 50 %' },
});
const IDLE = sampleSlo({ name: 'idle', remainingRatio: null, alerts: QUIET });

describe('objectives', () => {
  test('are listed with what needs attention first', () => {
    assert.deepEqual(sloLines([IDLE, CALM, OVERSPENT, sampleSlo()]), [
      '',
      'objectives',
      '  route checkout  availability 99.9 %  50 % of the budget left (50 bad of 100000), burn 14x over 1h, gone in 24 h 0 min',
      '    page: burn above 6x over 6h and 30m, for 1 min 1 s',
      '  service shop  latency 99 % within 300 ms  budget overspent by 50 % (50 bad of 100000)',
      '    rollouts frozen: the error budget is overspent by 50 %',
      '  route calm  availability 99.9 %  10 % of the budget left (50 bad of 100000), burn 14x over 1h',
      '  1 without any request in 28 days',
    ]);
  });

  test('of seconds show their score and its parts', () => {
    const parts = { success: 0.99, health: null };
    const score = { now: 0.845, atLeastRatio: 0.9, parts, isBelow: true, value: null };
    const worth = { now: null, atLeastRatio: 0.9, parts: {}, isBelow: false, value: { asked: 200, served: 150.5 } };
    const composite = { indicator: 'composite', alerts: QUIET, exhaustedInMs: null } as const;
    assert.deepEqual(
      sloLines([sampleSlo({ ...composite, score }), sampleSlo({ ...composite, score: worth })]).slice(2),
      [
        '  route checkout  composite 99.9 %  50 % of the budget left (50 bad of 100000 s), burn 14x over 1h',
        '    score 84.5 %, a good second needs 90 %: success 99 %, health no data; its policy acts',
        '  route checkout  composite 99.9 %  50 % of the budget left (50 bad of 100000 s), burn 14x over 1h',
        '    score no data, a good second needs 90 %: served 150.5 of 200',
      ],
    );
  });

  test('that do not exist are not mentioned', () => {
    assert.deepEqual(sloLines([]), []);
  });

  test('tell times in the two units that matter', () => {
    const shown = (exhaustedInMs: number) => sloLines([{ ...CALM, exhaustedInMs }])[2]?.split('gone in ')[1];
    assert.deepEqual(
      [shown(59_000), shown(61_000), shown(3_660_000), shown(200_000_000)],
      ['59 s', '1 min 1 s', '1 h 1 min', '2 d 7 h'],
    );
  });
});
