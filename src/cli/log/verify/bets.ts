/**
 * Bets on several alternatives, with fresh copies of them over time; written a second time, as in `processes.ts`.
 *
 * ```
 * S_j = w_0 s_j;   restart k: S_j += w_k s_j;   event: S_j *= LR_j;   E = sum S_j + u_k
 * u_k = 0.38 * 10/(k + 10);   w_0 = 0.62;   w_k = u_(k-1) - u_k
 * ```
 */

const FIRST = 0.62;
const ALIKE = 10;

/** ln of the sum of e^x over all x. */
export function logSum(terms: readonly number[]): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const term of terms) if (term > largest) largest = term;
  if (!Number.isFinite(largest)) return largest;
  let sum = 0;
  for (const term of terms) sum += Math.exp(term - largest);
  return largest + Math.log(sum);
}

/** What the copies behind the k-th hold. */
function behind(k: number): number {
  return ((1 - FIRST) * ALIKE) / (k + ALIKE);
}

export class Bets {
  readonly logs: number[];
  readonly #stakes: readonly number[];
  #copy = 0;
  #isUntouched = true;

  /** @param stakes they add up to 1 */
  constructor(stakes: readonly number[]) {
    this.#stakes = stakes;
    this.logs = stakes.map((stake) => Math.log(FIRST * stake));
  }

  get logE(): number {
    return logSum([...this.logs, Math.log(behind(this.#copy))]);
  }

  multiply(j: number, logRatio: number): void {
    this.logs[j] = (this.logs[j] as number) + logRatio;
    this.#isUntouched = false;
  }

  /** A fresh copy, which takes the weights of `copies`; none while the last one is untouched. */
  restart(copies: number): void {
    if (this.#isUntouched) return;
    this.#isUntouched = true;
    const weight = behind(this.#copy) - behind(this.#copy + copies);
    this.#copy += copies;
    this.#stakes.forEach((stake, j) => {
      this.logs[j] = logSum([this.logs[j] as number, Math.log(weight * stake)]);
    });
  }
}
