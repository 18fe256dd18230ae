/** Places that several workers share, over random histories of requests, ends, turns of the loop and deaths: none is lost, none made up. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import { Admission, type Admitted } from '#src/proxy/decide/admission/admission.ts';
import { isHeld, NONE, SHED, WAITING } from '#src/proxy/decide/admission/permit.ts';
import { Pool, Seat } from '#src/proxy/decide/admission/pool.ts';
import { Commons } from '#src/proxy/threads/commons.ts';
import { samples } from '../../../support/runner/depth.ts';

const SEED = 20_261_123;
const STEPS = 6000;
const CELL = 3;

interface One extends Admitted {
  readonly worker: number;
}

interface Life {
  readonly id: number;
  state: 'serving' | 'gone';
}

/** Workers of one gateway that serve one version, on virtual time. */
class Gateway {
  readonly #random: Random;
  readonly #commons: Commons;
  readonly #lives: Life[];
  readonly #pools: Pool[];
  readonly #admissions: Admission<One>[];
  /** Held or waiting. */
  readonly #under = new Set<One>();
  /** Sees what all workers have. */
  readonly #view: Seat;
  readonly #events = {
    admitted: (x: One) => this.#entered(x),
    shed: (x: One) => void this.#under.delete(x),
  };
  nowMs = 0;
  deaths = 0;
  limitMax = 0;

  constructor(workers: number, random: Random) {
    this.#random = random;
    this.#commons = new Commons(workers);
    this.#lives = Array.from({ length: workers }, (_, id) => ({ id, state: 'serving' as const }));
    this.#pools = this.#lives.map(({ id }) => this.#poolOf(id));
    this.#admissions = this.#pools.map((pool) => this.#admissionOf(pool));
    this.#view = new Seat(this.#poolOf(0), CELL);
  }

  step(): void {
    this.nowMs += this.#random.nextFloat() * 8;
    const draw = this.#random.nextFloat();
    if (draw < 0.001) this.#die(this.#pick());
    else if (draw < 0.15) this.tick(this.#pick());
    else if (draw < 0.55) this.#ask(this.#pick());
    else this.#go();
    this.check();
  }

  /** What all workers show is what they have, and a dead worker has nothing. */
  check(): void {
    const held = [...this.#under].filter(({ permit }) => isHeld(permit)).length;
    assert.equal(this.#view.inFlight, held, 'places');
    assert.equal(this.#view.queued, this.#under.size - held, 'waiting');
  }

  tick(worker: number): void {
    if (this.#lives[worker]?.state !== 'serving') return;
    const admission = this.#admissions[worker] as Admission<One>;
    this.#pools[worker]?.tick(this.nowMs, (cell, told, ms) => {
      assert.equal(cell, CELL);
      admission.hear(told, ms);
    });
    admission.tick(this.nowMs);
    this.limitMax = Math.max(this.limitMax, admission.limit);
    assert.equal(this.#admissions.filter(({ leads }) => leads).length, 1, 'one leader');
  }

  /** Ends what is under way and lets the loops turn until nobody waits. */
  finish(): void {
    for (let round = 0; this.#under.size > 0; round++) {
      assert.ok(round < 1000, `${this.#under.size} wait for ever`);
      for (const x of [...this.#under]) if (isHeld(x.permit)) this.#end(x, false);
      this.nowMs += 50;
      for (const { id } of this.#lives) this.tick(id);
      this.check();
    }
    for (const admission of this.#admissions) assert.deepEqual([admission.inFlight, admission.queued], [0, 0]);
    assert.equal(this.#view.inFlight, 0);
  }

  #pick(): number {
    return this.#random.nextUint32() % this.#lives.length;
  }

  #ask(worker: number): void {
    if (this.#lives[worker]?.state !== 'serving') return;
    const priority = this.#random.nextUint32() % 4;
    const x: One = { permit: NONE, priority, userKey: this.#random.nextUint32() | 0, split: null, worker };
    const hasEntered = this.#admissions[worker]?.admit(x, this.nowMs, this.#events);
    if (x.permit === SHED) this.#admissions[worker]?.release(x, this.nowMs, false);
    else this.#under.add(x);
    if (hasEntered) this.#entered(x);
    else assert.ok(x.permit === WAITING || !this.#under.has(x));
  }

  /** Nobody is let in beyond the limit but into the share of his worker, or one in its turn. */
  #entered({ worker }: One): void {
    const { limit, inFlight } = this.#admissions[worker] as Admission<One>;
    const share = Math.floor(limit / this.#lives.length);
    const all = this.#view.inFlight;
    assert.ok(all <= limit || inFlight <= share || (all === limit + 1 && inFlight === share + 1), `${all} of ${limit}`);
  }

  /** Something happens to one of those that are there. */
  #go(): void {
    const all = [...this.#under];
    if (all.length === 0) return;
    const x = all[this.#random.nextUint32() % all.length] as One;
    const isGone = this.#random.nextFloat() < 0.1;
    if (!isHeld(x.permit) && !isGone) return;
    if (!isGone) this.#admissions[x.worker]?.sample(x, 10 + this.#random.nextFloat() * 10);
    if (isGone || this.#random.nextFloat() < 0.9) this.#end(x, isGone);
  }

  #end(x: One, isHung: boolean): void {
    // It may have been let in, or thrown out, by what ended before it.
    if (!this.#under.delete(x)) return;
    this.#admissions[x.worker]?.release(x, this.nowMs, isHung);
  }

  /** With all that it has; another one comes in its place at once. */
  #die(worker: number): void {
    const life = this.#lives[worker] as Life;
    life.state = 'gone';
    for (const x of [...this.#under]) if (x.worker === worker) this.#under.delete(x);
    this.#commons.vacate(worker);
    this.#commons.lead(this.#lives);
    const pool = this.#poolOf(worker);
    this.#pools[worker] = pool;
    this.#admissions[worker] = this.#admissionOf(pool);
    life.state = 'serving';
    this.#commons.lead(this.#lives);
    this.deaths += 1;
  }

  #poolOf(id: number): Pool {
    const { pool } = this.#commons.of(id);
    assert.ok(pool !== null);
    return new Pool(pool);
  }

  #admissionOf(pool: Pool): Admission<One> {
    return new Admission<One>('auto', this.nowMs, createStandings(), new Seat(pool, CELL));
  }
}

describe('places that workers share', () => {
  for (const workers of [2, 4, 9]) {
    it(`are neither lost nor made up: ${workers} workers`, (t) => {
      t.diagnostic(`seed ${SEED}`);
      const random = new Random(SEED + workers);
      let deaths = 0;
      for (let history = 0; history < samples(5, 1); history++) {
        const gateway = new Gateway(workers, random);
        for (let step = 0; step < STEPS; step++) gateway.step();
        gateway.finish();
        deaths += gateway.deaths;
        assert.ok(gateway.limitMax > 4, 'the limit moves');
      }
      assert.ok(deaths > 0);
    });
  }
});
