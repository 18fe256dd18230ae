/**
 * Builds objectives with their defaults.
 */

import type { BusinessConfig, CompositeConfig, SecondsTarget, SloConfig } from '../../model/slo.ts';
import { DEFAULT_COMPOSITE, DEFAULT_DRIFT, DEFAULT_SLO } from '../defaults.ts';
import type { DocumentInput, SloInput } from '../schema.ts';
import { toMs } from './values.ts';

const CALENDARS = { '28d': null, '1w': 'week', '1M': 'month' } as const;

/** Objectives of a route or a service; null without any. */
export function buildSlo(slo: SloInput | undefined): SloConfig | null {
  if (slo === undefined) return null;
  const { availability, latency, timeWindow, ignorePaths, errorWeights, budgetPolicy, drift, composite } = slo;
  return {
    availabilityRatio: availability,
    latency: latency === undefined ? null : { thresholdMs: toMs(latency.threshold, 0), targetRatio: latency.target },
    calendar: CALENDARS[timeWindow?.duration ?? '28d'],
    ignorePaths: ignorePaths ?? DEFAULT_SLO.ignorePaths,
    errorWeights: {
      client: errorWeights?.client ?? DEFAULT_SLO.errorWeights.client,
      transient: errorWeights?.transient ?? DEFAULT_SLO.errorWeights.transient,
      server: errorWeights?.server ?? DEFAULT_SLO.errorWeights.server,
    },
    budgetPolicy: {
      freeze: budgetPolicy?.freeze ?? DEFAULT_SLO.budgetPolicy.freeze,
      slowBelowRatio: budgetPolicy?.slowBelow ?? DEFAULT_SLO.budgetPolicy.slowBelowRatio,
      releaseAllowanceRatio: budgetPolicy?.releaseAllowance ?? DEFAULT_SLO.budgetPolicy.releaseAllowanceRatio,
    },
    drift:
      drift === undefined
        ? DEFAULT_SLO.drift
        : {
            keepRatio: drift.keep ?? DEFAULT_DRIFT.keepRatio,
            sampleRatio: drift.accessLog ?? DEFAULT_DRIFT.sampleRatio,
          },
    ...(composite !== undefined && { composite: buildComposite(composite) }),
  };
}

type CompositeInput = NonNullable<SloInput['composite']>;
type BusinessInput = NonNullable<DocumentInput['business']>;

function buildComposite(input: CompositeInput): CompositeConfig {
  const { formula, weights = {}, dependencies, whileBelow } = input;
  const { success, latency, health, dependencies: breakers } = weights;
  const weight = DEFAULT_COMPOSITE.weight;
  return {
    ...secondsTarget(input),
    formula: formula ?? DEFAULT_COMPOSITE.formula,
    weights: {
      success: success ?? weight,
      latency: latency ?? weight,
      health: health ?? weight,
      dependencies: breakers ?? weight,
    },
    dependencies: dependencies ?? [],
    whileBelow:
      whileBelow === undefined
        ? null
        : { accessLogRatio: whileBelow.accessLog ?? 0, concurrencyRatio: whileBelow.concurrency ?? 1 },
  };
}

/** The objective of the gateway as a whole; nothing without one. */
export function buildBusiness(input: BusinessInput | undefined): { readonly business?: BusinessConfig } {
  if (input === undefined) return {};
  const { errorWeights, budgetPolicy } = DEFAULT_SLO;
  const terms = { calendar: CALENDARS[input.timeWindow?.duration ?? '28d'], errorWeights, budgetPolicy };
  return { business: { ...secondsTarget(input), lateRatio: input.late ?? DEFAULT_COMPOSITE.lateRatio, terms } };
}

/** Windows are whole seconds. */
function secondsTarget({ target, atLeast, window }: CompositeInput | BusinessInput): SecondsTarget {
  const windowMs = toMs(window, DEFAULT_COMPOSITE.windowMs);
  return { targetRatio: target, atLeastRatio: atLeast, windowMs: Math.round(windowMs / 1000) * 1000 };
}
