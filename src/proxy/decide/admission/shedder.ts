/**
 * What one worker does while the gateway itself is short of something, whatever version a request is for. Hot path.
 *
 * The main thread says how bad it is and how large a share of the requests to refuse (model/threads/load/saturation.ts). Which
 * ones these are is decided by their keys, priority and then cohort, as at the limit of a version (threshold.ts). Critical
 * ones are never among them: what is left to do about those is to take no more connections. A main thread that does not look any
 * more is obeyed no longer (`PRESSURE_MS`).
 * Cost while nothing is refused: one field is read per request, one per connection. Else as `KeyThreshold`.
 */

import { GRADE, PRESSURE, PRESSURE_MS } from '../../../model/threads/load/saturation.ts';
import { COHORTS, keyOf } from './priority.ts';
import { KeyThreshold } from './threshold.ts';

/** Pace at which the threshold follows the arrivals. */
const INTERVAL_MS = 100;
const PER_MILLE = 1000;

export class Shedder {
  readonly #pressure: Int32Array;
  readonly #threshold = new KeyThreshold();
  #setAtMs = Number.NEGATIVE_INFINITY;
  #looks = 0;
  /** When the main thread was last seen to have looked. */
  #lookedAtMs = Number.POSITIVE_INFINITY;
  /** Some requests are to be refused. */
  isOn = false;
  /** Idle connections are to be closed before their time. */
  closesIdle = false;
  /** New connections are to be closed at once. */
  refusesConnections = false;

  /** @param pressure of this worker, which the main thread writes */
  constructor(pressure: SharedArrayBuffer) {
    this.#pressure = new Int32Array(pressure);
  }

  /** Obeys the pressure: call it every 50 ms or so. Cost: three loads while there is none. */
  tick(nowMs: number): void {
    const isOld = this.#isOld(nowMs);
    const grade = isOld ? GRADE.normal : Atomics.load(this.#pressure, PRESSURE.grade);
    this.closesIdle = grade >= GRADE.lean;
    this.refusesConnections = grade >= GRADE.refusing;
    const refused = isOld ? 0 : Atomics.load(this.#pressure, PRESSURE.refusedPerMille);
    if (refused === 0) {
      if (this.isOn) this.#threshold.clear();
      this.isOn = false;
      return;
    }
    this.isOn = true;
    if (nowMs - this.#setAtMs < INTERVAL_MS) return;
    this.#setAtMs = nowMs;
    this.#threshold.set(refused / PER_MILLE);
  }

  #isOld(nowMs: number): boolean {
    const looks = Atomics.load(this.#pressure, PRESSURE.looks);
    if (looks !== this.#looks) {
      this.#looks = looks;
      this.#lookedAtMs = nowMs;
    }
    return nowMs - this.#lookedAtMs > PRESSURE_MS;
  }

  /** Whether a request is to be turned away; to be asked while it `isOn`. Cost: about 70 ns, allocates nothing. */
  refuses(rank: number, userKey: number, nowMs: number): boolean {
    const key = keyOf(rank, userKey, nowMs);
    return !this.#threshold.admits(key) && key >= COHORTS;
  }
}
