/**
 * The versions that are watched for drift, as the watch needs them: indexes of the snapshot instead of names.
 */

import type { Config } from '../model/config.ts';
import type { DriftSpec } from '../model/slo.ts';
import type { RouteSpec, Snapshot } from '../model/snapshot.ts';

/** Every version of every route with `drift`, in the order of the configuration. `snapshot` was compiled from `config`. */
export function driftsOf(config: Config, snapshot: Snapshot): DriftSpec[] {
  return config.routes.flatMap(({ name, slo, rollout }, index) => {
    const drift = slo?.drift ?? null;
    if (slo === null || drift === null) return [];
    const { splits } = snapshot.routes[index] as RouteSpec;
    const canaryDial = splits.find(({ version }) => version === rollout?.canary)?.dial ?? -1;
    return splits.map(({ service, version, cell, dial }) => {
      const isArm = rollout !== null && (version === rollout.canary || version === rollout.stable);
      return { route: name, service, version, cell, dial, slo, drift, canaryDial: isArm ? canaryDial : -1 };
    });
  });
}
