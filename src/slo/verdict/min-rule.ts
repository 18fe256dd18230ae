/**
 * Believes of failures only what every view of them says: E = min(E_requests, E_users, E_absolute).
 *
 * Requests are the right unit when failures are independent of one another, user-seconds when they come in bursts of
 * one user. Under either assumption the matching e-process is valid, hence so is the smaller of the two. The absolute one
 * (`absolute.ts`) lets regressions pass that are not worth a rollback. What clusters among stable's failures tempers the
 * evidence (`dispersion.ts`). Fresh copies start every RESTART_MS and at every step of the rollout.
 * Source: docs/verdicts.md.
 */

import type { Evidence, PairCounts } from '../../model/slo.ts';
import { AbsoluteProcess } from './absolute.ts';
import { Dispersion } from './dispersion.ts';
import { STEP_COPIES } from './mixture.ts';
import { RatioProcess } from './ratio.ts';
import { OpenTick } from './tick.ts';

/** Fresh copies start so often (docs/verdicts.md "Late onset"). */
export const RESTART_MS = 60_000;
/**
 * Stakes on `ODDS_RATIOS`: most on regressions of 5 to 20 times stable's ratio, which take long to find and harm many; a
 * smaller one is worth less, and of a larger one two failures more do not matter (docs/verdicts.md "Stakes").
 */
export const STAKES: readonly number[] = [0.02, 0.04, 0.13, 0.3, 0.27, 0.1, 0.06, 0.05, 0.03];

/** E-process of one unit with the tick that is under way. */
class Unit {
  readonly process: RatioProcess;
  readonly absolute: AbsoluteProcess;
  readonly dispersion = new Dispersion();
  readonly #tick: OpenTick;

  constructor(toleratedRatio: number, floor: number, nowMs: number) {
    this.process = new RatioProcess(toleratedRatio, STAKES);
    this.absolute = new AbsoluteProcess(floor);
    this.#tick = new OpenTick(nowMs);
  }

  /** Whether a tick with bad events was judged. */
  add(counts: PairCounts, nowMs: number): boolean {
    const tick = this.#tick;
    if (!tick.add(counts, nowMs)) return false;
    const { factor } = this.dispersion;
    const hasBad = tick.canaryBad + tick.stableBad > 0;
    if (hasBad) {
      const { canaryFinished, stableFinished } = tick;
      this.process.update(canaryFinished, stableFinished, tick.canaryBad / factor, tick.stableBad / factor);
    }
    this.absolute.update(tick.canaryFinished / factor, tick.canaryBad / factor);
    this.dispersion.add(tick.stableFinished, tick.stableBad);
    tick.open(nowMs);
    return hasBad;
  }

  discard(nowMs: number): void {
    this.#tick.open(nowMs);
    this.dispersion.skip();
  }
}

/** The judge of the failures of one rollout. */
export class MinRule {
  readonly #requests: Unit;
  readonly #users: Unit;
  #restartedAtMs: number;

  /** @param floor error ratio below which no canary is convicted; 0 = none */
  constructor(toleratedRatio: number, nowMs: number, floor = 0) {
    this.#requests = new Unit(toleratedRatio, floor, nowMs);
    this.#users = new Unit(toleratedRatio, 0, nowMs);
    this.#restartedAtMs = nowMs;
  }

  get logERequests(): number {
    return this.#requests.process.logE;
  }

  get logEUsers(): number {
    return this.#users.process.logE;
  }

  /** Infinity without a floor. */
  get logEAbsolute(): number {
    return this.#requests.absolute.logE;
  }

  /** By how much the evidence in requests is tempered, >= 1. */
  get dispersion(): number {
    return this.#requests.dispersion.factor;
  }

  /** Natural logarithm of the e-value that counts. */
  get logE(): number {
    return Math.min(this.logERequests, this.logEUsers, this.logEAbsolute);
  }

  /** Whether logE >= `level`. Cheaper than logE, which is far below most of the time. */
  reaches(level: number): boolean {
    if (!this.#requests.process.reaches(level) || !this.#users.process.reaches(level)) return false;
    return this.#requests.absolute.reaches(level);
  }

  /** Takes in what was seen since the last call. True when an e-value may have risen. */
  observe(evidence: Evidence, nowMs: number): boolean {
    if (nowMs - this.#restartedAtMs >= RESTART_MS) this.#restart(nowMs);
    const byRequests = this.#requests.add(evidence.requests, nowMs);
    const byUsers = this.#users.add(evidence.users, nowMs);
    return byRequests || byUsers;
  }

  /** A step of the rollout: the split changed, so ticks that straddle it are dropped and fresh copies start. */
  step(nowMs: number): void {
    this.skip(nowMs);
    this.#restart(nowMs, STEP_COPIES);
  }

  /** Nobody looked for a while: drops the ticks under way, keeps what was judged. */
  skip(nowMs: number): void {
    this.#requests.discard(nowMs);
    this.#users.discard(nowMs);
  }

  #restart(nowMs: number, copies = 1): void {
    this.#requests.process.restart(copies);
    this.#requests.absolute.restart(copies);
    this.#users.process.restart(copies);
    this.#restartedAtMs = nowMs;
  }
}
