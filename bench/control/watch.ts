/**
 * Watches healthy rollouts of a cell for an hour each, and counts those that are rolled back.
 *
 * Each history is watched twice at most: first its requests alone, and with its users from the start only where requests alone
 * would spare or convict (`test/support/simulate/watch/screen.ts`).
 */

import { MinRule } from '#src/slo/verdict/min-rule.ts';
import { emptyEvidence, POLICY } from '../../test/support/simulate/rollout.ts';
import { HEALTHY, TICK_MS, Traffic } from '../../test/support/simulate/traffic.ts';
import { ClusteredTraffic } from '../../test/support/simulate/watch/clustered.ts';
import { CALM, CountedTraffic } from '../../test/support/simulate/watch/counted.ts';
import { Judge } from '../../test/support/simulate/watch/judge.ts';
import { Screen } from '../../test/support/simulate/watch/screen.ts';
import type { Cell } from './cells.ts';

export const HOUR_MS = 3_600_000;

export interface WatchOptions {
  readonly durationMs?: number;
  readonly alpha?: number;
}

/** Whether the history of this seed ends in a rollback. */
export function isRolledBack(cell: Pick<Cell, 'start'>, seed: number, options: WatchOptions = {}): boolean {
  return passesScreen(cell, seed, options) && isConvicted(cell, seed, options);
}

/** Whether users decide at some time. */
export function passesScreen({ start }: Pick<Cell, 'start'>, seed: number, options: WatchOptions): boolean {
  const traffic = start(seed, false);
  const screen = new Screen(traffic.nowMs, options.alpha);
  traffic.onStep = () => screen.step(traffic.nowMs);
  const { requests } = traffic.evidence;
  for (let tick = ticksOf(options); tick > 0; tick--) {
    traffic.next();
    if (screen.passes(requests, traffic.nowMs)) return true;
  }
  return false;
}

/** Whether the whole evidence convicts at some time. */
export function isConvicted({ start }: Pick<Cell, 'start'>, seed: number, options: WatchOptions): boolean {
  const traffic = start(seed, true);
  const judge = new Judge(traffic.hiccups, traffic.nowMs, options.alpha);
  traffic.onStep = () => judge.step(traffic.nowMs);
  for (let tick = ticksOf(options); tick > 0; tick--) {
    traffic.next();
    if (judge.convicts(traffic.evidence, traffic.nowMs)) return true;
  }
  return false;
}

function ticksOf({ durationMs = HOUR_MS }: WatchOptions): number {
  return durationMs / TICK_MS;
}

/**
 * What the judge makes of a fixed history, and what other histories count: differs when formulas do, or when histories are
 * drawn otherwise, so that old results are not taken for new ones.
 */
export function fingerprint(): string {
  const bursts = { meanLength: 3, meanGapMs: 300 };
  const traffic = new Traffic({ ...HEALTHY, bursts }, 1);
  const rule = new MinRule(POLICY.toleratedRatio, traffic.nowMs, POLICY.absoluteFloor);
  const drawn = [new CountedTraffic(CALM, 1), new ClusteredTraffic({ ...HEALTHY, bursts }, 1)];
  const sums = emptyEvidence();
  for (let tick = 0; tick < 1200; tick++) {
    traffic.next();
    rule.observe(traffic.evidence, traffic.nowMs);
    for (const one of drawn) {
      one.next();
      sums.requests.stable.finished += one.evidence.requests.stable.finished;
      sums.users.canary.finished += one.evidence.users.canary.finished;
    }
    sums.users.stable.finished += traffic.evidence.users.stable.finished;
  }
  const values = [rule.logERequests, rule.logEUsers, rule.logEAbsolute, rule.dispersion];
  const counts = [sums.users.stable.finished, sums.requests.stable.finished, sums.users.canary.finished];
  return [...values.map((value) => value.toFixed(9)), ...counts].join(' ');
}
