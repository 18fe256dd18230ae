/** What several gateways measured, merged, is judged exactly like what one gateway would have measured. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collector } from '#src/fleet/evidence/collect.ts';
import { Others } from '#src/fleet/evidence/merge.ts';
import { Random } from '#src/lib/random.ts';
import type { RolloutSpec } from '#src/model/rollout.ts';
import type { EndpointName } from '#src/model/slo.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
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
/** Of the canary. Each is known to two gateways at most, in slots of their own. */
const INSTANCES = [0, 1, 2, 3] as const;
/** Fails every request late in a history with an odd seed. */
const SICK = 2;

function knows(gateway: number, count: number): (instance: number) => boolean {
  return (instance) => instance % count === gateway || (instance + 1) % count === gateway;
}

function slotOf(gateway: number, instance: number): number {
  return 1 + ((instance + gateway) % 5);
}

/** The rollout as one of several gateways has it. */
function specOf(gateway: number, count: number): RolloutSpec {
  const known = INSTANCES.filter(knows(gateway, count));
  const endpoints = known.map((instance) => slotOf(gateway, instance));
  const addresses = known.map((instance) => `10.0.0.${instance}:80`);
  return { ...SPEC, canary: { ...SPEC.canary, endpoints, addresses } };
}

/** A judge with workers that count at its thresholds. */
class Bench {
  readonly #dials = createLatencyDials();
  readonly judgement: Judgement;
  readonly workers: readonly FakeWorker[];
  readonly regions: readonly FakeWorker['region'][];
  readonly others = new Others(smallTallies());
  readonly #collectors: readonly Collector[];
  readonly #count: number;

  /** The first worker is the judge's own, the others are those of other gateways. */
  constructor(count: number, nowMs: number) {
    this.workers = Array.from({ length: count }, (_, n) => new FakeWorker(n, smallTallies(), this.#dials));
    this.#count = count;
    this.others.follow([specOf(0, count)]);
    this.regions = [(this.workers[0] as FakeWorker).region, this.others.region];
    this.#collectors = this.workers.slice(1).map((_, n) => new Collector(specOf(n + 1, count)));
    this.judgement = new Judgement(specOf(0, count), this.regions, {
      nowMs,
      weight: WEIGHT,
      setLatency: (unit, dial) => setLatency(this.#dials, unit, dial),
    });
  }

  /** A request to an instance of the canary, or to stable, at a gateway that can take it there. */
  finish({ random }: History, finish: Finish, instance: number | null): void {
    const all = this.workers.map((_, n) => n);
    const able = instance === null ? all : all.filter((n) => knows(n, this.#count)(instance));
    const gateway = able[random.nextUint32() % able.length] as number;
    const worker = this.workers[gateway] as FakeWorker;
    worker.finish(finish);
    if (instance === null) return;
    const base = slotOf(gateway, instance) * ENDPOINT_WORDS;
    const { endpoints } = worker.region.tallies;
    if (finish.isBad) Atomics.add(endpoints, base + ENDPOINT.bad, 1);
    Atomics.add(endpoints, base + ENDPOINT.finished, 1);
  }

  look(nowMs: number): void {
    this.judgement.look(SPEC, this.regions, nowMs, this.others.attemptsOf(SPEC.route, nowMs));
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
  readonly #sick: number;

  constructor(seed: number) {
    this.#sick = seed % 2 === 0 ? -1 : SICK;
    this.random = new Random(seed);
    this.#users = [20, 300, 20_000][this.random.nextUint32() % 3] as number;
    const sick = { bad: this.random.nextFloat() * 0.3, slow: 1 + this.random.nextFloat() };
    this.#canary = seed % 2 === 0 ? sick : { bad: 0.01, slow: 1 };
  }

  next(tick: number, nowMs: number): readonly [Finish, instance: number | null] {
    const { random } = this;
    const arm = random.nextFloat() < 0.2 ? 'canary' : 'stable';
    const { bad, slow } = arm === 'canary' ? this.#canary : { bad: 0.01, slow: 1 };
    const instance = arm === 'canary' ? random.nextUint32() % INSTANCES.length : null;
    const isSick = tick > 100 && instance === this.#sick;
    const isBad = random.nextFloat() < (tick > 100 ? bad : 0.01) || isSick;
    const tookMs = (5 + 40 * random.nextFloat()) * slow;
    const { cell, unit } = SPEC[arm];
    return [{ cell, unit, user: random.nextUint32() % this.#users, isBad, tookMs, nowMs }, instance];
  }
}

test('whatever gateways requests and users were spread over, the verdict is the same', (t) => {
  let convicted = 0;
  let judged = 0;
  const spared = new Set<EndpointName>();
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
        const [finish, instance] = history.next(tick, nowMs);
        whole.finish(history, finish, instance);
        // A user may come to any gateway with every request.
        split.finish(history, finish, instance);
      }
      split.exchange(nowMs);
      whole.look(nowMs);
      split.look(nowMs);
      const told = `seed ${seed}, tick ${tick}, ${split.workers.length} gateways`;
      assert.equal(split.judgement.isConvicted(SPEC), whole.judgement.isConvicted(SPEC), told);
      if (tick % 5 !== 0) continue;
      assert.deepEqual(split.judgement.verdictNow(SPEC), whole.judgement.verdictNow(SPEC), told);
      assert.deepEqual(split.judgement.limits, whole.judgement.limits, told);
    }
    for (const name of whole.judgement.verdictNow(SPEC).errors.spared) spared.add(name);
    if (whole.judgement.limits !== null) judged += 1;
    if (whole.judgement.isConvicted(SPEC)) convicted += 1;
  }
  t.diagnostic(`${convicted} of ${HISTORIES} convicted, latency judged in ${judged}`);
  assert.deepEqual([...spared], [`10.0.0.${SICK}:80`]);
  assert.ok(convicted >= 2 && convicted <= HISTORIES / 2 && judged > HISTORIES / 2);
});
