/**
 * How one endpoint stands: in, ejected, unhealthy or on its way back. Pure: every method takes the time.
 *
 * ```
 *            eject                       time is up
 *   up ───────────────▶ ejected ───────────────────────┐
 *   ▲ │                                                ▼
 *   │ └─ check fails ─▶ unhealthy ── check passes ─▶ slow-start ──▶ up      (without slow start: up at once)
 *   └─────────────────────────────────────────────────────────────────┘
 * ```
 * - Both at once: unhealthy is what is shown, and the endpoint is back when neither holds.
 * - The n-th ejection in a row lasts n times `ejectionMs`, at most `ejectionMaxMs`. As long as an ejection lasted the
 *   endpoint must then stay in for one repetition to be forgotten.
 * - Slow start: the capacity grows linearly over `slowStartMs`, from a tenth on, so that an endpoint is never starved.
 * Source: Envoy, "ejection algorithm", "slow start" (minimum 10 %).
 */

import type { OutlierConfig } from '../model/config.ts';
import type { EndpointHealth, EndpointState } from '../model/health.ts';
import { CAPACITY_FULL } from '../model/threads/load/capacity.ts';

const CAPACITY_MIN = 100;

interface Ejection {
  readonly because: string;
  readonly untilMs: number;
  readonly lastsMs: number;
  /** Which in a row, from 1. */
  readonly nth: number;
}

export class Standing {
  slowStartMs: number;
  #ejection: Ejection | null = null;
  /** The last ejection that is over: what the next one's length builds on. */
  #served: Ejection | null = null;
  #unhealthy: string | null = null;
  #rampSinceMs: number | null;
  #ejections = 0;

  /** @param rampSinceMs when its slow start began; null = it has its full share */
  constructor(slowStartMs: number, rampSinceMs: number | null) {
    this.slowStartMs = slowStartMs;
    this.#rampSinceMs = rampSinceMs;
  }

  get isOut(): boolean {
    return this.#ejection !== null || this.#unhealthy !== null;
  }

  get isUnhealthy(): boolean {
    return this.#unhealthy !== null;
  }

  /** Takes it out. An endpoint that is out already stays as it is. */
  eject(because: string, { ejectionMs, ejectionMaxMs }: OutlierConfig, nowMs: number): void {
    if (this.isOut) return;
    const nth = this.#repetitions(nowMs) + 1;
    const lastsMs = Math.min(nth * ejectionMs, Math.max(ejectionMs, ejectionMaxMs));
    this.#ejection = { because, untilMs: nowMs + lastsMs, lastsMs, nth };
    this.#ejections++;
  }

  /** Takes what the health checks say: null = they pass. */
  check(unhealthy: string | null, nowMs: number): void {
    const wasOut = this.isOut;
    this.#unhealthy = unhealthy;
    if (wasOut && !this.isOut) this.#return(nowMs);
  }

  /** Ends what is over. True when the endpoint came back from an ejection. */
  turn(nowMs: number): boolean {
    if (this.#rampSinceMs !== null && nowMs - this.#rampSinceMs >= this.slowStartMs) this.#rampSinceMs = null;
    if (this.#ejection === null || nowMs < this.#ejection.untilMs) return false;
    this.#served = this.#ejection;
    this.#ejection = null;
    if (!this.isOut) this.#return(nowMs);
    return true;
  }

  /** Part of its share that it gets, in per mille. */
  capacity(nowMs: number): number {
    if (this.isOut) return 0;
    if (this.#rampSinceMs === null || this.slowStartMs <= 0) return CAPACITY_FULL;
    const grown = Math.floor((CAPACITY_FULL * (nowMs - this.#rampSinceMs)) / this.slowStartMs);
    return Math.min(CAPACITY_FULL, Math.max(CAPACITY_MIN, grown));
  }

  get state(): EndpointState {
    if (this.#unhealthy !== null) return 'unhealthy';
    if (this.#ejection !== null) return 'ejected';
    return this.#rampSinceMs === null || this.slowStartMs <= 0 ? 'up' : 'slow-start';
  }

  view(nowMs: number): EndpointHealth {
    const { state } = this;
    const capacityRatio = this.capacity(nowMs) / CAPACITY_FULL;
    return { state, capacityRatio, because: this.#because(nowMs), ejections: this.#ejections };
  }

  #because(nowMs: number): string {
    if (this.#unhealthy !== null) return this.#unhealthy;
    if (this.#ejection !== null)
      return `${this.#ejection.because}, back in ${secondsTo(this.#ejection.untilMs, nowMs)}`;
    if (this.state === 'up') return '';
    const untilMs = (this.#rampSinceMs as number) + this.slowStartMs;
    return `${this.capacity(nowMs) / 10} % of its share, all of it in ${secondsTo(untilMs, nowMs)}`;
  }

  #return(nowMs: number): void {
    this.#rampSinceMs = this.slowStartMs > 0 ? nowMs : null;
  }

  /** Ejections that are not forgotten yet. */
  #repetitions(nowMs: number): number {
    if (this.#served === null) return 0;
    const { nth, untilMs, lastsMs } = this.#served;
    return Math.max(0, nth - Math.floor((nowMs - untilMs) / lastsMs));
  }
}

function secondsTo(thenMs: number, nowMs: number): string {
  return `${Math.max(0, Math.ceil((thenMs - nowMs) / 1000))} s`;
}
