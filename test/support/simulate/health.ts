/**
 * The health section on virtual time: endpoints that do what a test says, checks that end when it says, dials to read.
 */

import assert from 'node:assert/strict';
import type { ProbeTarget } from '#src/health/checks/probe.ts';
import type { CheckResult } from '#src/health/checks/verdict.ts';
import { Health, type HealthTurn } from '#src/health/health.ts';
import type { Region } from '#src/health/samples.ts';
import { Random } from '#src/lib/random.ts';
import type { HealthCheckConfig, OutlierConfig } from '#src/model/config.ts';
import type { EndpointPlan, GroupPlan } from '#src/model/health.ts';
import { ENDPOINT, ENDPOINT_WORDS, reserveTallies, type Tallies, viewTallies } from '#src/model/tallies.ts';
import { PROBE_RESULT, PROBE_RESULTS } from '#src/model/threads/load/capacity.ts';
import { DEFAULT_OUTLIER } from '#src/sources/defaults.ts';

export const TICK_MS = 100;

export const CHECK: HealthCheckConfig = {
  path: '/health',
  host: null,
  intervalMs: 1000,
  timeoutMs: 500,
  healthyCount: 2,
  unhealthyCount: 3,
};

export const OUTLIER: OutlierConfig = DEFAULT_OUTLIER;

/** What an endpoint does, in words of its tallies. */
export interface Doing {
  readonly good?: number;
  readonly bad?: number;
  /** Time to the head of each good attempt. */
  readonly tookMs?: number;
}

/** One worker's counters of endpoints, as its recorder would write them: bad attempts first, then good ones. */
export class FakeCounters {
  readonly region: Region;
  readonly #tallies: Tallies = viewTallies(reserveTallies());

  constructor(id: number) {
    this.region = { id, tallies: this.#tallies };
  }

  did(endpoint: number, { good = 0, bad = 0, tookMs = 10 }: Doing): void {
    const base = endpoint * ENDPOINT_WORDS;
    const words = this.#tallies.endpoints;
    const add = (word: number, amount: number): void =>
      void (words[base + word] = (words[base + word] as number) + amount);
    const sum = (base + ENDPOINT.waitedMs) / 2;
    const floats = this.#tallies.endpointFloats;
    floats[sum] = (floats[sum] as number) + good * tookMs;
    add(ENDPOINT.answered, good);
    add(ENDPOINT.finished, good + bad);
    add(ENDPOINT.bad, bad);
    add(ENDPOINT.consecutive, bad);
    add(ENDPOINT.good, good);
    if (good > 0) words[base + ENDPOINT.consecutive] = 0;
  }

  /** What came of a probe. */
  probed(endpoint: number, number: number, result: keyof typeof PROBE_RESULT): void {
    this.#tallies.endpoints[endpoint * ENDPOINT_WORDS + ENDPOINT.probe] = PROBE_RESULTS * number + PROBE_RESULT[result];
  }
}

export interface GroupSketch {
  readonly version?: string;
  readonly ids: readonly number[];
  readonly outlier?: Partial<OutlierConfig> | null;
}

export interface RigSketch {
  readonly groups: readonly GroupSketch[];
  readonly slowStartMs?: number;
  readonly checks?: readonly HealthCheckConfig[];
}

/** A probe under way. */
export interface FakeProbe {
  readonly target: ProbeTarget;
  readonly end: (result: CheckResult) => void;
  isCancelled: boolean;
}

export class HealthRig {
  readonly health: Health;
  readonly worker = new FakeCounters(1);
  regions: readonly Region[] = [this.worker.region];
  /** By endpoint id; absent = never set. */
  readonly capacities = new Map<number, number>();
  /** Numbers of probes on offer by endpoint id. */
  readonly offers = new Map<number, number>();
  readonly probes: FakeProbe[] = [];
  /** Everything that turns reported. */
  readonly endpointChanges: HealthTurn['endpoints'][number][] = [];
  readonly versionChanges: HealthTurn['versions'][number][] = [];
  readonly downs: string[][] = [];
  nowMs = 1_000_000;

  constructor(seed = 1) {
    this.health = new Health({
      random: new Random(seed),
      nowMs: () => this.nowMs,
      setCapacity: (endpoint, capacity) => void this.capacities.set(endpoint, capacity),
      offerProbe: (endpoint, number) =>
        void (number === 0 ? this.offers.delete(endpoint) : this.offers.set(endpoint, number)),
      isProbeOffered: (endpoint) => this.offers.has(endpoint),
      startProbe: (target) => this.#startProbe(target),
    });
  }

  /** Takes a configuration. Endpoint `id` is 10.0.0.id:80. */
  follow(sketch: RigSketch, isServing = false): void {
    const { slowStartMs = 0, checks = [] } = sketch;
    const groups = sketch.groups.map(
      ({ version = 'v1', ids, outlier = {} }): GroupPlan => ({
        service: 'shop',
        version,
        endpoints: ids,
        outlier: outlier === null ? null : { ...OUTLIER, ...outlier },
      }),
    );
    const ids = new Set(sketch.groups.flatMap((group) => group.ids));
    const endpoints = [...ids].map((id): EndpointPlan => ({ id, host: `10.0.0.${id}`, port: 80, slowStartMs, checks }));
    this.health.follow({ groups, endpoints }, isServing);
  }

  /** Ticks for so long; `each` says what endpoints did since the tick before. */
  run(forMs: number, each: () => void = () => undefined): void {
    for (let left = forMs; left > 0; left -= TICK_MS) {
      this.nowMs += TICK_MS;
      each();
      this.turn();
    }
  }

  turn(): void {
    const { endpoints, versions, down } = this.health.turn(this.regions);
    this.endpointChanges.push(...endpoints);
    this.versionChanges.push(...versions);
    if (down !== null) this.downs.push([...down]);
  }

  /** Ticks for so long and ends every probe with what `answer` says. */
  async check(forMs: number, answer: (target: ProbeTarget) => CheckResult): Promise<void> {
    for (let left = forMs; left > 0; left -= TICK_MS) {
      this.run(TICK_MS);
      for (const probe of this.probes.splice(0)) probe.end(answer(probe.target));
      // The results arrive as promises do, after the turn.
      await Promise.resolve();
      await Promise.resolve();
    }
    this.turn();
  }

  /** A worker takes the offer of a probe. @returns its number */
  takeOffer(id: number): number {
    const number = this.offers.get(id);
    assert(number !== undefined, `no probe of ${id} is on offer`);
    this.offers.delete(id);
    return number;
  }

  /** Makes the probe that is on offer, and turns. */
  probe(id: number, result: keyof typeof PROBE_RESULT): void {
    this.worker.probed(id, this.takeOffer(id), result);
    this.run(TICK_MS);
  }

  stateOf(id: number): string {
    return this.health.of(id).state;
  }

  #startProbe(target: ProbeTarget) {
    let end: (result: CheckResult) => void = () => undefined;
    const result = new Promise<CheckResult>((resolve) => {
      end = resolve;
    });
    const probe: FakeProbe = { target, end: (outcome) => end(outcome), isCancelled: false };
    this.probes.push(probe);
    const cancel = (): void => {
      probe.isCancelled = true;
      end('cancelled');
    };
    return { result, cancel };
  }
}
