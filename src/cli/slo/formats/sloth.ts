/**
 * Objectives as Sloth reads them (`version: prometheus/v1`), one document per route or service.
 *
 * Sloth makes its own rules of them, with its own windows. Source: sloth.dev, specification prometheus/v1; docs/slo-files.md.
 */

import { type FileObjective, kindOf, percentText, titleOf } from '../objective.ts';
import { rateOf } from './prometheus.ts';

/** Documents for a file. */
export function slothDocuments(objectives: readonly FileObjective[]): unknown[] {
  const byName = Map.groupBy(objectives, ({ name }) => name);
  return [...byName].map(([service, own]) => ({
    version: 'prometheus/v1',
    service,
    labels: { source: 'sluice' },
    slos: own.map(slo),
  }));
}

function slo(objective: FileObjective) {
  return {
    name: kindOf(objective),
    objective: Number(percentText(objective.targetRatio)),
    description: titleOf(objective),
    sli: {
      events: {
        error_query: rateOf(objective, '{{.window}}', 'bad'),
        total_query: rateOf(objective, '{{.window}}', 'any'),
      },
    },
    alerting: {
      name: 'SluiceErrorBudgetBurn',
      annotations: { summary: `${titleOf(objective)} burns its error budget too fast` },
      page_alert: { labels: { severity: 'page' } },
      ticket_alert: { labels: { severity: 'ticket' } },
    },
  };
}
