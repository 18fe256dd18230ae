/**
 * The budget policy: what an error budget allows rollouts to do.
 *
 * ```
 * left            verdict    a rollout
 * not known       allowed    goes as configured: nothing was counted, so nothing was spent
 * above slowBelow allowed    goes as configured
 * below slowBelow slow       starts at 0.5 % at most and stays twice as long on every step
 * 0 or less       frozen     does not start, and one under way does not go on
 * any, label fix  as above, but frozen becomes `fix`: slow, and the reason is logged
 * ```
 * A release allowance bounds one rollout besides: it may spend a share of what was left when it began. Where what is left
 * is less than one event, the allowance says `insufficient` instead of stopping at the first failure.
 *
 * Verdicts carry a sentence with the numbers; who enforces them logs it when `mustLog` is set.
 * Source: docs/ARCHITECTURE.md "Objectives and budgets"; The Site Reliability Workbook, appendix "Example Error Budget
 * Policy".
 */

import type { BudgetPolicyConfig } from '../../model/slo.ts';

/** Largest first step of a slow rollout, as a share of users. */
export const SLOW_START_RATIO = 0.005;
/** How many times longer a slow rollout stays on a step. */
export const SLOW_DWELL_FACTOR = 2;

/** What somebody wants to release. */
export interface Release {
  /** Part of the budget that is left; null when nothing was counted. */
  readonly remainingRatio: number | null;
  /** It mends what spends the budget. */
  readonly isFix: boolean;
  /** Why it is labeled a fix; an empty one does not count as a label. */
  readonly fixReason: string;
}

export interface PolicyVerdict {
  readonly kind: 'allowed' | 'slow' | 'frozen' | 'fix';
  /** Largest first step as a share of users; null = as configured, 0 = none. */
  readonly startRatioMax: number | null;
  readonly dwellFactor: number;
  /** Somebody used an exception: the sentence belongs in the log. */
  readonly mustLog: boolean;
  readonly sentence: string;
}

/** What the budget allows a release to do. */
export function releaseVerdict(release: Release, policy: BudgetPolicyConfig): PolicyVerdict {
  const { remainingRatio } = release;
  if (remainingRatio === null) return allowed('nothing was counted in 28 days, so the budget is whole');
  const left = leftOf(remainingRatio);
  if (remainingRatio > 0) {
    if (remainingRatio >= policy.slowBelowRatio) return allowed(left);
    const sentence = `${left}, less than ${percent(policy.slowBelowRatio)}: ${SLOWLY}`;
    return { kind: 'slow', ...SLOW, mustLog: false, sentence };
  }
  if (!policy.freeze) return { kind: 'slow', ...SLOW, mustLog: false, sentence: `${left}: ${SLOWLY}` };
  const reason = release.fixReason.trim();
  if (!release.isFix || reason === '') {
    const sentence = `${left}: rollouts are frozen, unless labeled fix with a reason`;
    return { kind: 'frozen', startRatioMax: 0, dwellFactor: 1, mustLog: false, sentence };
  }
  const sentence = `${left}, but this is a fix (${reason}): ${SLOWLY}`;
  return { kind: 'fix', ...SLOW, mustLog: true, sentence };
}

const SLOW = { startRatioMax: SLOW_START_RATIO, dwellFactor: SLOW_DWELL_FACTOR } as const;
const SLOWLY = `rollouts start at ${percent(SLOW_START_RATIO)} and stay ${SLOW_DWELL_FACTOR} times longer on a step`;

function allowed(because: string): PolicyVerdict {
  return { kind: 'allowed', startRatioMax: null, dwellFactor: 1, mustLog: false, sentence: because };
}

/** How much one rollout spent of what it may. */
export interface Allowance {
  readonly kind: 'within' | 'spent' | 'insufficient';
  /** Bad events that the rollout may cause; 0 when insufficient. */
  readonly badMax: number;
  readonly sentence: string;
}

/**
 * Whether a rollout still keeps to its allowance.
 * @param leftAtStart bad events that the budget had left when the rollout began (`remainingEvents`)
 * @param bad events that the rollout caused since
 */
export function allowanceOf(
  leftAtStart: number,
  bad: number,
  { releaseAllowanceRatio }: BudgetPolicyConfig,
): Allowance {
  const badMax = Math.floor(Math.max(0, leftAtStart) * releaseAllowanceRatio);
  if (badMax < 1) {
    const sentence = `${percent(releaseAllowanceRatio)} of ${round(leftAtStart)} events is less than one: no allowance to keep to`;
    return { kind: 'insufficient', badMax: 0, sentence };
  }
  const share = `${bad} of the ${badMax} bad events it may cause (${percent(releaseAllowanceRatio)} of the budget left at its start)`;
  if (bad > badMax) return { kind: 'spent', badMax, sentence: `the rollout caused more than it may: ${share}` };
  return { kind: 'within', badMax, sentence: `the rollout caused ${share}` };
}

function leftOf(remainingRatio: number): string {
  if (remainingRatio < 0) return `the error budget is overspent by ${percent(-remainingRatio)}`;
  return `${percent(remainingRatio)} of the error budget is left`;
}

function percent(ratio: number): string {
  return `${round(ratio * 100)} %`;
}

/** Three digits, without zeros at the end. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
