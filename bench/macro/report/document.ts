/**
 * The document that `--json` and `--save` write: setting, every sample, verdicts.
 */

import type { Outcome } from '../scenarios/outcome.ts';
import { judge, ROUNDS_MIN, type Verdict } from './criteria.ts';
import { isQuiet } from './notes.ts';

/** What the numbers were taken on. */
export interface Setting {
  /** ISO 8601. */
  readonly at: string;
  readonly commit: string;
  /** Whether the gateway's files differed from the commit. */
  readonly isDirty: boolean;
  readonly node: string;
  readonly cpu: string;
  readonly kernel: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly headBytes: number;
  readonly openFilesMax: number;
  readonly isPinned: boolean;
  /** Share of Sluice's requests in its access log; 0 when this Sluice has none. */
  readonly accessLogRatio: number;
  /** Requests per second that the upstream answers without a gateway. */
  readonly upstreamRequestsPerSecond: number;
}

/** Why the verdicts are only an indication; empty when they count. */
export function doubtsOf(setting: Setting, outcomes: readonly Outcome[]): string[] {
  const noisy = outcomes.filter((outcome) => !isQuiet(outcome)).map(({ scenario }) => scenario.name);
  return [
    ...(setting.rounds < ROUNDS_MIN ? [`${setting.rounds} rounds, at least ${ROUNDS_MIN} count`] : []),
    ...(setting.isDirty ? ['src differs from the commit'] : []),
    ...(setting.isPinned ? [] : ['gateway, load and upstream share the cores']),
    ...(setting.accessLogRatio > 0 ? [] : ['Sluice ran without an access log: its configuration has none']),
    ...(noisy.length > 0 ? [`the machine was not quiet during ${noisy.join(', ')}`] : []),
  ];
}

/** Everything as JSON. */
export function renderJson(setting: Setting, outcomes: readonly Outcome[]): string {
  const verdicts: readonly Verdict[] = judge(outcomes);
  const doubts = doubtsOf(setting, outcomes);
  return `${JSON.stringify({ setting, verdicts, doubts, outcomes }, null, 2)}\n`;
}
