/**
 * Composition of what the commands about SLO files need: YAML of other tools, the rules by which alerts fire, the objectives that
 * recorded traffic is shown to, codes of problems.
 */

import type { Config } from '../../model/config.ts';
import type { TrafficObjective } from '../../model/threads/load/traffic.ts';
import { ALERT_RULES } from '../../slo/budget/burn.ts';
import { isBeyondChance } from '../../slo/budget/guard.ts';
import type { RouteShape } from '../../slo/replay/claims.ts';
import { TrafficReplay } from '../../slo/replay/traffic.ts';
import { DEFAULT_SLO } from '../../sources/defaults.ts';
import { readYaml, writeYaml } from '../../sources/document/yaml.ts';
import { codeOf } from '../../sources/problems/codes.ts';
import { formatDuration } from '../../sources/scalars/duration.ts';

/** What the command line is handed. */
export const sloTools = {
  readYaml,
  writeYaml,
  writeDuration: formatDuration,
  rules: ALERT_RULES,
  badNeeded,
  codeOf,
  replay,
};

/**
 * Fewest failures of `total` events that no chance explains at an error ratio of `expectedRatio` (the guard of alerts); null: not
 * even all of them. Cost: about 20 evaluations of the guard.
 */
function badNeeded(total: number, expectedRatio: number): number | null {
  const most = Math.floor(total);
  if (!isBeyondChance(most, total, expectedRatio)) return null;
  let [low, high] = [1, most];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isBeyondChance(middle, total, expectedRatio)) high = middle;
    else low = middle;
  }
  return high;
}

/** Of a configuration its routes say which paths count for nothing, and whose service a request is of. */
function replay(objectives: readonly TrafficObjective[], config: Config | null): TrafficReplay {
  const { errorWeights, budgetPolicy } = DEFAULT_SLO;
  return new TrafficReplay(objectives, { calendar: null, errorWeights, budgetPolicy }, shapesOf(config));
}

function shapesOf(config: Config | null): Map<string, RouteShape> {
  return new Map(
    (config?.routes ?? []).map(({ name, slo, backendRefs }) => {
      const services = new Map<string, string | null>();
      for (const { service, version } of backendRefs) {
        services.set(version, (services.get(version) ?? service) === service ? service : null);
      }
      const [first] = backendRefs;
      const isAlone = backendRefs.every(({ service }) => service === first?.service);
      const service = isAlone ? (first?.service ?? null) : null;
      return [name, { ignorePaths: new Set(slo?.ignorePaths), service, services }];
    }),
  );
}
