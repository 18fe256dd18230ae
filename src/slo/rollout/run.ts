/**
 * One rollout as the loop keeps it: the machine's memory, and the counts that its gates ask for.
 *
 * What a rollout caused are the canary's bad requests above what stable's share of bad ones explains, from its start on:
 * bad_c - finished_c * bad_s / finished_s, and 0 where that is negative. An outage of both versions spends no allowance.
 */

import type { Rollout, RolloutSpec } from '../../model/rollout.ts';
import type { PairCounts } from '../../model/slo.ts';
import type { Judgement } from '../judgement.ts';
import type { BudgetReading, RolloutInput } from './gates.ts';
import { IDLE, isOnLastStep, passOver, spentMore } from './machine.ts';
import { VersionBurn } from './version-burn.ts';

/** What the loop knows at an instant. */
export interface Instant {
  readonly nowMs: number;
  /** Null: somebody only looks, and nothing is judged. */
  readonly isConvicted: boolean | null;
  readonly budget: BudgetReading;
}

/** What is asked of a judgement. */
export type Judged = Pick<Judgement, 'requests' | 'stepRequests' | 'promotion'>;

const NOTHING: PairCounts = { canary: { finished: 0, bad: 0 }, stable: { finished: 0, bad: 0 } };
const NOBODY = { isPromotable: false, sentence: 'nobody is watched' } as const;

export class RolloutRun {
  #rollout: Rollout;
  /** Counts when it started, in the judgement under way. */
  #base: PairCounts = NOTHING;
  #burn: VersionBurn | null = null;
  /** What the burn rate has taken in. */
  #burned = { finished: 0, bad: 0 };

  constructor(rollout: Rollout = IDLE) {
    this.#rollout = rollout;
  }

  get rollout(): Rollout {
    return this.#rollout;
  }

  /**
   * Takes the machine's next state.
   * @param isAnew what it caused is counted from here: it starts, or another judgement counts, or none
   * @param counts of the judgement under way; null when there is none
   */
  become(rollout: Rollout, isAnew: boolean, counts: PairCounts | null): void {
    this.#rollout = rollout;
    if (isAnew) this.#base = counts === null ? NOTHING : copyOf(counts);
    if (!isOnLastStep(rollout)) this.#burn = null;
  }

  /** The judgement begins anew in the middle of a run: what was counted is kept, and counting starts at nothing. */
  rebase(counts: PairCounts): void {
    this.#rollout = spentMore(this.#rollout, this.badCaused(counts));
    this.#base = NOTHING;
    this.#burned = { finished: 0, bad: 0 };
  }

  /** Time that nobody saw. */
  passOver(gapMs: number): void {
    this.#rollout = passOver(this.#rollout, gapMs);
  }

  /** What the machine is told. `judgement`: null when nobody is watched. */
  input(spec: RolloutSpec, judgement: Judged | null, { nowMs, isConvicted, budget }: Instant): RolloutInput {
    const counts = judgement?.requests ?? null;
    return {
      nowMs,
      isConvicted: isConvicted === true,
      budget,
      burning: isConvicted === null || counts === null ? null : this.#burning(spec, counts, nowMs),
      promotion: judgement?.promotion(spec) ?? NOBODY,
      requests: judgement?.stepRequests ?? 0,
      badCaused: counts === null ? 0 : this.badCaused(counts),
    };
  }

  /** Whole bad requests that the rollout caused since its start in this process. */
  badCaused({ canary, stable }: PairCounts): number {
    const base = this.#base;
    const stableFinished = stable.finished - base.stable.finished;
    const stableRatio = stableFinished === 0 ? 0 : (stable.bad - base.stable.bad) / stableFinished;
    const expected = (canary.finished - base.canary.finished) * stableRatio;
    return Math.max(0, Math.floor(canary.bad - base.canary.bad - expected));
  }

  /** The ring begins with the last step. */
  #burning({ budgetRatio }: RolloutSpec, { canary }: PairCounts, nowMs: number): string | null {
    if (!isOnLastStep(this.#rollout)) return null;
    if (this.#burn === null) {
      this.#burn = new VersionBurn(nowMs, budgetRatio);
      this.#burned = { ...canary };
    }
    this.#burn.count(canary.finished - this.#burned.finished, canary.bad - this.#burned.bad, nowMs);
    this.#burned = { ...canary };
    return this.#burn.burning(nowMs);
  }
}

function copyOf({ canary, stable }: PairCounts): PairCounts {
  return { canary: { ...canary }, stable: { ...stable } };
}
