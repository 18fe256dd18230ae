/**
 * Judges the failures of one simulated rollout as `slo/judgement.ts` does, without the memory around it.
 *
 * The same rule, the same level, and the same mercy for one sick endpoint. Latency says nothing here, and has its share of the
 * evidence nevertheless.
 */

import type { Evidence } from '#src/model/slo.ts';
import { weightsOf } from '#src/slo/verdict/compose.ts';
import { AttemptWindow } from '#src/slo/verdict/endpoints/attempts.ts';
import { followedOf, SickEndpoint } from '#src/slo/verdict/endpoints/sick-endpoint.ts';
import { MinRule } from '#src/slo/verdict/min-rule.ts';
import { logEToFail } from '#src/slo/verdict/verdict.ts';
import { POLICY } from '../rollout.ts';
import type { Hiccups } from './hiccups.ts';

/** `verdict/score/score.ts`: how often a step spares an endpoint, and for how long. */
const SPARES_MAX = 3;
const SPARE_MS = 10_000;
const ERRORS_WEIGHT = weightsOf({ latency: 0, routes: [] }).errors;

export class Judge {
  #rule: MinRule;
  readonly #hiccups: Hiccups | null;
  readonly #sick: SickEndpoint;
  readonly #attempts: AttemptWindow;
  readonly #spareLevel: number;
  #canaryBad = 0;
  #stableBad = 0;
  #stableFinished = 0;
  #spares = 0;
  #sparedAtMs = Number.NEGATIVE_INFINITY;

  constructor(hiccups: Hiccups | null, nowMs: number, alpha: number = POLICY.alpha) {
    this.#spareLevel = logEToFail(alpha);
    this.#rule = freshRule(nowMs);
    this.#hiccups = hiccups?.arm === 'canary' ? hiccups : null;
    const endpoints = followedOf({ endpoints: this.#hiccups?.endpoints ?? [] });
    this.#sick = new SickEndpoint(endpoints, nowMs);
    this.#attempts = new AttemptWindow(this.#sick.followed, this.#hiccups === null ? [] : [this.#hiccups.region]);
  }

  /** Times that one endpoint's failures were left out. */
  get spares(): number {
    return this.#spares;
  }

  /** The canary's weight moved. */
  step(nowMs: number): void {
    this.#rule.step(nowMs);
    this.#spares = 0;
  }

  /** Whether the canary is rolled back. */
  convicts(evidence: Evidence, nowMs: number): boolean {
    const { canary, stable } = evidence.requests;
    this.#canaryBad += canary.bad;
    this.#stableBad += stable.bad;
    this.#stableFinished += stable.finished;
    if (this.#hiccups !== null && (canary.bad + evidence.users.canary.bad > 0 || this.#sick.isDue(nowMs))) {
      this.#sick.take(this.#attempts.read([this.#hiccups.region]), nowMs);
    }
    if (!this.#rule.observe(evidence, nowMs)) return false;
    if (this.#hiccups !== null && this.#rule.reaches(this.#spareLevel)) this.#spare(nowMs);
    return this.#canaryBad >= POLICY.badMin && this.#rule.reaches(this.#spareLevel - Math.log(ERRORS_WEIGHT));
  }

  #spare(nowMs: number): void {
    const stableRatio = this.#stableFinished === 0 ? 0 : this.#stableBad / this.#stableFinished;
    if (this.#sick.find(stableRatio) === null) return;
    if (nowMs - this.#sparedAtMs >= SPARE_MS) {
      if (this.#spares >= SPARES_MAX) return;
      this.#spares += 1;
      this.#sparedAtMs = nowMs;
    }
    this.#rule = freshRule(nowMs);
  }
}

function freshRule(nowMs: number): MinRule {
  return new MinRule(POLICY.toleratedRatio, nowMs, POLICY.absoluteFloor);
}
