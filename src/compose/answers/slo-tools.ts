/**
 * Composition of what the commands about SLO files need: YAML of other tools, the rules by which alerts fire, codes of problems.
 */

import { ALERT_RULES } from '../../slo/budget/burn.ts';
import { isBeyondChance } from '../../slo/budget/guard.ts';
import { readYaml, writeYaml } from '../../sources/document/yaml.ts';
import { codeOf } from '../../sources/problems/codes.ts';

/** What the command line is handed. */
export const sloTools = { readYaml, writeYaml, rules: ALERT_RULES, badNeeded, codeOf };

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
