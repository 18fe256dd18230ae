/**
 * Renews what is made from the metric families: the reference page, the dashboard and the alerts.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { alertsFile } from './alerts.ts';
import { dashboardFile } from './dashboard.ts';
import { metricsPage } from './metrics-page.ts';

/** Content by path in the repository. */
export const MADE: Readonly<Record<string, () => string>> = {
  'docs/METRICS.md': metricsPage,
  'deploy/grafana/sluice.json': dashboardFile,
  'deploy/prometheus/alerts.yaml': alertsFile,
};

if (import.meta.main) {
  const root = join(import.meta.dirname, '../..');
  for (const [path, make] of Object.entries(MADE)) writeFileSync(join(root, path), make());
}
