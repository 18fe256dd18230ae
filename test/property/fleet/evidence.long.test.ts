/** What several gateways measured, merged, is judged exactly like what one gateway would have measured. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collector } from '#src/fleet/evidence/collect.ts';
import { Others } from '#src/fleet/evidence/merge.ts';
import { Random } from '#src/lib/random.ts';
import { Judgement } from '#src/slo/judgement.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { SPEC } from '../../support/simulate/detection.ts';
import { FakeWorker, type Finish, smallTallies } from '../../support/simulate/worker.ts';

const TICK_MS = 100;
const TICKS = 160;
const WEIGHT = 5;
const TERMS = { share: 0.05, limits: '' };
const FIRST_SEED = 1;
const HISTORIES = 4;

/** A judge with workers that count at its thresholds. */
class Bench {
  readonly #dials = createLatencyDials();
  readonly judgement: Judgement;
  readonly workers: readonly FakeWorker[];
  readonly regions: readonly FakeWorker['region'][];
  readonly others = new Others(smallTallies());
  readonly #collectors: readonly Collector[];

  /** The first worker is the judge's own, the others are those of other gateways. */
  constructor(count: number, nowMs: number) {
    this.workers = Array.from({ length: count }, (_, n) => new FakeWorker(n, smallTallies(), this.#dials));
    this.others.follow([SPEC]);
    this.regions = [(this.workers[0] as FakeWorker).region, this.others.region];
    this.#collectors = this.workers.slice(1).map(() => new Collector(SPEC));
    this.judgement = new Judgement(SPEC, this.regions, {
      nowMs,
      weight: WEIGHT,
      setLatency: (unit, dial) => setLatency(this.#dials, unit, dial),
    });
  }

  exchange(nowMs: number): void {
    this.#collectors.forEach((collector, n) => {
      const { region } = this.workers[n + 1] as FakeWorker;
      const sender = { id: `gateway ${n}`, member: '', adminUrl: '', ...TERMS };
      const text = JSON.stringify(collector.message([region], sender));
      assert.equal(this.others.take(JSON.parse(text) as ReturnType<Collector['message']>, TERMS, nowMs), true);
    });
  }
}

/** Requests of one history, from its seed. */
class History {
  readonly random: Random;
  readonly #users: number;
  readonly #canary: { readonly bad: number; readonly slow: number };

  constructor(seed: number) {
    this.random = new Random(seed);
    this.#users = [20, 300, 20_000][this.random.nextUint32() % 3] as number;
    const sick = { bad: this.random.nextFloat() * 0.3, slow: 1 + this.random.nextFloat() };
    this.#canary = seed % 2 === 0 ? sick : { bad: 0.01, slow: 1 };
  }

  next(tick: number, nowMs: number): Finish {
    const { random } = this;
    const arm = random.nextFloat() < 0.2 ? 'canary' : 'stable';
    const { bad, slow } = arm === 'canary' ? this.#canary : { bad: 0.01, slow: 1 };
    const isBad = random.nextFloat() < (tick > 100 ? bad : 0.01);
    const tookMs = (5 + 40 * random.nextFloat()) * slow;
    const { cell, unit } = SPEC[arm];
    return { cell, unit, user: random.nextUint32() % this.#users, isBad, tookMs, nowMs };
  }
}

test('whatever gateways requests and users were spread over, the verdict is the same', (t) => {
  let convicted = 0;
  let judged = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) {
    const history = new History(seed);
    const { random } = history;
    let nowMs = 1_000_000;
    const whole = new Bench(1, nowMs);
    const split = new Bench(2 + (random.nextUint32() % 5), nowMs);
    split.exchange(nowMs);
    for (let tick = 0; tick < TICKS; tick++) {
      // Told at once: what is told later counts in the second in which it is heard of.
      nowMs += TICK_MS;
      for (let rest = random.nextUint32() % 60; rest > 0; rest--) {
        const finish = history.next(tick, nowMs);
        whole.workers[0]?.finish(finish);
        // A user may come to any gateway with every request.
        split.workers[random.nextUint32() % split.workers.length]?.finish(finish);
      }
      split.exchange(nowMs);
      whole.judgement.look(SPEC, whole.regions, nowMs);
      split.judgement.look(SPEC, split.regions, nowMs);
      const told = `seed ${seed}, tick ${tick}, ${split.workers.length} gateways`;
      assert.equal(split.judgement.isConvicted(SPEC), whole.judgement.isConvicted(SPEC), told);
      if (tick % 5 !== 0) continue;
      assert.deepEqual(split.judgement.verdictNow(SPEC), whole.judgement.verdictNow(SPEC), told);
      assert.deepEqual(split.judgement.limits, whole.judgement.limits, told);
    }
    if (whole.judgement.limits !== null) judged += 1;
    if (whole.judgement.isConvicted(SPEC)) convicted += 1;
  }
  t.diagnostic(`${convicted} of ${HISTORIES} convicted, latency judged in ${judged}`);
  assert.ok(convicted >= 2 && convicted <= HISTORIES / 2 && judged > HISTORIES / 2);
});
