import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildBusiness, buildSlo } from '#src/sources/build/slo.ts';
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

test('a composite objective that says no more has equal weights, their mean and a minute', () => {
  assert.deepEqual(buildSlo({ availability: 0.9, composite: { target: 0.99, atLeast: 0.9 } })?.composite, {
    targetRatio: 0.99,
    atLeastRatio: 0.9,
    windowMs: 60_000,
    formula: 'mean',
    weights: { success: 1, latency: 1, health: 1, dependencies: 1 },
    dependencies: [],
    whileBelow: null,
  });
});

test('every value of a composite objective that is written is taken', () => {
  const composite = {
    target: 0.99,
    atLeast: 0.9,
    window: '1500ms',
    formula: 'product' as const,
    weights: { success: 4, latency: 3, health: 2, dependencies: 0 },
    dependencies: ['stock'],
    whileBelow: { accessLog: 0.5 },
  };
  assert.deepEqual(buildSlo({ availability: 0.9, composite })?.composite, {
    targetRatio: 0.99,
    atLeastRatio: 0.9,
    windowMs: 2000,
    formula: 'product',
    weights: { success: 4, latency: 3, health: 2, dependencies: 0 },
    dependencies: ['stock'],
    whileBelow: { accessLogRatio: 0.5, concurrencyRatio: 1 },
  });
});

test('the objective of the gateway has the terms of any other', () => {
  const { errorWeights, budgetPolicy } = DEFAULT_SLO;
  assert.deepEqual(buildBusiness({ target: 0.99, atLeast: 0.9, late: 0.5, timeWindow: { duration: '1M' } }), {
    business: {
      targetRatio: 0.99,
      atLeastRatio: 0.9,
      windowMs: 60_000,
      lateRatio: 0.5,
      terms: { calendar: 'month', errorWeights, budgetPolicy },
    },
  });
  assert.deepEqual(buildBusiness(undefined), {});
});
