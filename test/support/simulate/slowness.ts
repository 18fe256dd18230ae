/**
 * Measures on virtual time how long a slow canary keeps its weight: the real controller over real shared memory.
 *
 * Requests of both versions arrive as Poisson processes and take a lognormal time; what they exceed is counted when the
 * data plane would know it: in flight at the tolerated thresholds, or at the end. The controller looks every 100 ms at a
 * random phase. Nothing fails. One seed is one history.
 */

import { bucketIndex } from '#src/lib/histogram.ts';
import { Random } from '#src/lib/random.ts';
import { LATENCY_DIAL, LATENCY_DIAL_WORDS, LATENCY_THRESHOLDS } from '#src/model/latency.ts';
import type { RolloutArm } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { CELL } from '#src/model/tallies.ts';
import { createController } from '#src/slo/controller.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { SPEC } from './detection.ts';
import { exponential, lognormal, poissonTable } from './draws.ts';
import { FakeWorker, smallTallies } from './worker.ts';

const TICK_MS = 100;
const USERS = 10_000;

/** How long a request takes, in ms. */
export type Latency = (random: Random, baseMs: number) => number;

export interface SlownessScenario {
  readonly canaryPerSecond: number;
  readonly stablePerSecond: number;
  /** Median of the lognormal latency of both, in ms, and sigma of its logarithm. */
  readonly medianMs: number;
  readonly sigma: number;
  /** From the start of the watch to the onset. */
  readonly healthyMs: number;
  /** From the onset to the end. */
  readonly watchMs: number;
  /** What becomes of the canary's latencies from the onset on. */
  readonly canary: Latency;
  /** What becomes of everybody's, `sinceMs` after the onset; negative before it. */
  readonly shared: (random: Random, baseMs: number, sinceMs: number) => number;
}

/** 50 of 1,000 requests per second on the canary; median 50 ms, p99 321 ms; 5 healthy seconds, about 4 of which it takes to be warm. */
export const STEADY: SlownessScenario = {
  canaryPerSecond: 50,
  stablePerSecond: 950,
  medianMs: 50,
  sigma: 0.8,
  healthyMs: 5000,
  watchMs: 60_000,
  canary: (_, baseMs) => baseMs,
  shared: (_, baseMs) => baseMs,
};

export interface Slowness {
  /** From the onset to weight 0, in ms; Infinity when it never came, negative before the onset. */
  readonly afterMs: number;
  readonly decision: Decision | null;
}

/** What happens at an instant: one word of a cell rises. */
interface Due {
  readonly cell: number;
  readonly word: number;
}

class History {
  readonly latencyDials = createLatencyDials();
  readonly worker = new FakeWorker(1, smallTallies());
  readonly #random: Random;
  readonly #due = new Map<number, Due[]>();
  readonly #firstTickMs: number;

  constructor(random: Random, firstTickMs: number) {
    this.#random = random;
    this.#firstTickMs = firstTickMs;
  }

  /** A request arrives that will take so long. */
  arrive(arm: RolloutArm, startedAtMs: number, tookMs: number): void {
    const { cell, unit } = arm;
    const endedAtMs = startedAtMs + tookMs;
    const dials = this.latencyDials;
    const base = unit * LATENCY_DIAL_WORDS;
    if (startedAtMs >= (dials[base + LATENCY_DIAL.since] as number)) {
      let level = 0;
      while (level < LATENCY_THRESHOLDS && tookMs > (dials[base + LATENCY_DIAL.atEnd + level] as number)) {
        const knownMs = startedAtMs + Math.min(tookMs, dials[base + LATENCY_DIAL.inFlight + level] as number);
        this.#later(knownMs, cell, CELL.thresholds + level);
        level += 1;
      }
      this.#later(endedAtMs, cell, CELL.levels + level);
    }
    this.#later(endedAtMs, cell, CELL.finished);
    this.#later(endedAtMs, cell, CELL.histogram + bucketIndex(tookMs));
  }

  /** Everything up to tick `tick` happens. */
  happen(tick: number, nowMs: number): void {
    const due = this.#due.get(tick);
    this.#due.delete(tick);
    if (due === undefined) return;
    for (const { cell, word } of due) {
      this.worker.add(cell, word, 1);
      if (word !== CELL.finished) continue;
      const arm = cell === SPEC.canary.cell ? SPEC.canary : SPEC.stable;
      const user = this.#random.nextUint32() % USERS;
      this.worker.mark({ unit: arm.unit, user, isBad: false, nowMs: nowMs - 1 });
    }
  }

  #later(atMs: number, cell: number, word: number): void {
    const tick = Math.ceil((atMs - this.#firstTickMs) / TICK_MS);
    const due = this.#due.get(tick);
    if (due === undefined) this.#due.set(tick, [{ cell, word }]);
    else due.push({ cell, word });
  }
}

/** One history: until weight 0 or the end. */
export function slowDown(scenario: SlownessScenario, seed: number): Slowness {
  const random = new Random(seed);
  const startMs = 10_000 + random.nextFloat() * 1000;
  const onsetMs = startMs + scenario.healthyMs;
  const firstTickMs = startMs + random.nextFloat() * TICK_MS;
  const history = new History(random, firstTickMs);
  const dials = new Int32Array([0, 95, 5]);
  const regions = [history.worker.region];
  let nowMs = startMs;
  const controller = createController({
    regions: () => regions,
    rollouts: () => [SPEC],
    weightOf: (dial) => dials[dial] as number,
    setDial: (dial, weight) => {
      dials[dial] = weight;
    },
    setLatency: (unit, dial) => setLatency(history.latencyDials, unit, dial),
    nowMs: () => nowMs,
    wallTime: () => '2026-01-01T00:00:00.000Z',
  });
  controller.tick(nowMs);
  const counts = [scenario.canaryPerSecond, scenario.stablePerSecond].map((rate) =>
    poissonTable((rate * TICK_MS) / 1000),
  );
  const ticks = (scenario.healthyMs + scenario.watchMs) / TICK_MS;
  for (let tick = 1; tick <= ticks; tick++) {
    const fromMs = firstTickMs + (tick - 1) * TICK_MS;
    for (const [n, arm] of [SPEC.canary, SPEC.stable].entries()) {
      for (let left = (counts[n] as (typeof counts)[0]).draw(random); left > 0; left--) {
        const atMs = fromMs + random.nextFloat() * TICK_MS;
        const ownMs = lognormal(random, scenario.medianMs, scenario.sigma);
        const baseMs = scenario.shared(random, ownMs, atMs - onsetMs);
        history.arrive(arm, atMs, n === 0 && atMs >= onsetMs ? scenario.canary(random, baseMs) : baseMs);
      }
    }
    nowMs = firstTickMs + tick * TICK_MS;
    history.happen(tick, nowMs);
    const { decisions } = controller.tick(nowMs);
    if (dials[SPEC.canary.dial] === 0) return { afterMs: nowMs - onsetMs, decision: decisions[0] ?? null };
  }
  return { afterMs: Number.POSITIVE_INFINITY, decision: null };
}

/** The lognormal's own p50 stays, what is above it is `factor` times as far from it at p99 and beyond. */
export function tail(factor: number, scenario = STEADY): Latency {
  const p99 = Math.exp(2.326 * scenario.sigma);
  const power = Math.log(factor * p99) / Math.log(p99);
  return (_, baseMs) => {
    const ratio = baseMs / scenario.medianMs;
    return ratio <= 1 ? baseMs : scenario.medianMs * ratio ** power;
  };
}

/** Some requests take longer by a fixed time. */
export function extra(ratio: number, ms: number): Latency {
  return (random, baseMs) => (random.nextFloat() < ratio ? baseMs + ms : baseMs);
}

/** Everybody hangs for a while from `fromMs` on, and answers come when it is over. */
export function stall(fromMs: number, forMs: number): SlownessScenario['shared'] {
  return (random, baseMs, sinceMs) => {
    if (sinceMs < fromMs || sinceMs >= fromMs + forMs) return baseMs;
    return fromMs + forMs - sinceMs + baseMs + exponential(random, 5);
  };
}
