/**
 * Says in one sentence, with its numbers, what became of a rollout.
 *
 * Numbers are never rounded across the line they are compared with: 99.97 % is not shown as 100.0 %, nor 6.92 nats
 * against 6.91 as 6.9 > 6.9.
 */

import type { ArmCounts, Verdict } from '../../model/slo.ts';
import { shortfallOf, type VerdictPolicy } from './verdict.ts';

/** Who is compared with whom. */
export interface RolloutNames {
  readonly route: string;
  readonly stable: string;
  readonly canary: string;
}

/** `checkout: v2 rolled back: 64 of 301 requests failed (21.3 %) against 0.2 % on v1; evidence 11.2 nats > 6.9 …` */
export function rollbackSentence(names: RolloutNames, verdict: Verdict, alpha: number): string {
  const [evidence, needed] = apart(verdict.logE, verdict.logEToFail);
  return (
    `${names.route}: ${names.canary} rolled back: ${comparison(names, verdict)}; ` +
    `evidence ${evidence} nats > ${needed} needed for alpha ${alpha}, in requests and in user-seconds alike`
  );
}

/** The state of a rollout that goes on, and why it is not known to be bad. */
export function progressSentence(names: RolloutNames, verdict: Verdict, policy: VerdictPolicy): string {
  const subject = `${names.route}: ${names.canary} is watched`;
  const { canary, stable } = verdict.requests;
  if (verdict.state === 'no-traffic') {
    if (canary.finished === 0) return `${subject}: no request to it yet, ${stable.finished} to ${names.stable}`;
    return `${subject}: no request to ${names.stable} to compare with, ${canary.finished} to ${names.canary}`;
  }
  const shortfall = verdict.state === 'insufficient' ? shortfallOf(verdict, policy.badMin) : null;
  if (shortfall !== null) return `${subject}: ${shortfall.seen} of ${shortfall.needed} ${shortfall.of} needed to judge`;
  const [evidence, needed] = apart(verdict.logE, verdict.logEToFail);
  return `${subject}: ${comparison(names, verdict)}; evidence ${evidence} of ${needed} nats`;
}

/** The operator changed what had been rolled back. */
export function resumeSentence(names: RolloutNames, weight: number): string {
  return `${names.route}: ${names.canary} is watched anew at weight ${weight}: its split was changed after the rollback`;
}

function comparison(names: RolloutNames, verdict: Verdict): string {
  const { canary, stable } = verdict.requests;
  const failed = `${canary.bad} of ${canary.finished} requests failed (${percent(canary)})`;
  return `${failed} against ${percent(stable)} on ${names.stable}`;
}

/** Share of bad ones, `21.3 %`; `no data` when nothing finished. */
export function percent(counts: ArmCounts): string {
  if (counts.finished === 0) return 'no data';
  if (counts.bad === 0) return '0 %';
  if (counts.bad === counts.finished) return '100 %';
  const share = (100 * counts.bad) / counts.finished;
  if (share >= 99.95) return '> 99.9 %';
  return share < 0.1 ? `${Number(share.toPrecision(1))} %` : `${share.toFixed(1)} %`;
}

/** Both numbers with as many digits, one to three, as it takes to tell them apart. */
function apart(a: number, b: number): readonly [string, string] {
  for (const digits of [1, 2]) {
    if (a.toFixed(digits) !== b.toFixed(digits)) return [fixed(a, digits), fixed(b, digits)];
  }
  return [fixed(a, 3), fixed(b, 3)];
}

/** `toFixed` without `-0.0`. */
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text;
}
