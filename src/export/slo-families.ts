/**
 * Metric families of objectives: targets, budgets, burn rates, alerts, events, errors by class.
 *
 * An objective that counted nothing has its target and its event counters (at 0) and no ratios: 10,000 idle routes stay
 * small, and "no data" is never 0.
 */

import { ERROR_CLASSES } from '../model/sli.ts';
import type { ScoreStatus, SloStatus } from '../model/status.ts';
import type { Family, Labels, Sample } from './family.ts';

export const SLO_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_slo_objective_ratio',
    help: 'Target share of good events of an objective',
    type: 'gauge',
    labels: ['name', 'scope', 'sli'],
    *collect({ slos }) {
      for (const slo of slos) yield { labels: labelsOf(slo), value: slo.targetRatio };
    },
  },
  {
    name: 'sluice_slo_error_budget_remaining_ratio',
    help: 'Part of the 28-day error budget that is left; negative when overspent, absent before the first event',
    type: 'gauge',
    labels: ['name', 'scope', 'sli'],
    *collect({ slos }) {
      for (const slo of slos) {
        if (slo.remainingRatio !== null) yield { labels: labelsOf(slo), value: slo.remainingRatio };
      }
    },
  },
  {
    name: 'sluice_slo_burn_rate',
    help: 'How many times faster than allowed the budget is used, by window; absent where nothing was counted',
    type: 'gauge',
    labels: ['name', 'scope', 'sli', 'window'],
    *collect({ slos }) {
      for (const slo of slos) yield* burnSamples(slo);
    },
  },
  {
    name: 'sluice_slo_alert_firing',
    help: '1 while an alert fires, by severity and long window; absent before the first event',
    type: 'gauge',
    labels: ['name', 'scope', 'severity', 'sli', 'window'],
    *collect({ slos }) {
      for (const slo of slos) if (slo.remainingRatio !== null) yield* alertSamples(slo);
    },
  },
  {
    name: 'sluice_slo_events_total',
    help: 'Events of an objective since the gateway began to count, by outcome',
    type: 'counter',
    labels: ['name', 'outcome', 'scope', 'sli'],
    *collect({ slos }) {
      for (const slo of slos) {
        const shared = labelsOf(slo);
        yield { labels: { outcome: 'good' }, shared, value: slo.eventsTotal.good };
        yield { labels: { outcome: 'bad' }, shared, value: slo.eventsTotal.bad };
      }
    },
  },
  {
    name: 'sluice_slo_errors_total',
    help: 'Errors of a route or service with objectives, by class; absent before the first',
    type: 'counter',
    labels: ['class', 'name', 'scope'],
    *collect({ slos }) {
      for (const slo of slos) if (slo.indicator === 'availability') yield* errorSamples(slo);
    },
  },
  {
    name: 'sluice_slo_score_ratio',
    help: 'Score of a composite objective in its last second; absent while no part has data',
    type: 'gauge',
    labels: ['name', 'scope', 'sli'],
    *collect({ slos }) {
      for (const slo of slos) {
        if ((slo.score?.now ?? null) !== null) yield { labels: labelsOf(slo), value: slo.score?.now as number };
      }
    },
  },
  {
    name: 'sluice_slo_score_part_ratio',
    help: 'Parts of the score of a composite objective; absent without data',
    type: 'gauge',
    labels: ['name', 'part', 'scope', 'sli'],
    *collect({ slos }) {
      for (const slo of slos) if (slo.score !== null) yield* partSamples(slo, slo.score);
    },
  },
  {
    name: 'sluice_slo_policy_active',
    help: '1 while the score of a composite objective is too low for its policy, by the seconds in a row that count',
    type: 'gauge',
    labels: ['name', 'scope', 'sli'],
    *collect({ slos }) {
      for (const slo of slos) {
        if (slo.score !== null) yield { labels: labelsOf(slo), value: slo.score.isBelow ? 1 : 0 };
      }
    },
  },
  {
    name: 'sluice_business_value_total',
    help: 'Value of the requests that were answered since the gateway began to count, and of what was served of it',
    type: 'counter',
    labels: ['outcome'],
    *collect({ slos }) {
      for (const { score } of slos) {
        if (score === null || score.value === null) continue;
        yield { labels: { outcome: 'asked' }, value: score.value.asked };
        yield { labels: { outcome: 'served' }, value: score.value.served };
      }
    },
  },
];

function* partSamples(slo: SloStatus, { parts }: ScoreStatus): Generator<Sample> {
  const shared = labelsOf(slo);
  for (const [part, value] of Object.entries(parts)) if (value !== null) yield { labels: { part }, shared, value };
}

function labelsOf({ scope, name, indicator }: SloStatus): Labels {
  return { scope, name, sli: indicator };
}

function* burnSamples(slo: SloStatus): Generator<Sample> {
  const shared = labelsOf(slo);
  for (const [window, burn] of Object.entries(slo.burnRates)) {
    if (burn !== null) yield { labels: { window }, shared, value: burn };
  }
}

function* alertSamples(slo: SloStatus): Generator<Sample> {
  const shared = labelsOf(slo);
  for (const { severity, long, isFiring } of slo.alerts) {
    yield { labels: { severity, window: long }, shared, value: isFiring ? 1 : 0 };
  }
}

/** Errors are those of the route or service: its objectives share them. */
function* errorSamples({ scope, name, errors }: SloStatus): Generator<Sample> {
  const shared = { scope, name };
  if (!ERROR_CLASSES.some((errorClass) => errors[errorClass] > 0)) return;
  for (const errorClass of ERROR_CLASSES) {
    yield { labels: { class: errorClass }, shared, value: errors[errorClass] };
  }
}
