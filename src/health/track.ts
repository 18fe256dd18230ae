/**
 * One endpoint under observation: its plan, how it stands, and the row of failures it is in.
 *
 * A row is what a worker saw without a success in between, or what all workers saw together; the longer counts. It
 * begins anew when the endpoint comes back: failures from before its ejection are served.
 */

import type { EndpointPlan, EndpointState } from '../model/health.ts';
import type { Sample } from './samples.ts';
import type { Standing } from './standing.ts';

export class Track {
  plan: EndpointPlan;
  readonly standing: Standing;
  /** The state that was last told. */
  state: EndpointState;
  /** It deserves ejection, had to stay, and that was counted. */
  isWithheld = false;
  /** A probe of it was offered, and the offer was not taken back. */
  isTriedOut = false;
  /** Failures in a row. */
  inRow = 0;
  /** Failures without a success in any worker. */
  #run = 0;
  /** Failures since it is in. */
  #failures = 0;

  constructor(plan: EndpointPlan, standing: Standing) {
    this.plan = plan;
    this.standing = standing;
    this.state = standing.state;
  }

  get isOut(): boolean {
    return this.standing.isOut;
  }

  get address(): string {
    const { host, port } = this.plan;
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  }

  /** Takes what happened since the last tick. What ends while the endpoint is out began before, and is not counted. */
  take({ good, bad, inRow }: Sample): void {
    if (this.isOut) return;
    this.#failures += bad;
    this.#run = good > 0 ? 0 : this.#run + bad;
    if (bad > 0) this.inRow = Math.max(this.#run, Math.min(inRow, this.#failures));
    else if (good > 0) this.inRow = 0;
    if (this.inRow === 0) this.isWithheld = false;
  }

  /** It is in again. */
  restart(): void {
    this.inRow = 0;
    this.#run = 0;
    this.#failures = 0;
    this.isWithheld = false;
  }
}
