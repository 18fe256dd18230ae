/**
 * Which changes of a configuration wait for the next start: listeners, threads, the state's
 * file and the link to the fleet are made once.
 */

import type { Config } from '../model/config.ts';

const FIXED = ['listen', 'admin', 'workers', 'state', 'fleet'] as const;

/** One warning for each change that does not take effect now. */
export function needsRestart(before: Config, after: Config): string[] {
  const changed = FIXED.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return changed.map((key) => `${key} changed; the change takes effect at the next start`);
}
