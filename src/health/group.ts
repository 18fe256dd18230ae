/**
 * Collects what the endpoints of one version did, and has them judged: rows at every tick, ratios at every interval.
 */

import type { GroupPlan } from '../model/health.ts';
import { type Interval, type Judgement, judge, outMax, type Suspect } from './judge.ts';
import type { Sample } from './samples.ts';

/** What the group reads of an endpoint. */
export interface Member {
  readonly isOut: boolean;
  /** Failures in a row, since it is in. */
  readonly inRow: number;
}

type Sums = { -readonly [Name in keyof Interval]: Interval[Name] };

export class Group {
  plan: GroupPlan;
  isPanicking = false;
  #sums = new Map<number, Sums>();
  #judgeAtMs: number;

  constructor(plan: GroupPlan, nowMs: number) {
    this.plan = plan;
    this.#judgeAtMs = nowMs + (plan.outlier?.intervalMs ?? 0);
    this.follow(plan, nowMs);
  }

  /**
   * Takes a new plan of the same version; what endpoints that stay did counts on, unless nobody was to judge it. A shorter interval is over so soon,
   * whatever is left of the one before.
   */
  follow(plan: GroupPlan, nowMs: number): void {
    const isNew = this.plan.outlier === null && plan.outlier !== null;
    const before = isNew ? new Map<number, Sums>() : this.#sums;
    const endsAtMs = nowMs + (plan.outlier?.intervalMs ?? 0);
    this.#judgeAtMs = isNew ? endsAtMs : Math.min(this.#judgeAtMs, endsAtMs);
    this.plan = plan;
    this.#sums = new Map(plan.endpoints.map((id) => [id, before.get(id) ?? NOTHING()]));
  }

  /** Adds what an endpoint did. */
  add(endpoint: number, { good, bad, answered, waitedMs }: Sample): void {
    const sums = this.#sums.get(endpoint);
    if (sums === undefined) return;
    sums.good += good;
    sums.bad += bad;
    sums.answered += answered;
    sums.waitedMs += waitedMs;
  }

  /** Forgets what an endpoint did in this interval: it was out in between. */
  forget(endpoint: number): void {
    if (this.#sums.has(endpoint)) this.#sums.set(endpoint, NOTHING());
  }

  /** Judges whoever is to be judged now; null when outliers are left alone. */
  judge(memberOf: (id: number) => Member, nowMs: number): Judgement | null {
    const { outlier, endpoints } = this.plan;
    if (outlier === null) return null;
    const isOver = nowMs >= this.#judgeAtMs;
    if (isOver) this.#judgeAtMs = nowMs + outlier.intervalMs;
    else if (!endpoints.some((id) => memberOf(id).inRow >= outlier.consecutiveErrors)) return null;
    const suspects = endpoints.map((id): Suspect => {
      const { isOut, inRow } = memberOf(id);
      return { id, isOut, inRow, interval: isOver ? (this.#sums.get(id) ?? null) : null };
    });
    const judgement = judge(suspects, outlier);
    if (isOver) for (const id of endpoints) this.#sums.set(id, NOTHING());
    return judgement;
  }

  /** Whether one more endpoint may be ejected. */
  hasRoom(memberOf: (id: number) => Member): boolean {
    const { outlier, endpoints } = this.plan;
    if (outlier === null) return true;
    return endpoints.filter((id) => memberOf(id).isOut).length < outMax(endpoints.length, outlier);
  }
}

const NOTHING = (): Sums => ({ good: 0, bad: 0, answered: 0, waitedMs: 0 });
