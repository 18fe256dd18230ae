/**
 * Keeps the score of one canary under one policy: convicted, proven sound, or not known.
 *
 * What does not depend on the policy is in the account (`account.ts`), which takes each look first.
 *
 * A rollout of several routes has one process of failures for each besides, within the same alpha: a canary that is bad on a
 * rare route drowns in the sum.
 *
 * When the failures that would convict are those of one endpoint of several, they are left out and the errors are judged
 * from nothing again: ejecting it is the business of `health/`. That goes on for SPARE_MS, SPARES_MAX times a step at most,
 * so that an endpoint that nobody ejects convicts its version in the end. What still fails at one that has gone is left out as
 * long as it was being spared, and counts against the version else: nobody can eject it any more.
 */

import type { JudgePolicy } from '../../../model/rollout.ts';
import type { EndpointName, Evidence, RoutePart, Verdict } from '../../../model/slo.ts';
import type { SeenLatency } from '../../latency/score.ts';
import { MinRule } from '../min-rule.ts';
import { PromotionProcess } from '../promotion.ts';
import { promotionSentence } from '../sentence.ts';
import { copyOf, isLatencyEnough, logEToFail, totalLogE, verdictOf } from '../verdict.ts';
import { type Account, emptyEvidence, type Look } from './account.ts';

const SPARES_MAX = 3;
/** How long an endpoint's failures are left out: time enough to eject it. */
const SPARE_MS = 10_000;

/** What was seen since the last look, as far as failures go. */
export type News = Evidence & Pick<Look, 'routes'>;

const NOTHING = emptyEvidence();

export class Score {
  #errors: MinRule;
  /** One for each route; empty where there is one. */
  #routes: readonly MinRule[];
  readonly #promotion: PromotionProcess;
  /** Endpoints whose failures were left out in this step. */
  #spared: EndpointName[] = [];
  #sparedAtMs = 0;

  /** @param routeCount of the rollout */
  constructor(policy: JudgePolicy, nowMs: number, routeCount = 1) {
    this.#errors = ruleOf(policy, nowMs);
    this.#routes = Array.from({ length: routeCount === 1 ? 0 : routeCount }, () => ruleOf(policy, nowMs));
    this.#promotion = new PromotionProcess(policy.promotion);
  }

  /** Takes in what was seen since the last look. True when the verdict on failures may have become worse. */
  look(policy: JudgePolicy, news: News, account: Account, nowMs: number): boolean {
    const { canary, stable } = news.requests;
    this.#promotion.update(canary.finished, stable.finished, canary.bad, stable.bad);
    if (!this.#observe(news, nowMs)) return false;
    if (this.#anyReaches(logEToFail(policy.alpha))) this.#spare(policy, account, nowMs);
    return true;
  }

  /** Every process takes its part, whether or not another one has judged: ticks are a matter of time. */
  #observe(news: News, nowMs: number): boolean {
    let isJudged = this.#errors.observe(news, nowMs);
    for (let n = 0; n < this.#routes.length; n++) {
      if ((this.#routes[n] as MinRule).observe(news.routes?.[n] ?? NOTHING, nowMs)) isJudged = true;
    }
    return isJudged;
  }

  /** Whether failures may convict: the composed e-value never exceeds its largest part. */
  #anyReaches(level: number): boolean {
    if (this.#errors.reaches(level)) return true;
    for (let n = 0; n < this.#routes.length; n++) if ((this.#routes[n] as MinRule).reaches(level)) return true;
    return false;
  }

  /** Nobody looked for too long: lets the time in between pass unjudged. */
  skip(nowMs: number): void {
    this.#errors.skip(nowMs);
    for (const route of this.#routes) route.skip(nowMs);
  }

  /** The canary's weight has changed. */
  step(nowMs: number): void {
    this.#spared = [];
    this.#errors.step(nowMs);
    for (const route of this.#routes) route.step(nowMs);
    this.#promotion.restart();
  }

  /** Whether the evidence rolls the canary back. Cost: no allocation while it does not. */
  isConvicted({ alpha, badMin }: JudgePolicy, { latency, soundness, requests }: Account): boolean {
    const level = logEToFail(alpha);
    if (!this.#anyReaches(level) && !latency.reaches(level)) return false;
    if (soundness.fault !== null) return false;
    if (requests.canary.bad < badMin && !isLatencyEnough(latency.logE, level)) return false;
    const routes = this.#routes.map(({ logE }) => logE);
    return totalLogE(this.#errors.logE, latency.logE, routes) >= level;
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
      ...(this.#routes.length > 0 && { routes: this.#routeParts(account) }),
      fault: account.soundness.fault,
    };
    return verdictOf(parts, account.totals, policy);
  }

  #routeParts({ routes }: Account): RoutePart[] {
    return routes.map(({ route, requests, users }, n) => {
      const { logE, logERequests, logEUsers, logEAbsolute } = this.#routes[n] as MinRule;
      const absolute = Number.isFinite(logEAbsolute) ? logEAbsolute : null;
      const counts = { requests: copyOf(requests), users: copyOf(users) };
      return { route, logE, logERequests, logEUsers, logEAbsolute: absolute, ...counts };
    });
  }

  /** Leaves the failures out that would convict when they are one endpoint's. */
  #spare(policy: JudgePolicy, { sick, stableRatio }: Account, nowMs: number): void {
    const suspect = sick.find(stableRatio);
    if (suspect === null) return;
    const { name, isEjectable } = suspect;
    if (name !== this.#spared.at(-1) || nowMs - this.#sparedAtMs >= SPARE_MS) {
      if (!isEjectable || this.#spared.length >= SPARES_MAX) return;
      this.#spared.push(name);
      this.#sparedAtMs = nowMs;
    }
    this.#errors = ruleOf(policy, nowMs);
    this.#routes = this.#routes.map(() => ruleOf(policy, nowMs));
  }
}

function ruleOf({ toleratedRatio, absoluteFloor }: JudgePolicy, nowMs: number): MinRule {
  return new MinRule(toleratedRatio, nowMs, absoluteFloor);
}
