/**
 * Endpoints that come while a canary is compared: being cold convicts nobody, and hides nobody for long. The data plane's own
 * endpoints and trials under the real controller, on virtual time.
 */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { bucketIndex } from '#src/lib/histogram.ts';
import { Random } from '#src/lib/random.ts';
import type { RolloutArm } from '#src/model/rollout.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import type { LinkedSplit } from '#src/proxy/decide/table.ts';
import { Ages, type Aging } from '#src/proxy/forward/ages.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { createController } from '#src/slo/controller.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { quantileOf, SPEC } from '../../support/simulate/detection.ts';
import { lognormal, poissonTable } from '../../support/simulate/draws.ts';
import { STEADY } from '../../support/simulate/slowness.ts';
import { FakeWorker, smallTallies } from '../../support/simulate/worker.ts';

const SEED = 4100;
const RUNS = 20;
const SWEEP_MS = 50;
const USERS = 10_000;
const ENDPOINTS = 4;
const START_MS = 10_000;
/** Requests that an endpoint takes longer for, where it is cold. */
const COLD_REQUESTS = 200;

interface Scene {
  /** How many times the canary has a new endpoint in the place of its oldest one from the onset on, once a second. */
  readonly replaced: number;
  /** From the start to the onset. */
  readonly healthyMs: number;
  readonly watchMs: number;
  /** How many times as long a request of the canary takes from the onset on. @param served by its endpoint before it */
  readonly factor: (served: number, isNew: boolean) => number;
}

/** One endpoint as the gateway has it, and what it is itself. */
class Instance {
  readonly endpoint: Endpoint;
  readonly isNew: boolean;
  served = 0;

  constructor(port: number, isNew: boolean) {
    this.endpoint = new Endpoint(1, '10.0.0.1', port);
    this.isNew = isNew;
  }
}

/** One version with four endpoints that are asked alike. */
class Fleet {
  readonly arm: RolloutArm;
  readonly split: LinkedSplit;
  #instances = Array.from({ length: ENDPOINTS }, (_, n) => new Instance(n, false));
  #endpoints = this.#instances.map(({ endpoint }) => endpoint);

  constructor(arm: RolloutArm) {
    this.arm = arm;
    this.split = { unit: arm.unit, cellBase: arm.cell * CELL_WORDS } as LinkedSplit;
  }

  replaceOldest(): void {
    this.#instances = [...this.#instances.slice(1), new Instance(ENDPOINTS, true)];
    this.#endpoints = this.#instances.map(({ endpoint }) => endpoint);
  }

  /** Whoever serves a request, and whether that one is cold as the gateway has it. */
  ask(random: Random, nowMs: number): { readonly by: Instance; readonly isCold: boolean } {
    const by = this.#instances[random.nextUint32() % ENDPOINTS] as Instance;
    by.served += 1;
    return { by, isCold: by.endpoint.isNew && by.endpoint.warmUp(this.#endpoints, nowMs) };
  }
}

/** From the onset to weight 0, in ms; Infinity when it never came. */
function rolledBackAfterMs(scene: Scene, seed: number): number {
  const random = new Random(seed);
  const dials = createLatencyDials();
  const worker = new FakeWorker(1, smallTallies());
  const ages = new Ages(worker.region.tallies.cells, dials);
  const fleets = [new Fleet(SPEC.canary), new Fleet(SPEC.stable)] as const;
  const weights = new Int32Array([0, 95, 5]);
  const due = new Map<number, Aging[]>();
  let nowMs = START_MS;
  const controller = createController({
    regions: () => [worker.region],
    rollouts: () => [SPEC],
    weightOf: (dial) => weights[dial] as number,
    setDial: (dial, weight) => weights.fill(weight, dial, dial + 1),
    setLatency: (unit, dial) => setLatency(dials, unit, dial),
    nowMs: () => nowMs,
    wallTime: () => '2026-01-01T00:00:00.000Z',
  });
  controller.tick(nowMs);
  const { canaryPerSecond, stablePerSecond, medianMs, sigma } = STEADY;
  const counts = [canaryPerSecond, stablePerSecond].map((rate) => poissonTable((rate * SWEEP_MS) / 1000));

  const arrive = (fleet: Fleet, atMs: number): void => {
    const { by, isCold } = fleet.ask(random, atMs);
    const isChanged = fleet === fleets[0] && atMs >= START_MS + scene.healthyMs;
    const tookMs = lognormal(random, medianMs, sigma) * (isChanged ? scene.factor(by.served - 1, by.isNew) : 1);
    const x: Aging = { ageSlot: -1, startedAtMs: atMs, endedAtMs: atMs + tookMs, split: fleet.split };
    ages.begin(x);
    if (isCold) ages.leave(x);
    const sweep = Math.ceil((x.endedAtMs - START_MS) / SWEEP_MS);
    due.set(sweep, [...(due.get(sweep) ?? []), x]);
  };
  const end = (x: Aging): void => {
    const { cell, unit } = x.split === fleets[0].split ? SPEC.canary : SPEC.stable;
    if (x.ageSlot >= 0) ages.end(x, true);
    worker.add(cell, CELL.finished, 1);
    worker.add(cell, CELL.histogram + bucketIndex(x.endedAtMs - x.startedAtMs), 1);
    worker.mark({ unit, user: random.nextUint32() % USERS, isBad: false, nowMs: nowMs - 1 });
  };

  const first = scene.healthyMs / SWEEP_MS;
  for (let sweep = 1; sweep <= first + scene.watchMs / SWEEP_MS; sweep++) {
    const sinceMs = (sweep - 1 - first) * SWEEP_MS;
    if (sinceMs >= 0 && sinceMs % 1000 === 0 && sinceMs / 1000 < scene.replaced) fleets[0].replaceOldest();
    const fromMs = nowMs;
    for (const [n, fleet] of fleets.entries()) {
      for (let left = (counts[n] as (typeof counts)[0]).draw(random); left > 0; left--) {
        arrive(fleet, fromMs + random.nextFloat() * SWEEP_MS);
      }
    }
    nowMs = START_MS + sweep * SWEEP_MS;
    for (const x of due.get(sweep) ?? []) end(x);
    due.delete(sweep);
    ages.sweep(nowMs);
    if (sweep % 2 === 0) controller.tick(nowMs);
    if (weights[SPEC.canary.dial] === 0) return nowMs - START_MS - scene.healthyMs;
  }
  return Number.POSITIVE_INFINITY;
}

function runs(t: TestContext, scene: Scene): readonly number[] {
  const all = Array.from({ length: RUNS }, (_, n) => rolledBackAfterMs(scene, SEED + n)).toSorted((a, b) => a - b);
  t.diagnostic(`seeds ${SEED}..${SEED + RUNS - 1}: ${all.join(' ')} ms`);
  return all;
}

/** One endpoint is replaced at the onset. */
const ONCE: Scene = { replaced: 1, healthyMs: 20_000, watchMs: 40_000, factor: () => 1 };

describe('a canary with a new endpoint among four', () => {
  it('stays, though that one takes three times as long until it is warm', (t) => {
    const factor = (served: number, isNew: boolean): number => (isNew && served < COLD_REQUESTS ? 3 : 1);
    for (const afterMs of runs(t, { ...ONCE, factor })) assert.equal(afterMs, Number.POSITIVE_INFINITY);
  });

  it('is rolled back once that one is warm and takes three times as long still', (t) => {
    const all = runs(t, { ...ONCE, factor: (_, isNew) => (isNew ? 3 : 1) });
    assert.ok((all[0] as number) > 10_000, 'not while it is cold');
    assert.ok((all.at(-1) as number) <= 35_000, `${all.at(-1)}`);
  });

  it('is found nearly as soon as without, when all of them are slow by half', (t) => {
    const slow = { ...ONCE, factor: () => 1.5 };
    const [medianMs, withoutMs] = [slow, { ...slow, replaced: 0 }].map((scene) => quantileOf(runs(t, scene), 0.5));
    assert.ok((medianMs as number) <= 1.5 * (withoutMs as number), `${medianMs} against ${withoutMs}`);
  });
});

describe('a canary that is slow on all endpoints', () => {
  it('from its beginning is found as soon as ever, though all are new', (t) => {
    const medianMs = quantileOf(runs(t, { ...ONCE, healthyMs: 5000, replaced: 0, factor: () => 1.5 }), 0.5);
    assert.ok(medianMs <= 5000, `${medianMs}`);
  });

  it('is found though none of its endpoints lasts long enough to be warm', (t) => {
    const all = runs(t, { ...ONCE, replaced: Number.POSITIVE_INFINITY, factor: () => 2 });
    assert.ok((all.at(-1) as number) <= 35_000, `${all.at(-1)}`);
    t.diagnostic(`median ${quantileOf(all, 0.5)} ms`);
  });
});
