/**
 * An objective as metrics read it: live, as of its last evaluation, so that it is made once for a configuration. One that counted
 * nothing allocates nothing when it is read.
 */

import { ERROR_CLASSES, type ErrorClass, weightedErrors } from '../../model/sli.ts';
import type { SloAsked, SloIndicator, SloScope, SloSource } from '../../model/slo.ts';
import type { EventsStatus, ScoreStatus, SloStatus } from '../../model/status.ts';
import type { Score } from '../budget/composite/score.ts';
import type { AlertFiring, Objective } from '../budget/objective.ts';

/** What the objectives of one route or service share. */
export interface Owner {
  readonly source: SloSource;
  /** Null while nothing is to be scored. */
  readonly score: Score | null;
  /** By number of `ERROR_CLASSES`; null before the first. */
  readonly errors: Float64Array | null;
}

const NO_ERRORS: SloStatus['errors'] = { client: 0, transient: 0, server: 0, weighted: 0 };

export class ObjectiveReading {
  readonly #objective: Objective;
  readonly #owner: Owner;

  constructor(objective: Objective, owner: Owner) {
    this.#objective = objective;
    this.#owner = owner;
  }

  get scope(): SloScope {
    return this.#objective.spec.scope;
  }

  get name(): string {
    return this.#objective.spec.name;
  }

  get indicator(): SloIndicator {
    return this.#objective.spec.indicator;
  }

  get targetRatio(): number {
    return this.#objective.spec.targetRatio;
  }

  get remainingRatio(): number | null {
    return this.#objective.leftRatio;
  }

  get eventsTotal(): EventsStatus {
    return this.#objective.eventsTotal;
  }

  get burnRates(): SloStatus['burnRates'] {
    return this.#objective.burnRates;
  }

  get alerts(): readonly AlertFiring[] {
    return this.#objective.firing;
  }

  get errors(): SloStatus['errors'] {
    return errorsOf(this.#owner.errors, this.#owner.source.slo);
  }

  get score(): ScoreStatus | null {
    return this.#objective.isOfSeconds ? (this.#owner.score?.status() ?? null) : null;
  }
}

/** Errors by class, and their weighted sum. @param errors by number of `ERROR_CLASSES`; null: none */
export function errorsOf(errors: Float64Array | null, { errorWeights }: SloAsked): SloStatus['errors'] {
  if (errors === null) return NO_ERRORS;
  const entries = ERROR_CLASSES.map((errorClass, n) => [errorClass, errors[n]] as const);
  const counts = Object.fromEntries(entries) as Record<ErrorClass, number>;
  return { ...counts, weighted: weightedErrors(counts, errorWeights) };
}
