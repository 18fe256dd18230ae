import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSlo } from '#src/sources/build/slo.ts';
import { DEFAULT_SLO } from '#src/sources/defaults.ts';

test('objectives that say no more than a target have every default', () => {
  assert.deepEqual(buildSlo({ availability: 0.999 }), {
    ...DEFAULT_SLO,
    availabilityRatio: 0.999,
    latency: null,
    calendar: null,
  });
});

test('a drift that says no more has its defaults', () => {
  assert.deepEqual(buildSlo({ availability: 0.99, drift: {} })?.drift, { keepRatio: 0.5, sampleRatio: 1 });
});

test('no objectives are none', () => {
  assert.equal(buildSlo(undefined), null);
});

test('every value that is written is taken', () => {
  assert.deepEqual(
    buildSlo({
      availability: 0.99,
      latency: { threshold: '300ms', target: 0.9 },
      timeWindow: { duration: '1w', isRolling: false },
      ignorePaths: ['/healthz'],
      errorWeights: { client: 0, server: 9 },
      budgetPolicy: { freeze: false, slowBelow: 0.5, releaseAllowance: 0.1 },
      drift: { keep: 0.3, accessLog: 0.1 },
    }),
    {
      availabilityRatio: 0.99,
      latency: { thresholdMs: 300, targetRatio: 0.9 },
      calendar: 'week',
      ignorePaths: ['/healthz'],
      errorWeights: { client: 0, transient: 0.3, server: 9 },
      budgetPolicy: { freeze: false, slowBelowRatio: 0.5, releaseAllowanceRatio: 0.1 },
      drift: { keepRatio: 0.3, sampleRatio: 0.1 },
    },
  );
});

test('a period of the calendar is a week or a month, and 28 days are none', () => {
  const calendars = (['28d', '1w', '1M'] as const).map(
    (duration) => buildSlo({ availability: 0.9, timeWindow: { duration } })?.calendar,
  );
  assert.deepEqual(calendars, [null, 'week', 'month']);
});
