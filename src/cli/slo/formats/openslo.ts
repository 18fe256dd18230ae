/**
 * Objectives as OpenSLO v1, one document each: Prometheus queries over the gateway's metrics for other tools, and annotations that
 * say what they are for `sluice slo import`.
 *
 * OpenSLO v1 has one window per condition and one condition per policy, so pairs of windows cannot be written; Prometheus rules can
 * (prometheus.ts). Composite objectives count seconds by a score that no query makes: they are left out, and told of.
 * Source: OpenSLO v1; docs/slo-files.md.
 */

import { type FileObjective, idOf, PERIOD_DAYS, selectorOf, titleOf } from '../objective.ts';
import { resourceNames } from './names.ts';

export const OPENSLO_VERSION = 'openslo/v1';
/** Begins the annotations that make an import exact. */
export const ANNOTATION = 'sluice.dev/';

/** A Monday and a first of the month. */
const START = { startTime: '2024-01-01 00:00:00', timeZone: 'UTC' };
const CALENDARS = {
  week: { duration: '1w', isRolling: false, calendar: START },
  month: { duration: '1M', isRolling: false, calendar: START },
};

/** Whether an objective has a form in OpenSLO. */
export function isPlain({ indicator }: FileObjective): boolean {
  return indicator === 'availability' || indicator === 'latency';
}

/** Documents for a file. @param objectives plain ones */
export function openSloDocuments(objectives: readonly FileObjective[]): unknown[] {
  const nameOf = resourceNames(objectives.map(idOf));
  const serviceOf = resourceNames(objectives.map(({ name }) => name));
  const services = [...new Set(objectives.map(({ name }) => name))].map((name) => ({
    apiVersion: OPENSLO_VERSION,
    kind: 'Service',
    metadata: { name: serviceOf(name), displayName: name },
    spec: { description: `Traffic of ${name} through Sluice` },
  }));
  return [...services, ...objectives.map((one) => slo(one, nameOf(idOf(one)), serviceOf(one.name)))];
}

function slo(objective: FileObjective, name: string, service: string) {
  const { targetRatio, thresholdMs, calendar } = objective;
  const title = titleOf(objective);
  const within = thresholdMs === null ? '' : ` within ${thresholdMs} ms`;
  return {
    apiVersion: OPENSLO_VERSION,
    kind: 'SLO',
    metadata: { name, displayName: `${title}${within}`, annotations: annotationsOf(objective) },
    spec: {
      description: `${title}${within}, measured by Sluice`,
      service,
      indicator: {
        metadata: { name },
        spec: { ratioMetric: { counter: true, good: source(objective, 'good'), total: source(objective, null) } },
      },
      timeWindow: [calendar === null ? { duration: `${PERIOD_DAYS}d`, isRolling: true } : CALENDARS[calendar]],
      budgetingMethod: 'Occurrences',
      objectives: [{ displayName: title, target: targetRatio }],
    },
  };
}

function annotationsOf({ scope, name, indicator, thresholdMs }: FileObjective): Record<string, string> {
  return {
    [`${ANNOTATION}scope`]: scope,
    [`${ANNOTATION}name`]: name,
    [`${ANNOTATION}sli`]: indicator,
    ...(thresholdMs !== null && { [`${ANNOTATION}threshold`]: `${thresholdMs}ms` }),
  };
}

function source(objective: FileObjective, outcome: string | null) {
  const only = outcome === null ? '' : `,outcome="${outcome}"`;
  const query = `sum(sluice_slo_events_total{${selectorOf(objective)}${only}})`;
  return { metricSource: { type: 'Prometheus', spec: { query } } };
}
