/**
 * How one endpoint stands: in, ejected, tried out, unhealthy or on its way back. Pure: every method takes the time.
 *
 * ```
 *            eject                time is up             `probes` were good
 *   up ───────────────▶ ejected ─────────────▶ half-open ──────────────────┐
 *   ▲ │                    ▲     one was bad       │                       ▼
 *   │ │                    └───────────────────────┘                   slow-start ──▶ up    (without slow start: up at once)
 *   │ └─ check fails ─▶ unhealthy ── check passes ─────────────────────────▲           │
 *   └──────────────────────────────────────────────────────────────────────────────────┘
 * ```
 * - It is a circuit breaker: closed while it is in, open while it is ejected. What opens it is relative to its siblings
 *   (judge.ts).
 * - Ejected and unhealthy at once: unhealthy is what is shown. When its check passes again the rest of the ejection is served,
 *   and then a whole trial.
 * - The n-th ejection in a row lasts n times `ejectionMs`, at most `ejectionMaxMs`; one for a bad probe is the next in a row. As
 *   long as an ejection lasted the endpoint must then stay in for one repetition to be forgotten.
 * - Trials and what follows from them go by the configuration of the time. Where that ejects nobody any more, nobody stays out.
 * - Slow start: the capacity grows linearly over `slowStartMs`, from a tenth on, so that an endpoint is never starved.
 * Source: Envoy, "ejection algorithm", "slow start" (minimum 10 %).
 */

import type { OutlierConfig } from '../model/config.ts';
import type { EndpointHealth, EndpointState } from '../model/health.ts';
import { CAPACITY_FULL } from '../model/threads/load/capacity.ts';
import { PROBES_NEEDED, Trial } from './trial.ts';

const CAPACITY_MIN = 100;

interface Ejection {
  readonly because: string;
  readonly untilMs: number;
  readonly lastsMs: number;
  /** Which in a row, from 1. */
  readonly nth: number;
}

/** An ejection that is over: what the next one's length builds on. */
type Served = Pick<Ejection, 'nth' | 'lastsMs'> & { readonly backAtMs: number };

export class Standing {
  slowStartMs: number;
  /** Until its trial is passed. */
  #ejection: Ejection | null = null;
  #trial: Trial | null = null;
  #served: Served | null = null;
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

  /** How it is tried out; null unless it is half-open. */
  get trial(): Trial | null {
    return this.#trial;
  }

  /** Takes it out. An endpoint that is out already stays as it is. */
  eject(because: string, config: OutlierConfig, nowMs: number): void {
    if (!this.isOut) this.#eject(because, this.#repetitions(nowMs) + 1, config, nowMs);
  }

  /** Takes what the health checks say: null = they pass. */
  check(unhealthy: string | null, nowMs: number): void {
    const wasOut = this.isOut;
    this.#unhealthy = unhealthy;
    if (unhealthy !== null) this.#trial = null;
    if (wasOut && !this.isOut) this.#return(nowMs);
  }

  /**
   * Begins and ends what is due. True when an ejection is over.
   * @param config as it is now; null = outliers are left alone: that ends any ejection
   */
  turn(config: OutlierConfig | null, nowMs: number): boolean {
    if (this.#rampSinceMs !== null && nowMs - this.#rampSinceMs >= this.slowStartMs) this.#rampSinceMs = null;
    const ejection = this.#ejection;
    if (ejection === null) return false;
    if (config === null) return this.#serve(ejection, nowMs);
    if (nowMs < ejection.untilMs || this.#unhealthy !== null) return false;
    this.#trial ??= new Trial(PROBES_NEEDED);
    this.#trial.needed = config.probes ?? PROBES_NEEDED;
    const { verdict } = this.#trial;
    if (verdict === null) return false;
    if (verdict === 'passed') return this.#serve(ejection, nowMs);
    this.#trial = null;
    this.#eject('a probe of it failed', ejection.nth + 1, config, nowMs);
    return false;
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
    if (this.#trial !== null) return 'half-open';
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
    if (this.#ejection !== null) {
      const { because, untilMs } = this.#ejection;
      if (this.#trial === null) return `${because}, tried again in ${secondsTo(untilMs, nowMs)}`;
      return `${because}, tried again: ${this.#trial.passed} of ${this.#trial.needed} probes were good`;
    }
    if (this.state === 'up') return '';
    const untilMs = (this.#rampSinceMs as number) + this.slowStartMs;
    return `${this.capacity(nowMs) / 10} % of its share, all of it in ${secondsTo(untilMs, nowMs)}`;
  }

  #eject(because: string, nth: number, { ejectionMs, ejectionMaxMs }: OutlierConfig, nowMs: number): void {
    const lastsMs = Math.min(nth * ejectionMs, Math.max(ejectionMs, ejectionMaxMs));
    this.#ejection = { because, untilMs: nowMs + lastsMs, lastsMs, nth };
    this.#ejections++;
  }

  /** The ejection is over. */
  #serve(ejection: Ejection, nowMs: number): true {
    this.#trial = null;
    this.#served = { ...ejection, backAtMs: nowMs };
    this.#ejection = null;
    this.#return(nowMs);
    return true;
  }

  #return(nowMs: number): void {
    this.#rampSinceMs = this.slowStartMs > 0 ? nowMs : null;
  }

  /** Ejections that are not forgotten yet. */
  #repetitions(nowMs: number): number {
    if (this.#served === null) return 0;
    const { nth, backAtMs, lastsMs } = this.#served;
    return Math.max(0, nth - Math.floor((nowMs - backAtMs) / lastsMs));
  }
}

function secondsTo(thenMs: number, nowMs: number): string {
  return `${Math.max(0, Math.ceil((thenMs - nowMs) / 1000))} s`;
}
