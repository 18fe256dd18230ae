/**
 * Metric families of objectives: targets, budgets, burn rates, alerts, events, errors by class.
 *
 * An objective that counted nothing has its target and its event counters (at 0) and no ratios: 10,000 idle routes stay
 * small, and "no data" is never 0.
 */

import { ERROR_CLASSES } from '../model/sli.ts';
import type { AlertSeverity } from '../model/slo.ts';
import { LabelWords, labelSets, NO_LABELS } from './exposition/labels.ts';
import type { Family, FamilyHead, Reading, RowFamily } from './family.ts';
import type { SloRow } from './rows.ts';

const [GOOD, BAD] = labelSets('outcome', ['good', 'bad']);
const [CLIENT, TRANSIENT, SERVER] = labelSets('class', ERROR_CLASSES);
const [ASKED, SERVED] = labelSets('outcome', ['asked', 'served']);
const WINDOWS = new LabelWords('window');
const PARTS = new LabelWords('part');
const ALERTS: Readonly<Record<AlertSeverity, LabelWords>> = {
  page: new LabelWords('window', { severity: 'page' }),
  ticket: new LabelWords('window', { severity: 'ticket' }),
};

export const SLO_FAMILIES: readonly Family[] = [
  perSlo(
    {
      name: 'sluice_slo_objective_ratio',
      help: 'Target share of good events of an objective',
      type: 'gauge',
      labels: ['name', 'scope', 'sli'],
    },
    ({ slo, labels }, to) => to.add(NO_LABELS, labels, slo.targetRatio),
  ),
  perSlo(
    {
      name: 'sluice_slo_error_budget_remaining_ratio',
      help: 'Part of the 28-day error budget that is left; negative when overspent, absent before the first event',
      type: 'gauge',
      labels: ['name', 'scope', 'sli'],
    },
    ({ slo, labels }, to) => {
      const { remainingRatio } = slo;
      if (remainingRatio !== null) to.add(NO_LABELS, labels, remainingRatio);
    },
  ),
  perSlo(
    {
      name: 'sluice_slo_burn_rate',
      help: 'How many times faster than allowed the budget is used, by window; absent where nothing was counted',
      type: 'gauge',
      labels: ['name', 'scope', 'sli', 'window'],
    },
    ({ slo: { burnRates }, labels }, to) => {
      for (const window in burnRates) {
        const burn = burnRates[window] as number | null;
        if (burn !== null) to.add(WINDOWS.of(window), labels, burn);
      }
    },
  ),
  perSlo(
    {
      name: 'sluice_slo_alert_firing',
      help: '1 while an alert fires, by severity and long window; absent before the first event',
      type: 'gauge',
      labels: ['name', 'scope', 'severity', 'sli', 'window'],
    },
    ({ slo, labels }, to) => {
      if (slo.remainingRatio === null) return;
      for (const { severity, long, isFiring } of slo.alerts)
        to.add(ALERTS[severity].of(long), labels, isFiring ? 1 : 0);
    },
  ),
  perSlo(
    {
      name: 'sluice_slo_events_total',
      help: 'Events of an objective since the gateway began to count, by outcome',
      type: 'counter',
      labels: ['name', 'outcome', 'scope', 'sli'],
    },
    ({ slo: { eventsTotal }, labels }, to) => {
      to.add(GOOD, labels, eventsTotal.good);
      to.add(BAD, labels, eventsTotal.bad);
    },
  ),
  perSlo(
    {
      name: 'sluice_slo_errors_total',
      help: 'Errors of a route or service with objectives, by class; absent before the first',
      type: 'counter',
      labels: ['class', 'name', 'scope'],
    },
    // Errors are those of the route or service: its objectives share them.
    ({ slo, owner }, to) => {
      if (slo.indicator !== 'availability') return;
      const { client, transient, server } = slo.errors;
      if (client + transient + server === 0) return;
      to.add(CLIENT, owner, client);
      to.add(TRANSIENT, owner, transient);
      to.add(SERVER, owner, server);
    },
  ),
  perSlo(
    {
      name: 'sluice_slo_score_ratio',
      help: 'Score of a composite objective in its last second; absent while no part has data',
      type: 'gauge',
      labels: ['name', 'scope', 'sli'],
    },
    ({ slo: { score }, labels }, to) => {
      const now = score?.now ?? null;
      if (now !== null) to.add(NO_LABELS, labels, now);
    },
  ),
  perSlo(
    {
      name: 'sluice_slo_score_part_ratio',
      help: 'Parts of the score of a composite objective; absent without data',
      type: 'gauge',
      labels: ['name', 'part', 'scope', 'sli'],
    },
    ({ slo: { score }, labels }, to) => {
      if (score === null) return;
      for (const [part, value] of Object.entries(score.parts))
        if (value !== null) to.add(PARTS.of(part), labels, value);
    },
  ),
  perSlo(
    {
      name: 'sluice_slo_policy_active',
      help: '1 while the score of a composite objective is too low for its policy, by the seconds in a row that count',
      type: 'gauge',
      labels: ['name', 'scope', 'sli'],
    },
    ({ slo: { score }, labels }, to) => {
      if (score !== null) to.add(NO_LABELS, labels, score.isBelow ? 1 : 0);
    },
  ),
  perSlo(
    {
      name: 'sluice_business_value_total',
      help: 'Value of the requests that were answered since the gateway began to count, and of what was served of it',
      type: 'counter',
      labels: ['outcome'],
    },
    ({ slo: { score } }, to) => {
      if (score === null || score.value === null) return;
      to.add(ASKED, NO_LABELS, score.value.asked);
      to.add(SERVED, NO_LABELS, score.value.served);
    },
  ),
];

function perSlo(head: FamilyHead, write: RowFamily<SloRow>['write']): RowFamily<SloRow> {
  return { ...head, rows: ({ slos }: Reading) => slos, write };
}
