/**
 * Judges a canary by further policies beside the one in force, on the same evidence; they never act.
 *
 * What does not depend on a policy is shared (`account.ts`), latency included: each shadow adds one process of failures in two
 * units, a floor and a promotion. A shadow would have rolled back once per judgement; what it says later is not asked.
 * Cost: docs/verdicts.md "Certificates and replay".
 */

import type { JudgePolicy, ShadowPolicy } from '../../../model/rollout.ts';
import type { Verdict } from '../../../model/slo.ts';
import type { SeenLatency } from '../../latency/score.ts';
import type { Account } from './account.ts';
import { type News, Score } from './score.ts';

interface Shadow {
  policy: ShadowPolicy;
  readonly score: Score;
  hasDecided: boolean;
}

/** What a shadow makes of the canary now. */
export interface ShadowView {
  readonly policy: ShadowPolicy;
  readonly verdict: Verdict;
  /** It would have rolled back. */
  readonly hasDecided: boolean;
}

export class Shadows {
  #shadows: Shadow[];
  readonly #routeCount: number;

  constructor(policies: readonly ShadowPolicy[], nowMs: number, routeCount = 1) {
    this.#routeCount = routeCount;
    this.#shadows = policies.map((policy) => begun(policy, nowMs, routeCount));
  }

  /** Other policies; one whose hypotheses stay the same goes on. */
  follow(policies: readonly ShadowPolicy[], nowMs: number): void {
    this.#shadows = policies.map((policy) => {
      const before = this.#shadows.find((shadow) => shadow.policy.name === policy.name);
      if (before === undefined || !hasSameHypotheses(before.policy, policy))
        return begun(policy, nowMs, this.#routeCount);
      before.policy = policy;
      return before;
    });
  }

  /** After the account has taken the look. */
  look(news: News, account: Account, nowMs: number): void {
    for (const { policy, score } of this.#shadows) score.look(policy, news, account, nowMs);
  }

  skip(nowMs: number): void {
    for (const { score } of this.#shadows) score.skip(nowMs);
  }

  step(nowMs: number): void {
    for (const { score } of this.#shadows) score.step(nowMs);
  }

  /** The policies that would roll back now and have not before; asked again they are silent. Cost: as `Score.isConvicted`. */
  decide(account: Account): readonly ShadowPolicy[] {
    let decided: ShadowPolicy[] | null = null;
    for (const shadow of this.#shadows) {
      if (shadow.hasDecided || !shadow.score.isConvicted(shadow.policy, account)) continue;
      shadow.hasDecided = true;
      decided ??= [];
      decided.push(shadow.policy);
    }
    return decided ?? NONE;
  }

  /** @param seenAt latencies for people */
  views(account: Account, seenAt: (quantile: number) => SeenLatency): ShadowView[] {
    return this.#shadows.map(({ policy, score, hasDecided }) => {
      return { policy, verdict: score.verdict(policy, account, seenAt), hasDecided };
    });
  }
}

const NONE: readonly ShadowPolicy[] = [];

function begun(policy: ShadowPolicy, nowMs: number, routeCount: number): Shadow {
  return { policy, score: new Score(policy, nowMs, routeCount), hasDecided: false };
}

/** Whether evidence gathered under one policy counts under the other; alpha and badMin only say how sure one must be. */
export function hasSameHypotheses(a: JudgePolicy, b: JudgePolicy): boolean {
  return (
    a.toleratedRatio === b.toleratedRatio &&
    a.absoluteFloor === b.absoluteFloor &&
    a.promotion.beta === b.promotion.beta &&
    a.promotion.ratioMax === b.promotion.ratioMax &&
    a.promotion.errorRatioMax === b.promotion.errorRatioMax
  );
}
