/** The loop with a machine in it, over shared memory on virtual time: dials, holds, commands, restarts. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RolloutPlan } from '#src/model/config.ts';
import { LATENCY_DIAL, LATENCY_DIAL_WORDS } from '#src/model/latency.ts';
import type { CommandResult, RolloutCommandName, RolloutSpec, RouteHold, SavedRollout } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import { createController } from '#src/slo/controller.ts';
import type { BudgetReading } from '#src/slo/rollout/gates.ts';
import type { Controller } from '#src/slo/rollout/loop/loop.ts';
import { createLatencyDials, setLatency } from '#src/snapshot/latency-dials.ts';
import { command, PLAN, STEPPED } from '../../support/simulate/machine.ts';
import { FakeWorker, smallTallies } from '../../support/simulate/worker.ts';

/** Steps by time and requests, whatever is proven. */
const TIMED: RolloutPlan = { ...PLAN, needsEvidence: false, requestsMin: 100 };

class Rig {
  readonly latencyDials = createLatencyDials();
  worker = new FakeWorker(1, smallTallies(), this.latencyDials);
  readonly dials: Int32Array;
  spec: RolloutSpec;
  readonly decisions: Decision[] = [];
  readonly holds: RouteHold[] = [];
  budget: BudgetReading | null = null;
  nowMs = 50_000;
  readonly controller: Controller;
  #user = 0;

  constructor(plan: RolloutPlan = TIMED, dials: readonly number[] = [0, 100_000, 0]) {
    this.spec = { ...STEPPED, plan };
    this.dials = new Int32Array(dials);
    this.controller = createController({
      regions: () => [this.worker.region],
      rollouts: () => [this.spec],
      weightOf: (dial) => this.dials[dial] as number,
      setDial: (dial, weight) => void (this.dials[dial] = weight),
      setLatency: (unit, dial) => setLatency(this.latencyDials, unit, dial),
      budgetOf: () => this.budget,
      nowMs: () => this.nowMs,
      wallTime: () => '2026-01-01T12:00:00.000Z',
    });
  }

  tick(stepMs = 100): readonly { readonly detail: string }[] {
    this.nowMs += stepMs;
    const { decisions, holds, refusals } = this.controller.tick(this.nowMs);
    this.decisions.push(...decisions);
    this.holds.push(...holds);
    return refusals;
  }

  do(name: RolloutCommandName): CommandResult {
    return this.controller.command(command(name), this.nowMs);
  }

  /** Ticks of 50 requests, shared by weight. */
  run(ms: number, canaryBad = 0, canaryTookMs = 5): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      for (let n = 0; n < 50; n++) {
        this.#user += 1;
        const isCanary = (this.#user % 100) * 1000 < (this.dials[2] as number);
        const { cell, unit } = isCanary ? this.spec.canary : this.spec.stable;
        const isBad = isCanary && n < canaryBad;
        const tookMs = isCanary ? canaryTookMs : 5;
        this.worker.finish({ cell, unit, user: this.#user, isBad, nowMs: this.nowMs, tookMs });
      }
      this.tick();
    }
  }

  get weights(): number[] {
    return [...this.dials].slice(1);
  }

  get kinds(): string {
    return this.decisions.map(({ kind }) => kind).join(' ');
  }

  get state(): string {
    return this.controller.view()[0]?.status.state ?? 'none';
  }
}

function started(): Rig {
  const rig = new Rig();
  rig.tick();
  assert.equal(rig.do('start').kind, 'done');
  return rig;
}

describe('a rollout in the loop', () => {
  it('waits for a command, then moves the dials step by step and back to stable when it fails', () => {
    const rig = new Rig();
    rig.run(1000);
    assert.deepEqual([rig.state, rig.weights], ['idle', [100_000, 0]]);
    const result = rig.do('start');
    assert.ok(result.kind === 'done');
    assert.deepEqual(result.holds[0]?.weights, [
      { version: 'v2', weight: 1000 },
      { version: 'v1', weight: 99_000 },
    ]);
    assert.deepEqual(rig.weights, [99_000, 1000]);
    rig.run(260_000);
    assert.deepEqual([rig.kinds, rig.weights], ['step step', [75_000, 25_000]]);
    rig.run(1000, 50);
    assert.deepEqual([rig.kinds, rig.weights, rig.state], ['step step rollback', [100_000, 0], 'rolled-back']);
    const rollback = rig.decisions.at(-1);
    assert.deepEqual([rollback?.trigger, rollback?.weightBefore, rollback?.weightAfter], ['evidence', 25, 0]);
    assert.match(rollback?.sentence ?? '', /evidence \d/);
    assert.deepEqual(rig.holds.at(-1)?.weights, [{ version: 'v2', weight: 0 }]);
  });

  it('counts the requests of each step anew', () => {
    const rig = started();
    rig.run(130_000);
    const gates = rig.controller.view()[0]?.status.gates ?? [];
    const seen = gates.find(({ name }) => name === 'requests')?.seen ?? -1;
    assert.ok(seen > 0 && seen < 600, `${seen} requests on a step that has just begun`);
  });

  it('goes on once it is proven not to be worse, and not before', () => {
    const rig = new Rig({ ...TIMED, needsEvidence: true });
    rig.tick();
    rig.do('start');
    const evidence = () => rig.controller.view()[0]?.status.gates.find(({ name }) => name === 'evidence');
    rig.run(150_000);
    assert.deepEqual([rig.kinds, rig.weights], ['', [99_000, 1000]]);
    assert.match(evidence()?.sentence ?? '', /^\d+ more good requests prove it sound$/);
    rig.run(50_000);
    assert.deepEqual([rig.kinds, rig.weights], ['step', [95_000, 5000]]);
    assert.match(rig.decisions[0]?.sentence ?? '', /proven not to be worse; 3 min of 2 min on this step/);
    assert.equal(evidence()?.isPassed, false, 'every step is proven anew');
  });

  it('is rolled back for being slow, by thresholds that each step freezes anew', () => {
    const rig = started();
    for (let n = 0; n < 2; n++) rig.do('promote');
    const frozenAtMs = () => rig.latencyDials[rig.spec.canary.unit * LATENCY_DIAL_WORDS + LATENCY_DIAL.since];
    rig.run(10_000);
    const before = frozenAtMs() ?? Number.NaN;
    assert.ok(Number.isFinite(before), 'nothing is frozen');
    rig.do('promote');
    assert.deepEqual([frozenAtMs(), before < rig.nowMs], [rig.nowMs, true]);
    rig.run(10_000, 0, 100);
    assert.deepEqual([rig.kinds, rig.decisions[0]?.trigger, rig.weights], ['rollback', 'evidence', [100_000, 0]]);
    assert.match(rig.decisions[0]?.sentence ?? '', /v2 rolled back: p\d+(\.\d)? \d+ ms against .* requests took over/);
  });

  it('is rolled back while it is paused, or has succeeded, like anywhere else', () => {
    for (const prepare of [
      (rig: Rig) => void rig.do('pause'),
      (rig: Rig) => {
        for (let n = 0; n < 3; n++) rig.do('promote');
      },
    ]) {
      const rig = new Rig({ ...TIMED, steps: [5, 25, 60].map((percent) => ({ percent, dwellMs: 120_000 })) });
      rig.tick();
      rig.do('start');
      prepare(rig);
      rig.run(5000);
      rig.run(5000, 50);
      assert.deepEqual([rig.kinds, rig.decisions[0]?.trigger, rig.weights], ['rollback', 'evidence', [100_000, 0]]);
    }
  });

  it('is rolled back at 100 % by its own burn rate, with nobody left to compare it with', () => {
    const rig = started();
    for (let n = 0; n < 4; n++) rig.do('promote');
    assert.deepEqual([rig.state, rig.weights], ['baking', [0, 100_000]]);
    rig.run(5000);
    rig.controller.view();
    rig.run(5000, 50);
    assert.deepEqual([rig.kinds, rig.decisions[0]?.trigger, rig.weights], ['rollback', 'burn', [100_000, 0]]);
    assert.match(rig.decisions[0]?.sentence ?? '', /rolled back from 100 %.*its own burn is/);
  });

  it('takes nothing from before its watch for evidence, when a worker leaves between a command and the next turn', () => {
    const rig = started();
    rig.run(10_000);
    rig.do('abort');
    rig.worker = new FakeWorker(2, smallTallies(), rig.latencyDials);
    rig.do('undo');
    rig.tick();
    const { canary, stable } = rig.controller.view()[0]?.status.verdict?.requests ?? assert.fail('not watched');
    assert.deepEqual([canary.finished, stable.finished], [0, 0]);
  });

  it('lets time that nobody saw count for no stay', () => {
    const rig = started();
    rig.run(100_000);
    rig.tick(600_000);
    rig.run(10_000);
    assert.equal(rig.kinds, '');
    rig.run(20_000);
    assert.equal(rig.kinds, 'step');
  });

  it('is stopped by the budget, which is told in its gates', () => {
    const rig = started();
    rig.budget = { remainingRatio: -0.5, remainingEvents: -10, alert: null };
    rig.tick();
    assert.deepEqual([rig.kinds, rig.decisions[0]?.trigger, rig.state], ['pause', 'budget', 'paused']);
    const gate = rig.controller.view()[0]?.status.gates.find(({ name }) => name === 'budget');
    assert.match(gate?.sentence ?? '', /overspent by 50 %/);
    assert.equal(rig.do('resume').kind, 'refused');
  });
});

describe('a rollout that starts by itself', () => {
  it('does so once for every generation, and says when it may not', () => {
    const rig = new Rig({ ...TIMED, autoStart: true });
    rig.tick();
    assert.deepEqual([rig.kinds, rig.decisions[0]?.trigger], ['start', 'configuration']);
    rig.do('undo');
    rig.run(1000);
    assert.equal(rig.state, 'idle');
    rig.budget = { remainingRatio: -1, remainingEvents: -1, alert: null };
    rig.spec = { ...rig.spec, generation: 'b' };
    const [refusal] = rig.tick();
    assert.match(refusal?.detail ?? '', /rollouts are frozen/);
    assert.deepEqual(rig.tick(), []);
  });
});

describe('a new configuration', () => {
  it('of another generation ends what was under way, in so many words', () => {
    const rig = started();
    rig.run(1000);
    rig.spec = { ...rig.spec, generation: 'b' };
    assert.match(JSON.stringify(rig.do('pause')), /has just changed/);
    rig.dials.set([100_000, 0], 1);
    rig.tick();
    assert.deepEqual([rig.kinds, rig.state], ['resume', 'idle']);
    assert.match(rig.decisions[0]?.sentence ?? '', /rollout that was progressing at 1 % \(step 1 of 5\) has ended/);
  });

  it('leaves a route without a rollout nobody to command', () => {
    const result = started().controller.command({ ...command('pause'), route: 'nowhere' }, 0);
    assert.deepEqual(result, { kind: 'unknown', detail: 'route nowhere has no rollout; routes with one: checkout' });
  });
});

describe('a restart', () => {
  const copy = (saved: readonly SavedRollout[]) => JSON.parse(JSON.stringify(saved)) as SavedRollout[];

  for (const [name, expected, prepare] of [
    ['progressing', [95_000, 5000], (rig: Rig) => void rig.do('promote')],
    ['paused', [99_000, 1000], (rig: Rig) => void rig.do('pause')],
    ['rolled-back', [100_000, 0], (rig: Rig) => void rig.do('abort')],
    ['idle', [100_000, 0], (rig: Rig) => void rig.do('undo')],
  ] as const) {
    it(`goes on ${name}, with its weights`, () => {
      const before = started();
      prepare(before);
      const saved = copy(before.controller.save(before.nowMs));
      const rig = new Rig();
      const holds = rig.controller.restore(saved, rig.nowMs);
      rig.tick();
      assert.deepEqual([rig.state, rig.weights, rig.kinds], [name, expected, '']);
      assert.deepEqual(
        [holds.length, holds[0]?.weights.length === 0],
        [1, name === 'idle'],
        'idle holds nothing, and says so',
      );
      assert.deepEqual(rig.controller.save(rig.nowMs)[0]?.rollout.ladder, saved[0]?.rollout.ladder);
    });
  }

  it('forgets what belongs to another generation, and refuses what it cannot read', () => {
    const saved = copy(started().controller.save(0));
    const rig = new Rig();
    rig.spec = { ...rig.spec, generation: 'b' };
    assert.deepEqual(rig.controller.restore(saved, rig.nowMs), []);
    assert.equal(rig.state, 'idle');
    const broken = saved.map((one) => ({ ...one, format: 7 as 1 }));
    assert.throws(() => new Rig().controller.restore(broken, 0), { code: 'SLU_STATE_INVALID' });
  });
});
