/**
 * Says in one sentence, with its numbers, what became of a rollout.
 *
 * Numbers are never rounded across the line they are compared with: 99.97 % is not shown as 100.0 %, nor 6.92 nats
 * against 6.91 as 6.9 > 6.9.
 */

import {
  type ArmCounts,
  addressesAmong,
  type Evidence,
  type Fault,
  type LatencyComparison,
  type Verdict,
} from '../../model/slo.ts';
import { DEFECT_CODE } from '../../model/threads/load/defects.ts';
import { culpritOf, isLatencyStronger } from './verdict.ts';

/** Who is compared with whom. */
export interface RolloutNames {
  readonly route: string;
  readonly stable: string;
  readonly canary: string;
}

/** What keeps the evidence from being believed. */
const FAULTS: Readonly<Record<Fault, string>> = {
  'stable-down': 'every request to the stable version fails, so there is nothing to compare with',
  counters: 'the counters do not add up',
  clock: 'the loop was held up or its clock stepped several times within a minute',
  defect: `the gateway failed at judging it, by a defect of its own (${DEFECT_CODE})`,
};

/** `checkout: v2 rolled back: 64 of 301 requests failed (21.3 %) against 0.2 % on v1; evidence 11.2 nats > 6.9 …` */
export function rollbackSentence(names: RolloutNames, verdict: Verdict, alpha: number, did = 'rolled back'): string {
  const [evidence, needed] = apart(verdict.logE, verdict.logEToFail);
  const bySpeed = slownessOf(names, verdict);
  return (
    `${names.route}: ${names.canary} ${did}: ${bySpeed ?? failure(names, verdict)}; ` +
    `evidence ${evidence} nats > ${needed} needed for alpha ${alpha}` +
    (bySpeed === null ? ', in requests and in user-seconds alike' : '') +
    sparedWords(verdict)
  );
}

/** How the canary is slower, when that is the larger part of the evidence; else null. */
function slownessOf(names: RolloutNames, verdict: Verdict): string | null {
  const { at } = verdict.latency;
  return at === null || !isLatencyStronger(verdict) ? null : latencyComparison(names, at);
}

/** The state of a rollout that goes on, and why it is not known to be bad. */
export function progressSentence(names: RolloutNames, verdict: Verdict): string {
  const subject = `${names.route}: ${names.canary} is watched`;
  const { canary, stable } = verdict.requests;
  if (verdict.fault !== null) return `${subject}: not judged now: ${FAULTS[verdict.fault]}`;
  if (verdict.state === 'no-traffic') {
    if (canary.finished === 0) return `${subject}: no request to it yet, ${stable.finished} to ${names.stable}`;
    return `${subject}: no request to ${names.stable} to compare with, ${canary.finished} to ${names.canary}`;
  }
  const { shortfall } = verdict;
  if (shortfall !== null) return `${subject}: ${shortfall.seen} of ${shortfall.needed} ${shortfall.of} needed to judge`;
  const [evidence, needed] = apart(verdict.logE, verdict.logEToFail);
  return `${subject}: ${comparison(names, verdict)}; evidence ${evidence} of ${needed} nats${promotionOf(verdict)}${sparedWords(verdict)}`;
}

/** The operator changed what had been rolled back. */
export function resumeSentence(names: RolloutNames, weight: number): string {
  return `${names.route}: ${names.canary} is watched anew at weight ${weight}: its split was changed after the rollback`;
}

/** What failed, and on which route where it is one of several: `on pay 12 of 14 requests … on v1, 12 of 301 on all 3 routes`. */
function failure(names: RolloutNames, verdict: Verdict): string {
  const culprit = culpritOf(verdict);
  if (culprit === null) return comparison(names, verdict);
  const { canary } = verdict.requests;
  const everywhere = `${canary.bad} of ${canary.finished} on all ${verdict.routes?.length} routes`;
  return `on ${culprit.route} ${comparison(names, culprit)}, ${everywhere}`;
}

/** `64 of 301 requests failed (21.3 %) against 0.2 % on v1` */
function comparison(names: RolloutNames, { requests: { canary, stable } }: Evidence): string {
  const failed = `${canary.bad} of ${canary.finished} requests failed (${percent(canary)})`;
  return `${failed} against ${percent(stable)} on ${names.stable}`;
}

/** `p95 412 ms against 120 ms on v1; 34 of 120 requests took over 132 ms (28.3 %), 5.1 % of v1's over 120 ms` */
function latencyComparison(names: RolloutNames, at: LatencyComparison): string {
  const { canary, stable } = at.slow;
  // What hangs has no latency yet: the quantile of those that came back may be below what is known.
  const seen = at.canaryMs !== null && at.canaryMs > at.canaryLimitMs ? ms(at.canaryMs) : `> ${ms(at.canaryLimitMs)}`;
  return (
    `p${Number((100 * at.quantile).toFixed(1))} ${seen} against ${ms(at.stableMs ?? at.stableLimitMs)} on ${names.stable}; ` +
    `${canary.bad} of ${canary.finished} requests took over ${ms(at.canaryLimitMs)} (${percent(canary)}), ` +
    `${percent(stable)} of ${names.stable}'s over ${ms(at.stableLimitMs)}`
  );
}

/** What the next step of a rollout waits for, or that it need not. `goodNeeded`: `PromotionProcess.goodNeeded`. */
export function promotionSentence(isPromotable: boolean, goodNeeded: number, fault: Fault | null): string {
  if (fault !== null) return `not judged now: ${FAULTS[fault]}`;
  if (isPromotable) return 'proven not to be worse';
  if (goodNeeded === 0) return 'proven not to be worse, but the evidence against it convicts';
  return Number.isFinite(goodNeeded) ? `${goodNeeded} more good requests prove it sound` : 'not proven sound yet';
}

/** How far the proof of health is; empty when it can never come. */
function promotionOf({ promotion }: Verdict): string {
  if (promotion.isPassed) return '; proven not to be worse';
  return promotion.goodNeeded === null ? '' : `; ${promotion.goodNeeded} more good requests prove it sound`;
}

/** `; failures of endpoint 10.0.0.7:8080 were left out`, of more than once `… 2 times`; empty: none were. */
export function sparedWords({ errors }: Pick<Verdict, 'errors'>): string {
  const names = addressesAmong(errors.spared);
  if (names.length === 0) return '';
  const one = names.length === 1 ? 'endpoint' : 'the endpoints';
  const times = errors.spared.length === 1 ? '' : ` ${errors.spared.length} times`;
  return `; failures of ${one} ${names.join(', ')} were left out${times}`;
}

function ms(value: number): string {
  return value < 10 ? `${Number(value.toPrecision(2))} ms` : `${Math.round(value)} ms`;
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
