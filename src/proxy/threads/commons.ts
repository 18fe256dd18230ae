/**
 * The memory in which all workers count together, and which outlives each of them.
 *
 * Who finds the limits that workers share is decided here, where their lives are known: the first worker, and when that is gone
 * the lowest place that serves; a leader stays one as long as it lives. Before anybody serves it is place 0.
 */

import { ratesForgotten, reserveRates } from '../../model/overload.ts';
import type { WorkerStatus } from '../../model/status.ts';
import { forgetDownstream, reserveDownstream } from '../../model/threads/load/downstream.ts';
import { forgetVersion, LEADER, reservePool, samplesLost, vacate } from '../../model/threads/load/pool.ts';
import { PRESSURE, reservePressure } from '../../model/threads/load/saturation.ts';
import type { WorkerSetup } from '../../model/threads/messages.ts';

/** A worker, and how it is. */
interface Life {
  readonly id: number;
  readonly state: WorkerStatus['state'];
}

export class Commons {
  readonly #workers: number;
  readonly #rates = reserveRates();
  readonly downstream = new Int32Array(reserveDownstream());
  /** By place: a successor is under the pressure of its predecessor. */
  readonly #pressures: readonly Int32Array<SharedArrayBuffer>[];
  /** null: one worker has nothing to share. */
  readonly #pool: Int32Array<SharedArrayBuffer> | null;

  /** @param workers how many there are at most */
  constructor(workers: number) {
    this.#workers = workers;
    this.#pressures = Array.from({ length: workers }, () => new Int32Array(reservePressure()));
    this.#pool = workers > 1 ? reservePool(workers) : null;
  }

  /** What a worker is given of it. */
  of(id: number): Pick<WorkerSetup, 'rates' | 'downstream' | 'pressure' | 'pool'> {
    return {
      rates: this.#rates,
      downstream: this.downstream.buffer,
      pressure: (this.#pressures[id] as Int32Array<SharedArrayBuffer>).buffer,
      pool: this.#pool === null ? null : { memory: this.#pool.buffer, workers: this.#workers, place: id },
    };
  }

  /** Some worker has begun to serve, or is gone: somebody who lives finds the limits. One that finishes what is under way does. */
  lead(lives: readonly Life[]): void {
    const pool = this.#pool;
    if (pool === null) return;
    const leader = Atomics.load(pool, LEADER);
    // Places that have not begun are left out.
    const alive = lives.filter(({ state }) => state === 'serving' || state === 'draining');
    const [lowest] = alive;
    if (lowest === undefined || alive.some(({ id }) => id === leader)) return;
    Atomics.store(pool, LEADER, lowest.id);
  }

  /** A worker is gone: what it held is free. */
  vacate(id: number): void {
    if (this.#pool !== null) vacate(this.#pool, this.#workers, id);
  }

  /** Has a worker do something about the limits of the process. @param refusedRatio share of its requests to refuse, 0..1 */
  press(id: number, grade: number, refusedRatio: number): void {
    const pressure = this.#pressures[id] as Int32Array;
    Atomics.store(pressure, PRESSURE.refusedPerMille, Math.round(refusedRatio * 1000));
    Atomics.store(pressure, PRESSURE.grade, grade);
    Atomics.add(pressure, PRESSURE.looks, 1);
  }

  /** The cell is another version's from now on. */
  forget(cell: number): void {
    forgetDownstream(this.downstream, cell);
    if (this.#pool !== null) forgetVersion(this.#pool, this.#workers, cell);
  }

  /** What rate limits have counted, of all workers that ever were. */
  get rates(): SharedArrayBuffer {
    return this.#rates;
  }

  /** Keys that rate limits gave up as there was no room for them. */
  ratesForgotten(): number {
    return ratesForgotten(this.#rates);
  }

  /** What workers told the one that finds the limits, and there was no room for. */
  samplesLost(): number {
    return this.#pool === null ? 0 : samplesLost(this.#pool, this.#workers);
  }
}
