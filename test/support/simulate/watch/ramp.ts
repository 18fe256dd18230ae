/**
 * Takes a canary through its ramp on virtual time: the real controller with its machine, over real shared memory.
 *
 * Requests arrive as a Poisson process and go to the canary by its dial; users keep their version while the dial stays.
 * Latencies are lognormal and the same for both. The canary may fail more than stable, from the first request on or from a
 * later time. Nothing is skipped: every 100 ms is a turn of the loop, and every request is counted (an hour of 1,000 per second
 * has 3.6 million, so that `RampWriter` looks latencies up that it was given before). One seed is one history.
 */

import { bucketIndex } from '#src/lib/histogram.ts';
import { Random } from '#src/lib/random.ts';
import { LATENCY_DIAL, LATENCY_DIAL_WORDS, LATENCY_THRESHOLDS } from '#src/model/latency.ts';
import type { RolloutArm } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { CELL, CELL_WORDS, UNIT_BITS } from '#src/model/tallies.ts';
import { markUser, secondAt } from '#src/model/threads/requests/users.ts';
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

/** Counts exchanges of one version as `FakeWorker.finish` does, with latencies out of a list and nothing that no judge reads. */
export class RampWriter {
  readonly #worker: FakeWorker;
  readonly #cell: number;
  readonly #unit: number;
  readonly #cells: Int32Array;
  readonly #units: Int32Array;
  readonly #dials: Float64Array;
  readonly #tookMs: Float64Array;
  /** Of each latency: its word of the histogram, and how many thresholds it exceeds. */
  readonly #buckets: Int32Array;
  readonly #levels: Uint8Array;
  #sinceMs = Number.NaN;

  constructor(
    worker: FakeWorker,
    { cell, unit }: Pick<RolloutArm, 'cell' | 'unit'>,
    latencies: { readonly tookMs: Float64Array; readonly dials: Float64Array },
  ) {
    this.#worker = worker;
    this.#cell = cell;
    this.#unit = unit;
    this.#cells = worker.region.tallies.cells;
    this.#units = worker.region.tallies.units;
    this.#dials = latencies.dials;
    this.#tookMs = latencies.tookMs;
    this.#buckets = Int32Array.from(latencies.tookMs, bucketIndex);
    this.#levels = new Uint8Array(latencies.tookMs.length);
  }

  /** Thresholds may be others than at the last call. */
  turn(): void {
    const base = this.#unit * LATENCY_DIAL_WORDS;
    const sinceMs = this.#dials[base + LATENCY_DIAL.since] as number;
    if (sinceMs === this.#sinceMs) return;
    this.#sinceMs = sinceMs;
    const limits = this.#dials.subarray(base + LATENCY_DIAL.atEnd, base + LATENCY_DIAL.atEnd + LATENCY_THRESHOLDS);
    for (let n = 0; n < this.#levels.length; n++) {
      let level = 0;
      while (level < LATENCY_THRESHOLDS && (this.#tookMs[n] as number) > (limits[level] as number)) level += 1;
      this.#levels[n] = level;
    }
  }

  /** @param latency its index in the list */
  finish(user: number, isBad: boolean, nowMs: number, latency: number): void {
    const cells = this.#cells;
    const base = this.#cell * CELL_WORDS;
    cells[base + CELL.finished] = (cells[base + CELL.finished] as number) + 1;
    if (isBad) cells[base + CELL.bad] = (cells[base + CELL.bad] as number) + 1;
    const bucket = base + CELL.histogram + (this.#buckets[latency] as number);
    cells[bucket] = (cells[bucket] as number) + 1;
    const second = secondAt(this.#units, this.#unit, Math.floor(nowMs / 1000));
    markUser(this.#units, second, user & (UNIT_BITS - 1), isBad);
    if (nowMs - (this.#tookMs[latency] as number) >= this.#sinceMs) {
      const level = this.#levels[latency] as number;
      for (let k = base + CELL.thresholds; k < base + CELL.thresholds + level; k++) cells[k] = (cells[k] as number) + 1;
      const ended = base + CELL.levels + level;
      if (!isBad) cells[ended] = (cells[ended] as number) + 1;
    }
    if (isBad) this.#worker.report({ cell: this.#cell, user, nowMs });
  }
}

class RampRun {
  readonly worker: FakeWorker;
  readonly dials = new Int32Array([0, STEPPED.stable.weight, 0]);
  readonly #random: Random;
  readonly #scenario: RampScenario;
  readonly #arrivals: ReturnType<typeof poissonTable>;
  readonly #canary: RampWriter;
  readonly #stable: RampWriter;
  canaryBad = 0;
  canaryFinished = 0;

  constructor(scenario: RampScenario, random: Random, dials: Float64Array) {
    this.#scenario = scenario;
    this.#random = random;
    this.worker = new FakeWorker(1, smallTallies(), dials);
    this.#arrivals = poissonTable((scenario.requestsPerSecond * TICK_MS) / 1000);
    const tookMs = Float64Array.from({ length: LATENCIES }, () => lognormal(random, 20, 0.6));
    this.#canary = new RampWriter(this.worker, STEPPED.canary, { tookMs, dials });
    this.#stable = new RampWriter(this.worker, STEPPED.stable, { tookMs, dials });
  }

  /** The requests of one tick, which ends at `nowMs`. */
  serve(nowMs: number): void {
    const random = this.#random;
    const canaryUsers = ((this.dials[STEPPED.canary.dial] as number) / STEPPED.stable.weight) * USERS;
    const canaryRatio = this.#scenario.canaryErrorRatio(nowMs - START_MS);
    this.#canary.turn();
    this.#stable.turn();
    for (let left = this.#arrivals.draw(random); left > 0; left--) {
      const user = Math.floor(random.nextFloat() * USERS);
      const isCanary = user < canaryUsers;
      const isBad = random.nextFloat() < (isCanary ? canaryRatio : this.#scenario.errorRatio);
      const atMs = nowMs - random.nextFloat() * TICK_MS;
      (isCanary ? this.#canary : this.#stable).finish(user, isBad, atMs, random.nextUint32() % LATENCIES);
      if (!isCanary) continue;
      this.canaryFinished += 1;
      if (isBad) this.canaryBad += 1;
    }
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
