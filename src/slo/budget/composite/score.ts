/**
 * One composite objective: makes a score of each second, says whether the second was good, and whether its policy is to act.
 *
 * ```
 *            below `atLeast` three seconds in a row
 *   steady ─────────────────────────────────────────▶ below
 *      ▲            at least that three in a row        │
 *      └──────────── or nothing to go by ───────────────┘
 * ```
 * A second is counted once, when it begins, by the window that ends with it; seconds that nobody looked at are not counted.
 * A second in which no part has data counts for nothing.
 */

import type { BusinessConfig, CompositeConfig, SloAsked } from '../../../model/slo.ts';
import { SCORE_PARTS } from '../../../model/slo.ts';
import type { ScoreStatus } from '../../../model/status.ts';
import { businessOf, inTimeOf, type Parts, type Recent, scoreOf, servedOf, successOf } from './formula.ts';
import { Seconds } from './seconds.ts';

/** Seconds in a row that begin or end a policy. */
export const ROW = 3;

/** A score that is as good as asked for on paper may be off by this much in binary fractions. */
const DUST = 1e-9;

/** What the tallies do not tell, each 0..1; null: no data. */
export interface Surroundings {
  readonly health: number | null;
  readonly dependencies: number | null;
}

export const NO_SURROUNDINGS: Surroundings = { health: null, dependencies: null };

type Formula =
  | { readonly kind: 'composite'; readonly config: CompositeConfig; readonly isTimed: boolean }
  | { readonly kind: 'business'; readonly config: BusinessConfig };

export class Score {
  #formula: Formula;
  #seconds: Seconds;
  #parts: Parts = { success: null, latency: null, health: null, dependencies: null };
  #now: number | null = null;
  #isBelow = false;
  /** Seconds in a row that speak against `#isBelow`. */
  #row = 0;
  #asked = 0;
  #served = 0;

  constructor(formula: Formula) {
    this.#formula = formula;
    this.#seconds = new Seconds(formula.config.windowMs);
  }

  get isBelow(): boolean {
    return this.#isBelow;
  }

  /** Takes another formula. Another window begins empty. */
  follow(formula: Formula): void {
    if (formula.config.windowMs !== this.#formula.config.windowMs) this.#seconds = new Seconds(formula.config.windowMs);
    this.#formula = formula;
  }

  /** Takes in what was counted since the last time. @returns whether the second is good; null: it does not count */
  look(counts: Recent, surroundings: () => Surroundings, nowMs: number): boolean | null {
    if (this.#formula.kind === 'business') {
      this.#asked += counts.finished;
      this.#served += servedOf(counts, this.#formula.config.lateRatio);
    }
    if (!this.#seconds.add(counts, nowMs)) return null;
    this.#now = this.#evaluate(surroundings);
    this.#judge();
    return this.#now === null ? null : this.#now >= this.#least;
  }

  status(): ScoreStatus {
    const { kind, config } = this.#formula;
    const shown = kind === 'composite' ? SCORE_PARTS.filter((part) => config.weights[part] > 0) : [];
    const parts = Object.fromEntries(shown.map((part) => [part, this.#parts[part]]));
    return {
      now: this.#now,
      atLeastRatio: config.atLeastRatio,
      parts,
      isBelow: this.#isBelow,
      value: kind === 'business' ? { asked: this.#asked, served: this.#served } : null,
    };
  }

  get #least(): number {
    return this.#formula.config.atLeastRatio - DUST;
  }

  #evaluate(surroundings: () => Surroundings): number | null {
    const recent = this.#seconds.sums();
    const formula = this.#formula;
    if (formula.kind === 'business') return businessOf(recent, formula.config.lateRatio);
    const latency = formula.isTimed ? inTimeOf(recent) : null;
    this.#parts = { success: successOf(recent), latency, ...surroundings() };
    return scoreOf(this.#parts, formula.config.weights, formula.config.formula);
  }

  #judge(): void {
    if (this.#now === null) {
      this.#isBelow = false;
      this.#row = 0;
      return;
    }
    const isBelow = this.#now < this.#least;
    this.#row = isBelow === this.#isBelow ? 0 : this.#row + 1;
    if (this.#row < ROW) return;
    this.#isBelow = isBelow;
    this.#row = 0;
  }
}

/** What makes the score of a source; null when no objective of it has one. */
export function formulaOf({ composite, business, latency }: SloAsked): Formula | null {
  if (business !== undefined) return { kind: 'business', config: business };
  if (composite === undefined) return null;
  return { kind: 'composite', config: composite, isTimed: latency !== null && latency !== undefined };
}

/** The score of a source; of one that had one already the same, with what it remembers. */
export function scoreFor(asked: SloAsked, before: Score | null): Score | null {
  const formula = formulaOf(asked);
  if (formula === null) return null;
  before?.follow(formula);
  return before ?? new Score(formula);
}
