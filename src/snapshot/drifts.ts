/**
 * The versions that are watched for drift, as the watch needs them: indexes of the snapshot instead of names.
 */

import type { Config } from '../model/config.ts';
import { rolloutOn } from '../model/rollout.ts';
import type { DriftSpec } from '../model/slo.ts';
import type { RouteSpec, Snapshot } from '../model/snapshot.ts';

/**
 * Every version of every route with `drift`, in the order of the configuration; of a route whose rollout spans several, all but its two:
 * with less weight for one of them on one route its canary's share would be another there, and the sum of the routes would not
 * compare the two any more. `snapshot` was compiled from `config`.
 */
export function driftsOf(config: Config, snapshot: Snapshot): DriftSpec[] {
  const specs: DriftSpec[] = [];
  for (const [index, route] of config.routes.entries()) {
    const { name, slo } = route;
    const drift = slo?.drift ?? null;
    if (slo === null || drift === null) continue;
    const rollout = rolloutOn(route);
    const { splits } = snapshot.routes[index] as RouteSpec;
    const canaryDial = splits.find(({ version }) => version === rollout?.canary)?.dial ?? -1;
    for (const { service, version, cell, dial } of splits) {
      const isArm = rollout !== null && (version === rollout.canary || version === rollout.stable);
      if (isArm && rollout.routes !== undefined) continue;
      specs.push({ route: name, service, version, cell, dial, slo, drift, canaryDial: isArm ? canaryDial : -1 });
    }
  }
  return specs;
}
