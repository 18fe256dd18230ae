/** The judge of latency: cold canaries are not compared, thresholds are frozen per step, slowness convicts, gaps do not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LatencyDial, WARM_ATTEMPTS, WARM_MS as WARM_MS_OF_ENDPOINTS } from '#src/model/latency.ts';
import type { RolloutSpec } from '#src/model/rollout.ts';
import { LatencyWatch, SAMPLES_MIN, WARM_MS, WARM_REQUESTS } from '#src/slo/latency/watch.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { SPEC } from '../../../support/simulate/detection.ts';
import { FakeWorker, smallTallies } from '../../../support/simulate/worker.ts';

const START = 10_000;

class Rig {
  readonly dials = createLatencyDials();
  readonly worker = new FakeWorker(1, smallTallies(), this.dials);
  readonly regions = [this.worker.region];
  readonly set = new Map<number, LatencyDial | null>();
  nowMs = START;
  readonly watch: LatencyWatch;

  constructor(spec: RolloutSpec = SPEC) {
    this.watch = new LatencyWatch(spec, this.regions, START, (unit, dial) => {
      this.set.set(unit, dial);
      setLatency(this.dials, unit, dial);
    });
  }

  /** Ticks with requests of both arms, half of them twice as slow as said. */
  run(
    ticks: number,
    [canary, canaryMs]: readonly [number, number],
    [stable, stableMs]: readonly [number, number],
  ): void {
    for (let n = 0; n < ticks; n++) {
      this.nowMs += 100;
      this.#finish('canary', canary, canaryMs);
      this.#finish('stable', stable, stableMs);
      const counts = { canary: { finished: canary, bad: 0 }, stable: { finished: stable, bad: 0 } };
      this.watch.look(this.regions, counts, this.nowMs);
    }
  }

  get part() {
    return this.watch.score.part((quantile) => this.watch.seenAt(quantile, this.regions));
  }

  #finish(arm: 'canary' | 'stable', count: number, ms: number): void {
    const { cell, unit } = SPEC[arm];
    for (let n = 0; n < count; n++) {
      const tookMs = n % 2 === 0 ? ms : 2 * ms;
      this.worker.finish({ cell, unit, user: n, isBad: false, nowMs: this.nowMs, tookMs });
    }
  }
}

describe('a canary that is cold', () => {
  it('is as long as any endpoint that is new', () => {
    assert.deepEqual([WARM_REQUESTS, WARM_MS], [WARM_ATTEMPTS, WARM_MS_OF_ENDPOINTS]);
  });

  it('is not compared before it finished its first requests', () => {
    const rig = new Rig();
    rig.run(WARM_REQUESTS / 10 - 1, [10, 500], [90, 50]);
    assert.deepEqual([rig.part.isJudged, rig.set.get(SPEC.stable.unit)], [false, null]);
    rig.run(1, [10, 500], [90, 50]);
    assert.equal(rig.part.isJudged, true);
    assert.equal(rig.watch.score.logE, 0);
  });

  it('with little traffic is taken for warm after a while', () => {
    const rig = new Rig();
    rig.run(WARM_MS / 100, [1, 50], [9, 50]);
    assert.equal(rig.part.isJudged, true, 'by requests');
    const slow = new Rig();
    for (let second = 0; second <= 31; second++) {
      slow.run(1, [1, 50], [20, 50]);
      slow.run(9, [0, 50], [0, 50]);
    }
    assert.equal(slow.part.isJudged, true);
  });

  it('is not compared with a stable version that nobody knows', () => {
    const rig = new Rig();
    rig.run(100, [10, 50], [(SAMPLES_MIN - 100) / 100, 50]);
    assert.equal(rig.part.isJudged, false);
  });
});

describe('thresholds', () => {
  it('are stable’s quantiles, and the canary may take a share and some ms more', () => {
    const rig = new Rig({ ...SPEC, latencyTolerance: 0.2, latencyFloorMs: 15 });
    rig.run(25, [10, 50], [90, 50]);
    const stable = rig.set.get(SPEC.stable.unit) as LatencyDial;
    const canary = rig.set.get(SPEC.canary.unit) as LatencyDial;
    assert.ok(Math.abs((stable.atEndMs[0] as number) / 50 - 1) < 0.012);
    assert.ok(Math.abs((stable.atEndMs[3] as number) / 100 - 1) < 0.012);
    assert.equal(canary.atEndMs[0], (stable.atEndMs[0] as number) + 15);
    assert.equal(canary.atEndMs[3], 1.2 * (stable.atEndMs[3] as number));
    assert.deepEqual(stable.inFlightMs, canary.atEndMs);
    assert.deepEqual(canary.inFlightMs, canary.atEndMs);
  });

  it('stay while the step lasts and are frozen anew at the next', () => {
    const rig = new Rig();
    rig.run(25, [10, 50], [90, 50]);
    const before = rig.set.get(SPEC.stable.unit);
    rig.run(100, [10, 80], [90, 80]);
    assert.equal(rig.set.get(SPEC.stable.unit), before);
    rig.watch.step(rig.regions, rig.nowMs);
    const after = rig.set.get(SPEC.stable.unit) as LatencyDial;
    assert.equal(after.sinceMs, rig.nowMs);
    assert.ok((after.atEndMs[0] as number) > 75);
  });

  it('are learned again when a step finds stable hardly asked', () => {
    const rig = new Rig();
    rig.run(25, [10, 50], [90, 50]);
    rig.run(3600, [0, 50], [0, 50]);
    rig.watch.step(rig.regions, rig.nowMs);
    assert.deepEqual([rig.part.isJudged, rig.set.get(SPEC.canary.unit)], [false, null]);
    rig.run(25, [10, 50], [90, 50]);
    assert.equal(rig.part.isJudged, true);
  });
});

describe('a slow canary', () => {
  it('convicts itself, and the part says where', () => {
    const rig = new Rig();
    rig.run(20, [10, 50], [90, 50]);
    rig.run(30, [10, 120], [90, 50]);
    assert.ok(rig.watch.score.reaches(7), `${rig.watch.score.logE}`);
    const at = rig.part.at;
    assert.ok(at !== null && at.canaryMs !== null && at.stableMs !== null);
    assert.ok(at.canaryMs > at.canaryLimitMs && at.stableMs <= 1.02 * at.stableLimitMs);
    // Those of the first ticks began before the thresholds were frozen.
    assert.ok(at.slow.canary.finished > 250 && at.slow.canary.bad === at.slow.canary.finished);
  });

  it('is no slower for what happened in a gap', () => {
    const rig = new Rig();
    rig.run(25, [10, 50], [90, 50]);
    for (let n = 0; n < 500; n++) {
      rig.worker.finish({ ...SPEC.canary, user: n, isBad: false, nowMs: rig.nowMs, tookMs: 900 });
    }
    rig.watch.skip(rig.regions, rig.nowMs + 60_000);
    rig.nowMs += 60_000;
    rig.run(20, [10, 50], [90, 50]);
    assert.ok(rig.watch.score.logE < 1, `${rig.watch.score.logE}`);
  });
});

describe('both arms', () => {
  it('that slow down together prove nothing', () => {
    const rig = new Rig();
    rig.run(25, [10, 50], [90, 50]);
    for (let n = 0; n < 20; n++) {
      rig.run(10, [10, 300], [90, 300]);
      rig.run(10, [10, 50], [90, 50]);
      assert.ok(rig.watch.score.logE < 2, `${rig.watch.score.logE}`);
    }
  });
});
