/**
 * Histories of rollouts with their tapes: the real controller over shared memory, on virtual time, from a seed.
 *
 * Whatever can happen to a rollout happens: steps, failures, slowness, one sick endpoint, commands, gaps, clock steps, other
 * configurations, budgets that run out, workers that are replaced.
 */

import { Random } from '#src/lib/random.ts';
import {
  ROLLOUT_COMMANDS,
  type RolloutArm,
  type RolloutRoute,
  type RolloutSpec,
  routesOf,
  type ShadowPolicy,
} from '#src/model/rollout.ts';
import type { ArmCounts, Decision } from '#src/model/slo.ts';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import type { Segment } from '#src/model/threads/state.ts';
import { createController } from '#src/slo/controller.ts';
import type { BudgetReading } from '#src/slo/rollout/gates.ts';
import type { Controller } from '#src/slo/rollout/loop/loop.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { SEVERAL, SPEC } from '../detection.ts';
import { FakeWorker, smallTallies } from '../worker.ts';

function shadowOf({ name, alpha, toleratedRatio, badMin, absoluteFloor, promotion }: ShadowPolicy): ShadowPolicy {
  return { name, alpha, toleratedRatio, badMin, absoluteFloor, promotion };
}

/** Short steps, so that a history of minutes has all of them. */
export const QUICK: RolloutSpec = {
  ...SPEC,
  weightScale: 1000,
  promotion: { beta: 0.05, ratioMax: 3, errorRatioMax: 0.05 },
  shadows: [
    { ...SPEC, name: 'bold', alpha: 0.05 },
    { ...SPEC, name: 'strict', toleratedRatio: 1, absoluteFloor: 0 },
  ].map(shadowOf),
  plan: {
    steps: [
      { percent: 5, dwellMs: 5000 },
      { percent: 25, dwellMs: 5000 },
      { percent: 50, dwellMs: 5000 },
      { percent: 100, dwellMs: 0 },
    ],
    needsEvidence: true,
    requestsMin: 100,
    stepMaxMs: 60_000,
    onStepMax: 'pause',
    bakeMs: 10_000,
    autoStart: true,
  },
  stable: { ...SPEC.stable, weight: 100_000 },
  canary: { ...SPEC.canary, weight: 0, endpoints: [1, 2, 3] },
};

/** The same on two further routes. */
export const QUICK_SEVERAL: RolloutSpec = {
  ...QUICK,
  companions: (SEVERAL.companions ?? []).map(({ route, stable, canary }) => {
    return { route, stable: { ...stable, weight: 10_000 }, canary: { ...canary, weight: 0 } };
  }),
};

/** An endpoint of the canary: the seventh has the slot of the first, as slots are reused. */
function instanceOf(n: number): readonly [slot: number, address: string] {
  return [1 + ((n - 1) % 6), `10.0.0.${n}:80`];
}

/** The canary with these endpoints, which were looked up. */
export function found(canary: RolloutArm, ...instances: readonly number[]): RolloutArm {
  const pairs = instances.map(instanceOf);
  return { ...canary, endpoints: pairs.map(([slot]) => slot), addresses: pairs.map(([, address]) => address) };
}

/** The same, whose canary's endpoints come and go. */
export const QUICK_FOUND: RolloutSpec = { ...QUICK, canary: found(QUICK.canary, 1, 2, 3) };

/** What a history left behind. */
export interface History {
  readonly segments: readonly Segment[];
  readonly decisions: readonly Decision[];
  readonly ticks: number;
}

/** How the two versions behave. */
export interface Mood {
  /** Requests of both versions in 100 ms. */
  perTick: number;
  canaryErrorRatio: number;
  stableErrorRatio: number;
  /** The only one of several routes on which the canary fails otherwise than stable does; empty: all. */
  badRoute: string;
  /** How many times slower the canary is. */
  slowness: number;
  /** Endpoint of the canary that fails every request, by its slot, or STRANGER; 0 = none. */
  sick: number;
  budget: BudgetReading;
}

/** Whom only other gateways know, where `Mood.sick` names it. */
export const STRANGER = 100;

/** Eventless and healthy. */
export const CALM: Mood = {
  perTick: 40,
  canaryErrorRatio: 0.002,
  stableErrorRatio: 0.002,
  badRoute: '',
  slowness: 1,
  sick: 0,
  budget: { remainingRatio: 0.8, remainingEvents: 500, alert: null },
};

/** A gateway whose controller is recorded. */
export class Recorded {
  readonly segments: Segment[] = [];
  readonly decisions: Decision[] = [];
  readonly mood: Mood;
  readonly controller: Controller;
  readonly random: Random;
  spec: RolloutSpec;
  nowMs = 50_000.25;
  ticks = 0;
  /** What other gateways told of endpoints of the canary that nobody knows here. */
  readonly elsewhere = new Map<string, ArmCounts>();
  readonly #dials: Int32Array;
  readonly #latencyDials = createLatencyDials();
  #workers: FakeWorker[];

  constructor(seed: number, spec: RolloutSpec = QUICK, mood: Partial<Mood> = {}) {
    this.random = new Random(seed);
    this.spec = spec;
    this.mood = { ...CALM, ...mood };
    this.#dials = new Int32Array([
      0,
      ...routesOf(spec).flatMap(({ stable, canary }) => [stable.weight, canary.weight]),
    ]);
    this.#workers = [1, 2].map((id) => new FakeWorker(id, smallTallies(), this.#latencyDials));
    this.controller = createController({
      regions: () => this.#workers.map(({ region }) => region),
      rollouts: () => [this.spec],
      weightOf: (dial) => this.#dials[dial] as number,
      setDial: (dial, weight) => {
        this.#dials[dial] = weight;
        this.nowMs += 0.125;
      },
      setLatency: (unit, dial) => setLatency(this.#latencyDials, unit, dial),
      budgetOf: () => this.mood.budget,
      fleet: { roleOf: () => 'leader', mayStart: () => true, attemptsElsewhere: () => this.elsewhere },
      explain: (_, { requests }) => (requests.canary.bad % 2 === 0 ? '' : 'all of it on endpoint 127.0.0.1:9001'),
      tapes: (segment) => this.segments.push(segment),
      nowMs: () => this.nowMs,
      wallTime: () => new Date(1_767_225_600_000 + this.nowMs).toISOString(),
    });
  }

  get canaryWeight(): number {
    return this.#dials[this.spec.canary.dial] as number;
  }

  /** 100 ms of traffic, give or take, and a turn of the loop. */
  tick(stepMs = 99 + this.random.nextFloat() * 2): void {
    const from = this.nowMs;
    for (let n = 0; n < this.mood.perTick; n++) this.#request(from + this.random.nextFloat() * Math.max(0, stepMs));
    this.nowMs = from + stepMs;
    this.ticks += 1;
    this.decisions.push(...this.controller.tick(this.nowMs).decisions);
  }

  command(name: (typeof ROLLOUT_COMMANDS)[number], isFix = false): boolean {
    const result = this.controller.command(
      { name, route: this.spec.route, by: 'api', reason: isFix ? 'mends it' : '', isFix },
      this.nowMs,
    );
    if (result.kind === 'done') this.decisions.push(result.decision);
    return result.kind === 'done';
  }

  /** The operator changes the rollout; another generation sets the weights anew. */
  reload(changes: Partial<RolloutSpec>): void {
    const isNew = changes.generation !== undefined && changes.generation !== this.spec.generation;
    this.spec = { ...this.spec, ...changes, revision: this.spec.revision + 1 };
    if (!isNew) return;
    for (const { stable, canary } of routesOf(this.spec)) {
      for (const { dial, weight } of [stable, canary]) this.#dials[dial] = weight;
    }
  }

  /** The operator changes weights alone, apart from the route: dials that nobody holds have them, and shares stay. */
  weigh(stable: number, canary: number): void {
    const state = this.controller.save(this.nowMs)[0]?.rollout.state.kind ?? 'idle';
    this.reload({ stable: { ...this.spec.stable, weight: stable }, canary: { ...this.spec.canary, weight: canary } });
    if (state === 'idle' || state === 'rolled-back') this.#dials[this.spec.stable.dial] = stable;
    if (state === 'idle') this.#dials[this.spec.canary.dial] = canary;
    this.controller.shareAnew();
  }

  /** A worker dies; its successor begins at zero. */
  replaceWorker(): void {
    const [, second] = this.#workers as [FakeWorker, FakeWorker];
    this.#workers = [second, new FakeWorker(second.region.id + 1, smallTallies(), this.#latencyDials)];
  }

  /** What is left; the tape under way is handed on. */
  end(): History {
    const { spec } = this;
    this.reload({ generation: `${spec.generation}-over` });
    this.tick(100);
    return { segments: this.segments, decisions: this.decisions, ticks: this.ticks };
  }

  /** Draws nothing where there is one route. */
  #place(): RolloutRoute {
    const routes = routesOf(this.spec);
    return routes.length === 1 ? this.spec : (routes[this.random.nextUint32() % routes.length] as RolloutRoute);
  }

  #request(atMs: number): void {
    const { random, mood, spec } = this;
    const place = this.#place();
    const stable = this.#dials[place.stable.dial] as number;
    const canary = this.#dials[place.canary.dial] as number;
    const isCanary = random.nextFloat() * (stable + canary) < canary;
    const arm = isCanary ? place.canary : place.stable;
    const isWorse = isCanary && (mood.badRoute === '' || mood.badRoute === place.route);
    const ratio = isWorse ? mood.canaryErrorRatio : mood.stableErrorRatio;
    const { endpoints } = isCanary ? spec.canary : spec.stable;
    const strangers = isCanary ? [...this.elsewhere.values()] : [];
    const pick = random.nextUint32() % (endpoints.length + strangers.length);
    const endpoint = endpoints[pick] ?? STRANGER;
    const isBad = random.nextFloat() < ratio || (isCanary && endpoint === mood.sick);
    const tookMs = (10 + 40 * random.nextFloat() ** 4) * (isCanary ? mood.slowness : 1);
    const worker = this.#workers[random.nextUint32() & 1] as FakeWorker;
    const told = strangers[pick - endpoints.length];
    if (told !== undefined) {
      told.finished += 1;
      if (isBad) told.bad += 1;
    } else attempted(worker, endpoint, isBad);
    const number = random.nextUint32();
    // Only a bad one is told by its id.
    const requestId = isBad ? number.toString(16).padStart(8, '0').repeat(4) : '';
    const user = random.nextUint32() % 5000;
    worker.finish({ cell: arm.cell, unit: arm.unit, user, isBad, nowMs: atMs, tookMs, requestId });
  }
}

/** The same tapes as an earlier release would have written them, of whose endpoints nobody knew more than their slots. */
export function inFormat(format: 1 | 2, segments: readonly Segment[]): Segment[] {
  return segments.map((segment) => {
    const text = Buffer.from(segment.bytes).toString('latin1');
    return { ...segment, bytes: Buffer.from(text.replace('"format":3', `"format":${format}`), 'latin1') };
  });
}

/** A history in which the judge left out the failures of endpoint 2, and a person asked for a decision about it. */
export function sparingHistory(spec = QUICK): History {
  const gateway = new Recorded(11, spec, { perTick: 60, canaryErrorRatio: 0, stableErrorRatio: 0 });
  for (let n = 0; n < 20; n++) gateway.tick();
  gateway.mood.sick = 2;
  const spared = (): number => gateway.controller.view()[0]?.status.verdict?.errors.spared.length ?? 0;
  for (let n = 0; n < 200 && spared() === 0; n++) gateway.tick();
  gateway.command('pause');
  return gateway.end();
}

function attempted({ region: { tallies } }: FakeWorker, slot: number, isBad: boolean): void {
  const words = tallies.endpoints;
  const base = slot * ENDPOINT_WORDS;
  words[base + ENDPOINT.finished] = (words[base + ENDPOINT.finished] as number) + 1;
  if (isBad) words[base + ENDPOINT.bad] = (words[base + ENDPOINT.bad] as number) + 1;
}

/** Other endpoints of the canary here, or at other gateways. */
function rescale(gateway: Recorded): void {
  const { random, spec, elsewhere } = gateway;
  const count = 1 + (random.nextUint32() % 5);
  const from = 1 + (random.nextUint32() % (8 - count));
  gateway.reload({ canary: found(spec.canary, ...Array.from({ length: count }, (_, n) => from + n)) });
  elsewhere.clear();
  if (random.nextUint32() % 3 === 0) elsewhere.set('10.1.0.1:80', { finished: 0, bad: 0 });
  if (random.nextUint32() % 3 === 0) elsewhere.set('10.0.0.2:80', { finished: 0, bad: 0 });
}

/** A history in which anything happens. */
export function wildHistory(seed: number, ticks: number, spec = QUICK): History {
  const gateway = new Recorded(seed, spec);
  const { random, mood } = gateway;
  const oneOf = <T>(...choices: readonly T[]): T => choices[random.nextUint32() % choices.length] as T;
  const names = spec.companions === undefined ? [] : ['', ...routesOf(spec).map(({ route }) => route)];
  const badRoute = (): Partial<Mood> => (names.length === 0 ? {} : { badRoute: oneOf(...names) });
  const happenings: readonly (() => void)[] = [
    () => Object.assign(mood, CALM),
    () => Object.assign(mood, CALM),
    () => Object.assign(mood, { perTick: oneOf(0, 1, 5, 40, 80) }),
    () => Object.assign(mood, { canaryErrorRatio: oneOf(0, 0.01, 0.05, 0.3, 1), ...badRoute() }),
    () => Object.assign(mood, { stableErrorRatio: oneOf(0, 0.01, 0.2, 1) }),
    () => Object.assign(mood, { slowness: oneOf(1, 1.5, 4) }),
    () => Object.assign(mood, { sick: oneOf(0, 2, 3) }),
    () => Object.assign(mood, { budget: { ...mood.budget, remainingRatio: oneOf(-0.1, 0.1, 0.9, null) } }),
    () => Object.assign(mood, { budget: { ...mood.budget, alert: oneOf(null, 'page: 20x over 1h') } }),
    () => void gateway.command(oneOf(...ROLLOUT_COMMANDS), random.nextUint32() % 4 === 0),
    () => void gateway.command(oneOf('start', 'promote', 'promote', 'undo'), true),
    () => gateway.tick(oneOf(10_000, -500, 5000)),
    () => gateway.replaceWorker(),
    () => gateway.reload({ alpha: oneOf(0.001, 0.01) }),
    () => gateway.reload({ toleratedRatio: oneOf(1.5, 2) }),
    () => gateway.reload({ shadows: gateway.spec.shadows.map((one) => ({ ...one, badMin: oneOf(3, 10) })) }),
    () => gateway.reload({ shadows: oneOf([], QUICK.shadows) }),
    () => gateway.weigh(oneOf(1000, 50_000, 100_000), oneOf(0, 1000, 50_000)),
    () => gateway.reload({ generation: `g${random.nextUint32()}` }),
  ];
  const rescaling = Array.from({ length: spec.canary.addresses === undefined ? 0 : 6 }, () => () => rescale(gateway));
  const sickness = rescaling.map(() => () => Object.assign(mood, { ...CALM, sick: oneOf(1, 2, 3, STRANGER) }));
  const changes = [...happenings, ...rescaling, ...sickness];
  for (let tick = 0; tick < ticks; tick++) {
    if (random.nextUint32() % 60 === 0) oneOf(...changes)();
    gateway.tick();
  }
  return gateway.end();
}
