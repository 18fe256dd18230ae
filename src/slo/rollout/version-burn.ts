/**
 * A canary's own burn rate on its last step: rolls back when it is too high over an hour and over five minutes.
 *
 * With everybody on the canary the evidence has no other side. A recorded baseline of stable would be another hour's
 * traffic: compared with it, a canary is convicted of the time of day. So what is left is the objective itself: 14.4 times
 * what the budget allows, over both windows, beyond chance (budget/burn.ts). It cannot tell the canary's fault from an
 * outage that both versions would have suffered; that is the price of having nothing to compare with.
 *
 * The windows begin with the first count. Memory: one ring, 12 KB. Cost: about 0.1 us per look.
 */

import { ALERT_RULES, type AlertRule, burnRate, nextAlert, RESOLVED } from '../budget/burn.ts';
import { Ring } from '../budget/ring.ts';

/** The page of 1h and 5m. */
const RULE = ALERT_RULES[0] as AlertRule;

export class VersionBurn {
  readonly #ring: Ring;
  readonly #budgetRatio: number;
  #hasNews = false;

  /** @param budgetRatio share of bad requests that the objective allows */
  constructor(nowMs: number, budgetRatio: number) {
    this.#ring = new Ring(nowMs);
    this.#budgetRatio = budgetRatio;
  }

  /** Takes in what the canary finished since the last time. `bad` is part of `finished`. */
  count(finished: number, bad: number, nowMs: number): void {
    if (finished === 0) return;
    this.#ring.add(nowMs, finished - bad, bad);
    this.#hasNews = true;
  }

  /** Why the canary is to go, in words; null when it may stay. */
  burning(nowMs: number): string | null {
    if (!this.#hasNews) return null;
    this.#hasNews = false;
    this.#ring.advance(nowMs);
    const { long, short, factor } = RULE;
    const counts = (window: typeof long) => this.#ring.counts(window);
    const { kind } = nextAlert(RESOLVED, RULE, { counts, budgetRatio: this.#budgetRatio }, nowMs);
    if (kind !== 'firing') return null;
    const { good, bad } = counts(short);
    const rate = (window: typeof long) => Math.round(burnRate(counts(window), this.#budgetRatio) ?? 0);
    return (
      `its own burn is ${rate(long)}x over ${long} and ${rate(short)}x over ${short} (limit ${factor}x), ` +
      `${bad} of ${good + bad} requests failed`
    );
  }
}
