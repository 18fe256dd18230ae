/**
 * Watches healthy rollouts of a cell for an hour each, and counts those that are rolled back.
 */

import { MinRule } from '#src/slo/verdict/min-rule.ts';
import { emptyEvidence, POLICY } from '../../test/support/simulate/rollout.ts';
import { HEALTHY, TICK_MS, Traffic } from '../../test/support/simulate/traffic.ts';
import { CountedTraffic } from '../../test/support/simulate/watch/counted.ts';
import { Judge } from '../../test/support/simulate/watch/judge.ts';
import type { Cell } from './cells.ts';

export const HOUR_MS = 3_600_000;

/** Whether the history of this seed ends in a rollback. */
export function isRolledBack(cell: Pick<Cell, 'start'>, seed: number, durationMs = HOUR_MS): boolean {
  const traffic = cell.start(seed);
  const hiccups = traffic instanceof CountedTraffic ? traffic.hiccups : null;
  const judge = new Judge(hiccups, traffic.nowMs);
  if (traffic instanceof CountedTraffic) traffic.onStep = () => judge.step(traffic.nowMs);
  const { evidence } = traffic;
  for (let tick = durationMs / TICK_MS; tick > 0; tick--) {
    traffic.next();
    if (judge.convicts(evidence, traffic.nowMs)) return true;
  }
  return false;
}

/** What the judge makes of a fixed history: differs when its formulas do, so that old results are not taken for new ones. */
export function fingerprint(): string {
  const traffic = new Traffic({ ...HEALTHY, bursts: { meanLength: 3, meanGapMs: 300 } }, 1);
  const rule = new MinRule(POLICY.toleratedRatio, traffic.nowMs, POLICY.absoluteFloor);
  const sums = emptyEvidence();
  for (let tick = 0; tick < 1200; tick++) {
    traffic.next();
    rule.observe(traffic.evidence, traffic.nowMs);
    sums.users.stable.finished += traffic.evidence.users.stable.finished;
  }
  const values = [rule.logERequests, rule.logEUsers, rule.logEAbsolute, rule.dispersion];
  return [...values.map((value) => value.toFixed(9)), sums.users.stable.finished].join(' ');
}
