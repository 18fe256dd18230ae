/**
 * Builds a rollout with its defaults; without steps there is no plan, and the canary is only watched.
 */

import type { RolloutConfig, RolloutPlan, RolloutStep, ShadowConfig } from '../../model/config.ts';
import { DEFAULT_PLAN, DEFAULT_ROLLOUT, DEFAULT_STEPS } from '../defaults.ts';
import type { RolloutInput } from '../schema.ts';
import { toMs } from './values.ts';

/** From this share on a step is a stay in earnest: latent faults need time, not samples. */
const LONG_FROM_PERCENT = 50;
const LONG_FACTOR = 5;

/** What a rollout and its shadows are judged by. */
type JudgedInput = Pick<RolloutInput, 'alpha' | 'toleratedRatio' | 'badMin' | 'absoluteFloor' | 'promotion'>;

/** The rollout of a route. */
export function buildRollout(rollout: RolloutInput): RolloutConfig {
  const { stable, canary, shadows = [] } = rollout;
  const judged = buildJudged(rollout, DEFAULT_ROLLOUT);
  return {
    stable,
    canary,
    ...judged,
    latencyTolerance: rollout.latencyTolerance ?? DEFAULT_ROLLOUT.latencyTolerance,
    latencyFloorMs: toMs(rollout.latencyFloor, DEFAULT_ROLLOUT.latencyFloorMs),
    plan: buildPlan(rollout),
    rescue: rollout.rescue ?? DEFAULT_ROLLOUT.rescue,
    rescuePinned: rollout.rescuePinned ?? DEFAULT_ROLLOUT.rescuePinned,
    shadows: shadows.map((shadow) => ({ name: shadow.name, ...buildJudged(shadow, judged) })),
  };
}

type Judged = Omit<ShadowConfig, 'name'>;

/** The numbers of a policy; what it does not say is as in `otherwise`. */
function buildJudged(
  { alpha, toleratedRatio, badMin, absoluteFloor, promotion = {} }: JudgedInput,
  otherwise: Judged,
): Judged {
  return {
    alpha: alpha ?? otherwise.alpha,
    toleratedRatio: toleratedRatio ?? otherwise.toleratedRatio,
    badMin: badMin ?? otherwise.badMin,
    absoluteFloor: absoluteFloor ?? otherwise.absoluteFloor,
    promotion: {
      beta: promotion.beta ?? otherwise.promotion.beta,
      ratioMax: promotion.ratioMax ?? otherwise.promotion.ratioMax,
      errorRatioMax: promotion.errorRatioMax ?? otherwise.promotion.errorRatioMax,
    },
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
