/**
 * Builds a rollout with its defaults; without steps there is no plan, and the canary is only watched.
 */

import type { RolloutConfig, RolloutPlan, RolloutStep } from '../../model/config.ts';
import { DEFAULT_PLAN, DEFAULT_ROLLOUT, DEFAULT_STEPS } from '../defaults.ts';
import type { RolloutInput } from '../schema.ts';
import { toMs } from './values.ts';

/** From this share on a step is a stay in earnest: latent faults need time, not samples. */
const LONG_FROM_PERCENT = 50;
const LONG_FACTOR = 5;

/** The rollout of a route. */
export function buildRollout(rollout: RolloutInput): RolloutConfig {
  const { stable, canary, promotion = {} } = rollout;
  return {
    stable,
    canary,
    alpha: rollout.alpha ?? DEFAULT_ROLLOUT.alpha,
    toleratedRatio: rollout.toleratedRatio ?? DEFAULT_ROLLOUT.toleratedRatio,
    badMin: rollout.badMin ?? DEFAULT_ROLLOUT.badMin,
    absoluteFloor: rollout.absoluteFloor ?? DEFAULT_ROLLOUT.absoluteFloor,
    latencyTolerance: rollout.latencyTolerance ?? DEFAULT_ROLLOUT.latencyTolerance,
    latencyFloorMs: toMs(rollout.latencyFloor, DEFAULT_ROLLOUT.latencyFloorMs),
    promotion: {
      beta: promotion.beta ?? DEFAULT_ROLLOUT.promotion.beta,
      ratioMax: promotion.ratioMax ?? DEFAULT_ROLLOUT.promotion.ratioMax,
      errorRatioMax: promotion.errorRatioMax ?? DEFAULT_ROLLOUT.promotion.errorRatioMax,
    },
    plan: buildPlan(rollout),
    rescue: rollout.rescue ?? DEFAULT_ROLLOUT.rescue,
    rescuePinned: rollout.rescuePinned ?? DEFAULT_ROLLOUT.rescuePinned,
  };
}

function buildPlan(rollout: RolloutInput): RolloutPlan | null {
  if (rollout.steps === undefined) return null;
  return {
    steps: stepsOf(rollout),
    needsEvidence: rollout.evidence ?? DEFAULT_PLAN.needsEvidence,
    requestsMin: rollout.requestsMin ?? DEFAULT_PLAN.requestsMin,
    stepMaxMs: toMs(rollout.stepMax, DEFAULT_PLAN.stepMaxMs),
    onStepMax: rollout.onStepMax ?? DEFAULT_PLAN.onStepMax,
    bakeMs: toMs(rollout.bake, DEFAULT_PLAN.bakeMs),
    autoStart: rollout.autoStart ?? DEFAULT_PLAN.autoStart,
  };
}

/** The steps with the stay of each; none without steps. */
export function stepsOf({ steps, dwell }: Pick<RolloutInput, 'steps' | 'dwell'>): RolloutStep[] {
  const dwellMs = toMs(dwell, DEFAULT_PLAN.dwellMs);
  const listed = steps === 'default' ? DEFAULT_STEPS : (steps ?? []);
  return listed.map((step) => {
    const { percent, dwell: own } = typeof step === 'number' ? { percent: step, dwell: undefined } : step;
    const usualMs = percent >= LONG_FROM_PERCENT ? dwellMs * LONG_FACTOR : dwellMs;
    return { percent, dwellMs: toMs(own, usualMs) };
  });
}
