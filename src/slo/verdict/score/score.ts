/**
 * Keeps the score of one canary under one policy: convicted, proven sound, or not known.
 *
 * What does not depend on the policy is in the account (`account.ts`), which takes each look first.
 *
 * When the failures that would convict are those of one endpoint of several, they are left out and the errors are judged
 * from nothing again: ejecting it is the business of `health/`. That goes on for SPARE_MS, SPARES_MAX times a step at most,
 * so that an endpoint that nobody ejects convicts its version in the end.
 */

import type { JudgePolicy } from '../../../model/rollout.ts';
import type { Evidence, Verdict } from '../../../model/slo.ts';
import type { SeenLatency } from '../../latency/score.ts';
import { MinRule } from '../min-rule.ts';
import { PromotionProcess } from '../promotion.ts';
import { promotionSentence } from '../sentence.ts';
import { isLatencyEnough, logEToFail, totalLogE, verdictOf } from '../verdict.ts';
import type { Account } from './account.ts';

const SPARES_MAX = 3;
/** How long an endpoint's failures are left out: time enough to eject it. */
const SPARE_MS = 10_000;

export class Score {
  #errors: MinRule;
  readonly #promotion: PromotionProcess;
  /** Endpoints whose failures were left out in this step. */
  #spared: number[] = [];
  #sparedAtMs = 0;

  constructor(policy: JudgePolicy, nowMs: number) {
    this.#errors = new MinRule(policy.toleratedRatio, nowMs, policy.absoluteFloor);
    this.#promotion = new PromotionProcess(policy.promotion);
  }

  /** Takes in what was seen since the last look. True when the verdict on failures may have become worse. */
  look(policy: JudgePolicy, news: Evidence, account: Account, nowMs: number): boolean {
    const { canary, stable } = news.requests;
    this.#promotion.update(canary.finished, stable.finished, canary.bad, stable.bad);
    if (!this.#errors.observe(news, nowMs)) return false;
    if (this.#errors.reaches(logEToFail(policy.alpha))) this.#spare(policy, account, nowMs);
    return true;
  }

  /** Nobody looked for too long: lets the time in between pass unjudged. */
  skip(nowMs: number): void {
    this.#errors.skip(nowMs);
  }

  /** The canary's weight has changed. */
  step(nowMs: number): void {
    this.#spared = [];
    this.#errors.step(nowMs);
    this.#promotion.restart();
  }

  /** Whether the evidence rolls the canary back. Cost: no allocation while it does not. */
  isConvicted({ alpha, badMin }: JudgePolicy, { latency, soundness, requests }: Account): boolean {
    const level = logEToFail(alpha);
    // The composed e-value never exceeds its largest part.
    if (!this.#errors.reaches(level) && !latency.reaches(level)) return false;
    if (soundness.fault !== null) return false;
    if (requests.canary.bad < badMin && !isLatencyEnough(latency.logE, level)) return false;
    return totalLogE(this.#errors.logE, latency.logE) >= level;
  }

  /** Whether the canary is proven not to be worse, in this step, and nothing speaks against it now. */
  isPromotable(policy: JudgePolicy, account: Account): boolean {
    return this.#promotion.isPassed && account.soundness.fault === null && !this.isConvicted(policy, account);
  }

  /** How far the proof is that the canary is not worse, for the gate of a step; the sentence is written when it is read. */
  promotion(policy: JudgePolicy, account: Account): { readonly isPromotable: boolean; readonly sentence: string } {
    const isPromotable = this.isPromotable(policy, account);
    const { fault } = account.soundness;
    const { goodNeeded } = this.#promotion;
    return {
      isPromotable,
      get sentence() {
        return promotionSentence(isPromotable, goodNeeded, fault);
      },
    };
  }

  /** @param seenAt latencies for people */
  verdict(policy: JudgePolicy, account: Account, seenAt: (quantile: number) => SeenLatency): Verdict {
    const { logE, logERequests, logEUsers, logEAbsolute, dispersion } = this.#errors;
    const { isPassed, logERelative, logEAbsolute: logEBelow, logEToPass, goodNeeded } = this.#promotion;
    const parts = {
      errors: {
        logE,
        logERequests,
        logEUsers,
        logEAbsolute: Number.isFinite(logEAbsolute) ? logEAbsolute : null,
        dispersion,
        spared: [...this.#spared],
      },
      latency: account.latency.part(seenAt),
      promotion: {
        isPassed,
        logERelative,
        logEAbsolute: logEBelow,
        logEToPass,
        goodNeeded: Number.isFinite(goodNeeded) ? goodNeeded : null,
      },
      fault: account.soundness.fault,
    };
    return verdictOf(parts, account.totals, policy);
  }

  /** Leaves the failures out that would convict when they are one endpoint's. */
  #spare({ toleratedRatio, absoluteFloor }: JudgePolicy, { sick, stableRatio }: Account, nowMs: number): void {
    const endpoint = sick.find(stableRatio);
    if (endpoint === null) return;
    if (endpoint !== this.#spared.at(-1) || nowMs - this.#sparedAtMs >= SPARE_MS) {
      if (this.#spared.length >= SPARES_MAX) return;
      this.#spared.push(endpoint);
      this.#sparedAtMs = nowMs;
    }
    this.#errors = new MinRule(toleratedRatio, nowMs, absoluteFloor);
  }
}
