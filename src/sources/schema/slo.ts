/**
 * The shape of objectives: of a route, and of a service. Field names are OpenSLO's where it has one for the thing.
 */

import { z } from 'zod';
import { checkPath, PATH_META } from '../scalars/path.ts';
import { DAY_MS, duration, flag, type PartFault, ratio, real, scalar, share, withRule, word } from './fields.ts';

const ERROR_WEIGHT_MAX = 1000;

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

/** Objectives of a service. */
export const serviceSlo = z.strictObject({
  availability: ratio('Target share of good requests'),
  latency: latency.optional(),
  timeWindow: timeWindow.optional(),
  errorWeights: errorWeights.optional(),
  budgetPolicy: budgetPolicy.optional(),
});

/** Objectives of a route. */
export const routeSlo = serviceSlo.extend({
  ignorePaths: z
    .array(scalar<string>(checkPath, PATH_META, 'Path whose requests count for nothing, such as a probe'))
    .optional(),
  drift: drift.optional(),
});
