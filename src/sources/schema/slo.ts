/**
 * The shape of objectives: of a route, and of a service. Field names are OpenSLO's where it has one for the thing.
 */

import { z } from 'zod';
import { SCORE_FORMULAS } from '../../model/slo.ts';
import { checkPath, PATH_META } from '../scalars/path.ts';
import { DAY_MS, duration, flag, name, type PartFault, ratio, real, scalar, share, withRule, word } from './fields.ts';

const ERROR_WEIGHT_MAX = 1000;
const PART_WEIGHT_MAX = 1000;
const ROUTE_VALUE_MAX = 1_000_000;
const DEPENDENCIES_MAX = 32;
const SECOND_MS = 1000;
const WINDOW_MS_MAX = 300_000;

const latency = z.strictObject({
  threshold: duration(1, DAY_MS, 'Slower answers miss the objective'),
  target: ratio('Target share of answers within the threshold'),
});

/** OpenSLO's shorthand: weeks and days in small letters, months in capitals. */
const PERIODS = ['28d', '1w', '1M'] as const;

interface Window {
  readonly duration?: string | undefined;
  readonly isRolling?: boolean | undefined;
}

function windowFaults({ duration: period = '28d', isRolling }: Window): PartFault[] {
  const rolls = period === '28d';
  if (isRolling === undefined || isRolling === rolls) return [];
  const expected = rolls ? 'true: 28d is a rolling window' : 'false: 1w and 1M are periods of the calendar';
  return [{ path: ['isRolling'], fault: { kind: 'timeWindow', expected } }];
}

const timeWindow = withRule(
  z.strictObject({
    duration: word(
      PERIODS,
      'Period that is reported: 28d rolls, 1w begins on Mondays, 1M on the first of the month (UTC); default 28d',
    ).optional(),
    isRolling: flag('Whether the period rolls; goes with the duration').optional(),
  }),
  windowFaults,
  {
    anyOf: [
      { properties: { duration: { const: '28d' }, isRolling: { const: true } } },
      { properties: { duration: { enum: ['1w', '1M'] }, isRolling: { const: false } }, required: ['duration'] },
    ],
  },
);

const errorWeights = z.strictObject({
  client: real(0, ERROR_WEIGHT_MAX, 'The request was wrong; default 1').optional(),
  transient: real(0, ERROR_WEIGHT_MAX, 'Trying again may help; default 0.3').optional(),
  server: real(0, ERROR_WEIGHT_MAX, 'The service is wrong; default 2.5').optional(),
});

const budgetPolicy = z.strictObject({
  freeze: flag('An exhausted budget stops rollouts, unless labeled fix; default true').optional(),
  slowBelow: share('Rollouts are slow while less than this part of the budget is left; default 0.25').optional(),
  releaseAllowance: share('Part of the budget left that one rollout may spend; default 0.2').optional(),
});

const drift = z.strictObject({
  keep: real(0.05, 1, 'Part of its weight that a version in mild trouble keeps; default 0.5').optional(),
  accessLog: share('Share of its requests that the access log writes while it is in trouble; default 1').optional(),
});

/** What good seconds are, and how many are to be. */
const secondsTarget = {
  target: ratio('Target share of good seconds'),
  atLeast: share('The score that makes a second good'),
  window: duration(SECOND_MS, WINDOW_MS_MAX, 'How far back requests count, in whole seconds; default 1m').optional(),
};

const partWeight = (part: string) => real(0, PART_WEIGHT_MAX, `Weight of ${part}; default 1`).optional();

const composite = z.strictObject({
  ...secondsTarget,
  formula: word(
    SCORE_FORMULAS,
    'How parts become a score: weighted mean, weighted geometric mean, or the worst of them; default mean',
  ).optional(),
  weights: z
    .strictObject({
      success: partWeight('the share of good requests'),
      latency: partWeight('the share of good requests in time'),
      health: partWeight('the share of endpoints in service'),
      dependencies: partWeight('the share of closed breakers'),
    })
    .optional(),
  dependencies: z.array(name('Service whose breakers count')).max(DEPENDENCIES_MAX).optional(),
  whileBelow: z
    .strictObject({
      accessLog: share('Share of requests that the access log writes meanwhile; default 0').optional(),
      concurrency: real(1 / 16, 1, 'Part of their limits that versions keep meanwhile; default 1').optional(),
    })
    .optional(),
});

/** The objective of the gateway: the value that is served, of that which is asked for. */
export const business = z.strictObject({
  ...secondsTarget,
  late: share('Part of its value that a good answer keeps when it is too late; default 1').optional(),
  timeWindow: timeWindow.optional(),
});

/** What a request of a route is worth, for `business`. */
export const routeValue = real(0, ROUTE_VALUE_MAX, 'What one request is worth, for business');

/** Objectives of a service. */
export const serviceSlo = z.strictObject({
  availability: ratio('Target share of good requests'),
  latency: latency.optional(),
  timeWindow: timeWindow.optional(),
  errorWeights: errorWeights.optional(),
  budgetPolicy: budgetPolicy.optional(),
  composite: composite.optional(),
});

/** Objectives of a route. */
export const routeSlo = serviceSlo.extend({
  ignorePaths: z
    .array(scalar<string>(checkPath, PATH_META, 'Path whose requests count for nothing, such as a probe'))
    .optional(),
  drift: drift.optional(),
});
