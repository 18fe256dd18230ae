/**
 * Builds objectives with their defaults.
 */

import type { SloConfig } from '../../model/slo.ts';
import { DEFAULT_DRIFT, DEFAULT_SLO } from '../defaults.ts';
import type { SloInput } from '../schema.ts';
import { toMs } from './values.ts';

const CALENDARS = { '28d': null, '1w': 'week', '1M': 'month' } as const;

/** Objectives of a route or a service; null without any. */
export function buildSlo(slo: SloInput | undefined): SloConfig | null {
  if (slo === undefined) return null;
  const { availability, latency, timeWindow, ignorePaths, errorWeights, budgetPolicy, drift } = slo;
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
  };
}
