/**
 * One history of a rollout on virtual time: the real loop over shared memory in which simulated users are counted.
 *
 * ```
 *   users ─▶ requests (Poisson) ─▶ version by the dials ─▶ fails? how long? ─▶ tallies ─▶ controller, each 100 ms ─┐
 *                                        ▲                                                                    │
 *                                        └───────────────── dials ◀────────────────────────────────────────────┘
 * ```
 * Verdict, gates and steps are the gateway's own (`controller.ts`); what is simulated is traffic: each request fails by
 * itself with its version's ratio, and takes a lognormal time with the p50 and p99 given. Error budgets are taken to be
 * untouched, and endpoints not to be told apart. A request counts in the 100 ms in which it began, however long it took.
 * One seed is one history. Source: Box, Muller (1958), "A note on the generation of random normal deviates".
 */

import { mix32 } from '../../../../lib/hash.ts';
import { Random } from '../../../../lib/random.ts';
import type { ForecastTraffic, RolloutSpec } from '../../../../model/rollout.ts';
import type { Decision } from '../../../../model/slo.ts';
import type {
  SimulatedHistory,
  SimulatedOutcome,
  SimulatedTraffic,
} from '../../../../model/threads/load/simulation.ts';
import { createController } from '../../../controller.ts';
import type { SetLatency } from '../../../latency/watch.ts';
import { SimulatedWorker, smallTallies } from './worker.ts';

const TICK_MS = 100;
/** The loop's clock does not begin at 0, which means never in a bitmap of users. */
const START_MS = 10_000;
/** What a request takes where nothing is said. */
const TOOK_MS = 5;
/** 99 % of a normal distribution are below so many deviations. */
const Z_99 = 2.326_348;
const UINT32 = 4_294_967_296;
const WALL_TIME = '1970-01-01T00:00:00.000Z';

/** Thresholds of latency in shared memory, as the workers of this history see them; nobody else may write. */
export interface LatencyMemory {
  readonly dials: Float64Array;
  readonly set: SetLatency;
}

export interface HistoryTerms {
  /** Both versions in the small regions of the simulator: cells below 8, dials 1 and 2. */
  readonly spec: RolloutSpec;
  readonly traffic: SimulatedTraffic;
  /** Users keep their version; else each request is drawn. */
  readonly isSticky: boolean;
  readonly limitMs: number;
}

/** From the start of the rollout to its end. Cost: about 0.25 us per request and 8 us per tick. */
export function simulateHistory(terms: HistoryTerms, seed: number, latency: LatencyMemory): SimulatedHistory {
  const { spec, limitMs } = terms;
  const random = new Random(seed);
  const worker = new SimulatedWorker(1, smallTallies(), latency.dials);
  const regions = [worker.region];
  const dials = new Int32Array([0, spec.stable.weight, spec.canary.weight]);
  let nowMs = START_MS;
  const controller = createController({
    regions: () => regions,
    rollouts: () => [spec],
    weightOf: (dial) => dials[dial] as number,
    setDial: (dial, weight) => {
      dials[dial] = weight;
    },
    setLatency: latency.set,
    nowMs: () => nowMs,
    wallTime: () => WALL_TIME,
  });
  controller.tick(nowMs);
  if (spec.plan !== null && controller.standing(spec.route)?.state.kind === 'idle') {
    controller.command({ name: 'start', route: spec.route, by: 'simulation', reason: '', isFix: false }, nowMs);
  }
  const users = new Users(terms, random, worker);
  const canaryShare = (): number => {
    const [, stable = 0, canary = 0] = dials;
    return canary / (stable + canary);
  };
  let share = canaryShare();
  let sentence = '';
  const endOf = (outcome: SimulatedOutcome): SimulatedHistory => {
    const { requests, failed, failedUsers } = users;
    const canary = { requests, failed, usersFailed: failedUsers.size };
    return { seed, outcome, afterMs: nowMs - START_MS, percent: Math.round(1e6 * share) / 1e4, canary, sentence };
  };
  while (nowMs - START_MS < limitMs) {
    share = canaryShare();
    users.until(nowMs + TICK_MS, share);
    nowMs += TICK_MS;
    for (const decision of controller.tick(nowMs).decisions) {
      sentence = decision.sentence;
      const outcome = OUTCOMES[decision.kind];
      if (outcome !== undefined) return endOf(outcome);
    }
  }
  return endOf('undecided');
}

const OUTCOMES: Partial<Record<Decision['kind'], SimulatedOutcome>> = {
  rollback: 'rolled-back',
  succeed: 'promoted',
  pause: 'paused',
};

/** Who send requests, and what comes of them. */
class Users {
  /** Of the canary. */
  requests = 0;
  failed = 0;
  readonly failedUsers = new Set<number>();
  readonly #terms: HistoryTerms;
  readonly #random: Random;
  readonly #worker: SimulatedWorker;
  readonly #gapMs: number;
  /** Who has which key, and so is among the canary's, is another draw in each history. */
  readonly #salt: number;
  #nextMs = START_MS;

  constructor(terms: HistoryTerms, random: Random, worker: SimulatedWorker) {
    this.#terms = terms;
    this.#random = random;
    this.#worker = worker;
    this.#gapMs = 1000 / terms.traffic.requestsPerSecond;
    this.#salt = random.nextUint32();
    this.#advance();
  }

  /** Everything that begins before `untilMs`. @param canaryShare of the users, or requests, 0..1 */
  until(untilMs: number, canaryShare: number): void {
    for (; this.#nextMs < untilMs; this.#advance()) this.#send(this.#nextMs, canaryShare);
  }

  #advance(): void {
    this.#nextMs -= this.#gapMs * Math.log(1 - this.#random.nextFloat());
  }

  #send(nowMs: number, canaryShare: number): void {
    const { spec, traffic, isSticky } = this.#terms;
    const random = this.#random;
    const user = mix32(Math.floor(random.nextFloat() * traffic.users) ^ this.#salt);
    const isCanary = (isSticky ? user / UINT32 : random.nextFloat()) < canaryShare;
    const { cell, unit } = isCanary ? spec.canary : spec.stable;
    const { errorRatio, latency } = isCanary ? traffic.canary : traffic.stable;
    const isBad = random.nextFloat() < errorRatio;
    const tookMs = latency === null ? TOOK_MS : lognormal(random, latency);
    this.#worker.finish({ cell, unit, user: mix32(user), isBad, nowMs, tookMs });
    if (!isCanary) return;
    this.requests += 1;
    if (!isBad) return;
    this.failed += 1;
    this.failedUsers.add(user);
  }
}

function lognormal(random: Random, { p50Ms, p99Ms }: NonNullable<ForecastTraffic['latency']>): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.nextFloat()));
  const z = radius * Math.cos(2 * Math.PI * random.nextFloat());
  return p50Ms * (p99Ms / p50Ms) ** (z / Z_99);
}
