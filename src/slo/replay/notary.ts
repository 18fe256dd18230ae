/**
 * Numbers decisions, opens tapes, and notes on a tape what a decision carries that the evidence does not lead to.
 */

import type { Rollout, RolloutSpec } from '../../model/rollout.ts';
import type { Decision, Verdict } from '../../model/slo.ts';
import { type Circumstances, factsOf, type Measured } from '../rollout/decision.ts';
import type { ControllerDeps } from '../rollout/loop/loop.ts';
import { TAPE_FORMAT } from './format.ts';
import { Tape } from './tape.ts';

/** Where a tape begins. */
export interface TapeStart {
  readonly nowMs: number;
  readonly rollout: Rollout;
  readonly rolledBackBy: Decision | null;
}

export class Notary {
  readonly #deps: Pick<ControllerDeps, 'tapes' | 'weightOf' | 'wallTime'>;
  #decisions = 0;
  #tapes = 0;

  constructor(deps: Pick<ControllerDeps, 'tapes' | 'weightOf' | 'wallTime'>) {
    this.#deps = deps;
  }

  /** Numbers go on after those of earlier processes. */
  continueAfter(decisionId: number): void {
    this.#decisions = Math.max(this.#decisions, decisionId);
  }

  /** The number of a decision that rests on no tape. */
  next(): number {
    this.#decisions += 1;
    return this.#decisions;
  }

  /** Null: nobody keeps tapes. */
  open(spec: RolloutSpec, start: TapeStart): Tape | null {
    const { tapes, weightOf, wallTime } = this.#deps;
    if (tapes === undefined) return null;
    this.#tapes += 1;
    const at = wallTime();
    const name = { format: TAPE_FORMAT, watch: `${at}#${this.#tapes}`, at };
    return new Tape({ keep: tapes, wallTime }, { ...name, ...start, spec, weight: weightOf(spec.canary.dial) });
  }

  /** Numbers a decision and ends its evidence. @param shadow the policy that decided; null: the one in force */
  note(tape: Tape | null, verdict: Verdict, measured: Measured, shadow: string | null): Circumstances {
    const facts = factsOf(verdict, { id: this.next(), at: this.#deps.wallTime(), shadow, ...measured });
    return { ...facts, evidence: tape?.decided(facts) ?? null };
  }
}
