/**
 * Believes only what both units of analysis say: E = min(E_requests, E_users).
 *
 * Requests are the right unit when failures are independent of one another, user-seconds when they come in bursts of
 * one user. Under either assumption the matching e-process is valid, hence so is the smaller of the two. Fresh copies
 * start every RESTART_MS and at every step of the rollout.
 * Source: docs/verdicts.md.
 */

import type { Evidence, PairCounts } from '../../model/slo.ts';
import { RatioProcess } from './ratio.ts';
import { OpenTick } from './tick.ts';

export const RESTART_MS = 30_000;

/** E-process of one unit with the tick that is under way. */
class Unit {
  readonly process: RatioProcess;
  readonly #tick: OpenTick;

  constructor(toleratedRatio: number, nowMs: number) {
    this.process = new RatioProcess(toleratedRatio);
    this.#tick = new OpenTick(nowMs);
  }

  /** Whether a tick with bad events was judged. */
  add(counts: PairCounts, nowMs: number): boolean {
    const tick = this.#tick;
    if (!tick.add(counts, nowMs)) return false;
    const hasBad = tick.canaryBad + tick.stableBad > 0;
    if (hasBad) this.process.update(tick.canaryFinished, tick.stableFinished, tick.canaryBad, tick.stableBad);
    tick.open(nowMs);
    return hasBad;
  }

  discard(nowMs: number): void {
    this.#tick.open(nowMs);
  }
}

/** The judge of one rollout. */
export class MinRule {
  readonly #requests: Unit;
  readonly #users: Unit;
  #restartedAtMs: number;

  constructor(toleratedRatio: number, nowMs: number) {
    this.#requests = new Unit(toleratedRatio, nowMs);
    this.#users = new Unit(toleratedRatio, nowMs);
    this.#restartedAtMs = nowMs;
  }

  get logERequests(): number {
    return this.#requests.process.logE;
  }

  get logEUsers(): number {
    return this.#users.process.logE;
  }

  /** Natural logarithm of the e-value that counts. */
  get logE(): number {
    return Math.min(this.logERequests, this.logEUsers);
  }

  /** Whether logE >= `level`. Cheaper than logE, which is far below most of the time. */
  reaches(level: number): boolean {
    return this.#requests.process.reaches(level) && this.#users.process.reaches(level);
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
    this.#restart(nowMs);
  }

  /** Nobody looked for a while: drops the ticks under way, keeps what was judged. */
  skip(nowMs: number): void {
    this.#requests.discard(nowMs);
    this.#users.discard(nowMs);
  }

  #restart(nowMs: number): void {
    this.#requests.process.restart();
    this.#users.process.restart();
    this.#restartedAtMs = nowMs;
  }
}
