/**
 * The shape of a rollout: who is judged, how sure one must be, and the steps by which a canary gets its users.
 */

import { z } from 'zod';
import { type Check, wrongType } from '../problems/fault.ts';
import { numberBetween } from '../scalars/number.ts';
import { DAY_MS, duration, flag, integer, name, real, scalar, word } from './fields.ts';

const WEEK_MS = 7 * DAY_MS;
/** What a weight of 1 can be divided into. */
const PERCENT_MIN = 0.1;

const PERCENT_META = { type: 'number', minimum: PERCENT_MIN, maximum: 100 };

function percent(description: string) {
  return scalar<number>(numberBetween(PERCENT_MIN, 100), PERCENT_META, description);
}

const step = z
  .union([
    percent('Share of users in percent'),
    z.strictObject({
      percent: percent('Share of users in percent'),
      dwell: duration(0, WEEK_MS, 'Shortest stay on this step; default: the rollout’s').optional(),
    }),
  ])
  .meta({ description: 'Share of users in percent, or a mapping with a dwell' });

const checkDefault: Check = (value) => {
  if (value === 'default') return null;
  const expected = 'default, or a list of steps';
  return typeof value === 'string' ? { kind: 'choice', expected } : wrongType(expected, value);
};

const byDefault = scalar<'default'>(checkDefault, { const: 'default' }, 'The steps 1, 5, 25, 50, 100');

/** More of them would be more than a tick is worth. */
const SHADOWS_MAX = 4;
/** Each route is read and judged by itself in every tick. */
const COMPANIONS_MAX = 31;

/** How sure one must be. @param otherwise what counts where nothing is said, in words; of the rollout `default x` */
function judged(otherwise: (byDefault: string) => string) {
  const promotion = z.strictObject({
    beta: real(
      1e-9,
      0.5,
      `Bound on the probability of passing a canary that is worse; ${otherwise('0.05')}`,
    ).optional(),
    ratioMax: real(1.01, 1000, `How many times the error ratio of stable is worse; ${otherwise('3')}`).optional(),
    errorRatioMax: real(1e-9, 1, `Error ratio that is worse; ${otherwise('5 * (1 - slo), at least 0.005')}`).optional(),
  });
  return {
    alpha: real(
      1e-9,
      0.5,
      `Bound on the probability of a false rollback, per rollout; ${otherwise('0.001')}`,
    ).optional(),
    toleratedRatio: real(
      1,
      1000,
      `How many times the error ratio of stable is still tolerated; ${otherwise('1.5')}`,
    ).optional(),
    badMin: integer(1, 1_000_000, `Fewest bad canary requests before a rollback; ${otherwise('3')}`).optional(),
    absoluteFloor: real(
      0,
      0.5,
      `Error ratio that is no reason for a rollback; ${otherwise('0.25 * (1 - slo)')}`,
    ).optional(),
    promotion: promotion.optional(),
  };
}

const shadow = z.strictObject({
  name: name('Name of the policy in the log'),
  ...judged(() => 'default: the rollout’s'),
});

/** The rollout of a route. */
export const rollout = z.strictObject({
  stable: name('Version to compare with and to fall back to'),
  canary: name('Version under judgement'),
  routes: z
    .array(name('Name of a route'))
    .min(1)
    .max(COMPANIONS_MAX)
    .meta({ description: 'Further routes that send to the same two versions, moved and judged together with this one' })
    .optional(),
  ...judged((byDefault) => `default ${byDefault}`),
  latencyTolerance: real(0, 1000, 'Share by which the canary may be slower than stable; default 0.1').optional(),
  latencyFloor: duration(0, DAY_MS, 'Time by which the canary may be slower than stable; default 5ms').optional(),
  steps: z
    .union([byDefault, z.array(step).min(1)])
    .meta({ description: 'Steps of the ramp, or default; without them the canary is only watched' })
    .optional(),
  dwell: duration(0, WEEK_MS, 'Shortest stay on a step, five times as long from 50 % on; default 2m').optional(),
  requestsMin: integer(0, 1_000_000_000, 'Fewest canary requests on a step; default 1000').optional(),
  evidence: flag('A step asks for evidence that the canary is sound; default true').optional(),
  stepMax: duration(1, WEEK_MS, 'Longest wait for the gates of a step; default 2h').optional(),
  onStepMax: word(['pause', 'rollback'], 'What follows the longest wait; default pause').optional(),
  bake: duration(0, WEEK_MS, 'Time on the last step with the old version kept warm; default 1h').optional(),
  shadows: z
    .array(shadow)
    .max(SHADOWS_MAX)
    .meta({ description: 'Policies that judge beside this one and never act; they say what they would have done' })
    .optional(),
  autoStart: flag('A new rollout starts by itself, not by a command; default false').optional(),
  rescue: flag('Stable answers requests that fail on the canary; default true').optional(),
  rescuePinned: flag('Also those that a color pinned to the canary; default false').optional(),
});
