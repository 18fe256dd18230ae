/**
 * Takes a canary through its ramp on virtual time: the real controller with its machine, over real shared memory.
 *
 * Requests arrive as a Poisson process and go to the canary by its dial; users keep their version while the dial stays.
 * Latencies are lognormal and the same for both. The canary may fail more than stable, from the first request on or from a
 * later time. Nothing is skipped: every 100 ms is a turn of the loop. One seed is one history.
 */

import { Random } from '#src/lib/random.ts';
import type { RolloutArm } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { createController } from '#src/slo/controller.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { lognormal, poissonTable } from '../draws.ts';
import { command, STEPPED } from '../machine.ts';
import { FakeWorker, smallTallies } from '../worker.ts';

const TICK_MS = 100;
const START_MS = 10_000;
const USERS = 20_000;
const LATENCIES = 4096;

export interface RampScenario {
  readonly requestsPerSecond: number;
  /** Share of bad requests in both versions. */
  readonly errorRatio: number;
  /** The canary's, `sinceMs` after the start. */
  readonly canaryErrorRatio: (sinceMs: number) => number;
  /** Give up after this time. */
  readonly timeoutMs: number;
}

/** 1,000 requests per second, 0.1 % of them bad wherever they go. */
export const SOUND: RampScenario = {
  requestsPerSecond: 1000,
  errorRatio: 0.001,
  canaryErrorRatio: () => 0.001,
  timeoutMs: 5 * 3_600_000,
};

/** A decision, when it came, and what the canary had done on the step that it ended. */
export interface RampMove {
  readonly atMs: number;
  readonly decision: Decision;
  readonly requests: number;
  readonly forMs: number;
}

export interface Ramp {
  readonly state: string;
  readonly tookMs: number;
  /** Bad canary requests. */
  readonly canaryBad: number;
  readonly moves: readonly RampMove[];
}

class RampRun {
  readonly worker: FakeWorker;
  readonly dials = new Int32Array([0, STEPPED.stable.weight, 0]);
  readonly #random: Random;
  readonly #scenario: RampScenario;
  readonly #arrivals: ReturnType<typeof poissonTable>;
  readonly #latencies: Float64Array;
  canaryBad = 0;
  canaryFinished = 0;

  constructor(scenario: RampScenario, random: Random, latencyDials: Float64Array) {
    this.#scenario = scenario;
    this.#random = random;
    this.worker = new FakeWorker(1, smallTallies(), latencyDials);
    this.#arrivals = poissonTable((scenario.requestsPerSecond * TICK_MS) / 1000);
    this.#latencies = Float64Array.from({ length: LATENCIES }, () => lognormal(random, 20, 0.6));
  }

  /** The requests of one tick, which ends at `nowMs`. */
  serve(nowMs: number): void {
    const random = this.#random;
    const canary = (this.dials[STEPPED.canary.dial] as number) / STEPPED.stable.weight;
    const canaryRatio = this.#scenario.canaryErrorRatio(nowMs - START_MS);
    for (let left = this.#arrivals.draw(random); left > 0; left--) {
      const user = Math.floor(random.nextFloat() * USERS);
      const isCanary = user < canary * USERS;
      const isBad = random.nextFloat() < (isCanary ? canaryRatio : this.#scenario.errorRatio);
      this.#finish(isCanary ? STEPPED.canary : STEPPED.stable, user, isBad, nowMs - random.nextFloat() * TICK_MS);
      if (!isCanary) continue;
      this.canaryFinished += 1;
      if (isBad) this.canaryBad += 1;
    }
  }

  #finish({ cell, unit }: RolloutArm, user: number, isBad: boolean, nowMs: number): void {
    const tookMs = this.#latencies[this.#random.nextUint32() % LATENCIES] as number;
    this.worker.finish({ cell, unit, user, isBad, nowMs, tookMs });
  }
}

/** One ramp: until the rollout has succeeded, is rolled back, or time is up. */
export function ramp(scenario: RampScenario, seed: number): Ramp {
  const random = new Random(seed);
  const latencyDials = createLatencyDials();
  const run = new RampRun(scenario, random, latencyDials);
  let nowMs = START_MS + random.nextFloat() * TICK_MS;
  const controller = createController({
    regions: () => [run.worker.region],
    rollouts: () => [STEPPED],
    weightOf: (dial) => run.dials[dial] as number,
    setDial: (dial, weight) => void (run.dials[dial] = weight),
    setLatency: (unit, dial) => setLatency(latencyDials, unit, dial),
    nowMs: () => nowMs,
    wallTime: () => '2026-01-01T00:00:00.000Z',
  });
  controller.tick(nowMs);
  controller.command(command('start'), nowMs);
  const startedMs = nowMs;
  const moves: RampMove[] = [];
  let stepAt = { ms: nowMs, finished: 0 };
  while (nowMs - startedMs < scenario.timeoutMs) {
    nowMs += TICK_MS;
    run.serve(nowMs);
    for (const decision of controller.tick(nowMs).decisions) {
      const requests = run.canaryFinished - stepAt.finished;
      moves.push({ atMs: nowMs - startedMs, decision, requests, forMs: nowMs - stepAt.ms });
      stepAt = { ms: nowMs, finished: run.canaryFinished };
      if (decision.kind === 'rollback' || decision.kind === 'succeed' || decision.kind === 'pause') {
        return { state: decision.kind, tookMs: nowMs - startedMs, canaryBad: run.canaryBad, moves };
      }
    }
  }
  return { state: 'waiting', tookMs: nowMs - startedMs, canaryBad: run.canaryBad, moves };
}
