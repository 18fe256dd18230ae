/**
 * Builds a rollout with its defaults; without steps there is no plan, and the canary is only watched.
 */

import type { Config, RolloutConfig, RolloutPlan, RolloutStep, RouteConfig, ShadowConfig } from '../../model/config.ts';
import type { LedRoute } from '../../model/rollout.ts';
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
  const { stable, canary, routes, shadows = [] } = rollout;
  const judged = buildJudged(rollout, DEFAULT_ROLLOUT);
  return {
    stable,
    canary,
    ...(routes !== undefined && { routes: routes.toSorted() }),
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

/** Routes with what leads them. */
const ledRoutes = new WeakMap<RouteConfig, RouteConfig>();

/** The configuration whose routes know the rollout that lists them. The same route and rollout make the same object. */
export function leadRoutes(config: Config): Config {
  const leaders = new Map<string, LedRoute>();
  for (const { name: by, rollout } of config.routes) {
    if (rollout?.routes === undefined) continue;
    for (const listed of rollout.routes) leaders.set(listed, { by, rollout });
  }
  if (leaders.size === 0) return config;
  const routes = config.routes.map((route) => {
    const led = leaders.get(route.name);
    return led === undefined ? route : ledRoute(route, led);
  });
  return { ...config, routes };
}

function ledRoute(route: RouteConfig, led: LedRoute): RouteConfig {
  const known = ledRoutes.get(route);
  if (known?.led?.by === led.by && known.led.rollout === led.rollout) return known;
  const made = { ...route, led };
  ledRoutes.set(route, made);
  return made;
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
