/**
 * Objectives as Pyrra reads them (`pyrra.dev/v1alpha1`), one document each.
 *
 * Source: Pyrra, ServiceLevelObjective v1alpha1; docs/slo-files.md.
 */

import { daysText, type FileObjective, idOf, PERIOD_DAYS, percentText, selectorOf, titleOf } from '../objective.ts';
import { resourceNames } from './names.ts';

/** Documents for a file. */
export function pyrraDocuments(objectives: readonly FileObjective[]): unknown[] {
  const nameOf = resourceNames(objectives.map(idOf));
  return objectives.map((objective) => ({
    apiVersion: 'pyrra.dev/v1alpha1',
    kind: 'ServiceLevelObjective',
    metadata: { name: nameOf(idOf(objective)), labels: { 'pyrra.dev/source': 'sluice' } },
    spec: {
      target: percentText(objective.targetRatio),
      window: daysText(PERIOD_DAYS),
      description: titleOf(objective),
      indicator: {
        ratio: {
          errors: { metric: `sluice_slo_events_total{${selectorOf(objective)},outcome="bad"}` },
          total: { metric: `sluice_slo_events_total{${selectorOf(objective)}}` },
        },
      },
    },
  }));
}
