/**
 * SLO files for tests, and the tools that read them.
 */

import { runCli } from '#src/cli/cli.ts';
import { Findings } from '#src/cli/slo/check/findings.ts';
import type { FileDocument } from '#src/cli/slo/tools.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { createConfigTools } from '#src/compose/config/config-tools.ts';
import { recordedDeps } from '../cli.ts';

/** A configuration with every kind of objective. */
export const CONFIG = `business: {target: 0.99, atLeast: 0.95}
services:
  shop:
    slo: {availability: 0.9995}
    versions:
      v1: {endpoints: ["127.0.0.1:7001"]}
routes:
  - name: checkout
    value: 3
    backendRefs: [{name: shop}]
    slo:
      availability: 0.999
      latency: {threshold: 300ms, target: 0.99}
      composite: {target: 0.995, atLeast: 0.9}
`;

/** A sound OpenSLO file, with an alert policy that an alert can follow from. */
export const OPENSLO = `apiVersion: openslo/v1
kind: SLO
metadata: {name: checkout}
spec:
  service: shop
  indicator:
    metadata: {name: checkout}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: sluice, spec: {scope: route, name: checkout, sli: availability}}}
        total: {metricSource: {type: sluice, spec: {scope: route, name: checkout, sli: availability}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{displayName: good, target: 0.999}]
  alertPolicies: [fast]
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: fast}
spec:
  conditions: [{conditionRef: burn}]
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: burn}
spec:
  severity: page
  condition: {kind: burnrate, op: gte, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}
---
apiVersion: openslo/v1
kind: Service
metadata: {name: shop}
spec: {description: sells things}
`;

/** The documents of a text that is YAML, and what is found about them. */
export function documentsOf(text: string): {
  readonly documents: readonly FileDocument[];
  readonly findings: Findings;
} {
  const read = sloTools.readYaml(text);
  if (!read.ok) throw new Error(`not YAML: ${read.because}`);
  return { documents: read.documents, findings: new Findings('slo.yaml', sloTools) };
}

/** Runs the command line over files in memory. */
export async function runOver(files: Readonly<Record<string, string>>, argv: readonly string[]) {
  const config = {
    ...createConfigTools({}),
    readText: (file: string) =>
      Object.hasOwn(files, file) ? Promise.resolve(files[file] as string) : Promise.reject(new Error(`no ${file}`)),
  };
  const { deps, out, err } = recordedDeps({ config: async () => config });
  const code = await runCli(argv, deps);
  return { code, out: out(), err: err() };
}
