/**
 * Inputs, terms and histories for the rollout state machine.
 */

import type { RolloutPlan } from '#src/model/config.ts';
import type { RolloutCommand, RolloutCommandName, RolloutSpec } from '#src/model/rollout.ts';
import { NO_BUDGET, type RolloutInput, type RolloutTerms } from '#src/slo/rollout/gates.ts';
import { DEFAULT_PLAN, DEFAULT_STEPS } from '#src/sources/defaults.ts';
import { SPEC } from './detection.ts';

const { dwellMs: DEFAULT_DWELL_MS, ...DEFAULT_REST } = DEFAULT_PLAN;

export const PLAN: RolloutPlan = {
  ...DEFAULT_REST,
  steps: DEFAULT_STEPS.map((percent) => ({ percent, dwellMs: percent === 50 ? 600_000 : DEFAULT_DWELL_MS })),
};

export const TERMS: RolloutTerms = { plan: PLAN, budgetPolicy: SPEC.budgetPolicy };

/** A rollout with steps: stable has 100 as configured, the canary nothing. */
export const STEPPED: RolloutSpec = {
  ...SPEC,
  plan: PLAN,
  weightScale: 1000,
  stable: { ...SPEC.stable, weight: 100_000 },
  canary: { ...SPEC.canary, weight: 0 },
};

/** Everything a step asks for is there, but for time. */
export function input(changes: Partial<RolloutInput> = {}): RolloutInput {
  return {
    nowMs: 0,
    isConvicted: false,
    burning: null,
    promotion: { isPromotable: true, sentence: 'proven sound' },
    requests: 1000,
    badCaused: 0,
    budget: NO_BUDGET,
    ...changes,
  };
}

export function command(name: RolloutCommandName, changes: Partial<RolloutCommand> = {}): RolloutCommand {
  return { name, route: 'checkout', by: 'api', reason: '', isFix: false, ...changes };
}
