/**
 * A gateway around the controller: two workers, dials, a clock that the test turns.
 */

import type { RolloutArm, RolloutRoute, RolloutSpec } from '#src/model/rollout.ts';
import type { Decision } from '#src/model/slo.ts';
import type { FleetRole } from '#src/model/threads/fleet.ts';
import { createController } from '#src/slo/controller.ts';
import type { BudgetReading } from '#src/slo/rollout/gates.ts';
import type { Controller, TickResult } from '#src/slo/rollout/loop/loop.ts';
import { NOWHERE } from '#src/slo/verdict/endpoints/attempts.ts';
import { SPEC } from '../detection.ts';
import { FakeWorker } from '../worker.ts';

/** Of the canary, in percent. */
export const WEIGHT = 5;
/** Of every request. */
export const ID = 'ab'.repeat(16);

function armsOf({ stable, canary }: RolloutRoute): RolloutArm[] {
  return [stable, canary];
}

/** Begins with one turn. */
export class Rig {
  workers = [new FakeWorker(1), new FakeWorker(2)];
  rollouts: readonly RolloutSpec[];
  /** Of the leading route, then of others. */
  readonly dials = new Int32Array([0, 100 - WEIGHT, WEIGHT, 0, 0, 0, 0]);
  readonly stores: (readonly [dial: number, weight: number])[] = [];
  readonly decisions: Decision[] = [];
  /** Units whose latency thresholds are stored. */
  readonly thresholds = new Map<number, boolean>();
  nowMs = 50_000;
  readonly controller: Controller;
  /** Who decides, where several gateways do. */
  role: FleetRole = 'leader';
  /** Defects are contained and noted here, by route; null: they are thrown on. */
  defects: [route: string, error: unknown][] | null = null;
  /** What the objectives of a route say. */
  budgets: (route: string) => BudgetReading | null = () => null;
  #user = 0;

  constructor(rollouts: readonly RolloutSpec[] = [SPEC]) {
    this.rollouts = rollouts;
    for (const { dial, weight } of rollouts.flatMap(({ companions = [] }) => companions.flatMap(armsOf))) {
      this.dials[dial] = weight;
    }
    this.controller = createController({
      regions: () => this.workers.map(({ region }) => region),
      rollouts: () => this.rollouts,
      fleet: {
        roleOf: () => this.role,
        mayStart: () => this.role === 'leader',
        attemptsElsewhere: () => NOWHERE,
      },
      weightOf: (dial) => this.dials[dial] as number,
      setDial: (dial, weight) => {
        this.stores.push([dial, weight]);
        this.dials[dial] = weight;
        this.nowMs += 0.25;
      },
      budgetOf: (route) => this.budgets(route),
      broken: (route, error) => {
        if (this.defects === null) throw error;
        this.defects.push([route, error]);
      },
      setLatency: (unit, dial) => void this.thresholds.set(unit, dial !== null),
      nowMs: () => this.nowMs,
      wallTime: () => '2026-01-01T12:00:00.000Z',
    });
    this.tick();
  }

  tick(stepMs = 100): TickResult {
    this.nowMs += stepMs;
    const result = this.controller.tick(this.nowMs);
    this.decisions.push(...result.decisions);
    return result;
  }

  /** Requests of an arm, each of another user. */
  finish(
    arm: 'canary' | 'stable',
    count: number,
    bad: number,
    more: { spec?: RolloutRoute; isPinned?: boolean } = {},
  ): void {
    const { cell, unit } = (more.spec ?? SPEC)[arm];
    for (let n = 0; n < count; n++) {
      this.#user += 1;
      const worker = this.workers[this.#user % this.workers.length] as FakeWorker;
      const isPinned = more.isPinned ?? false;
      worker.finish({ cell, unit, user: this.#user, isBad: n < bad, nowMs: this.nowMs, isPinned, requestId: ID });
    }
  }

  /** Ticks of 95 stable and 5 canary requests. */
  run(ticks: number, canaryBad: number, stableBad = 0): void {
    for (let n = 0; n < ticks; n++) {
      this.finish('stable', 95, stableBad);
      this.finish('canary', 5, canaryBad);
      this.tick();
    }
  }

  view(): { state: string; verdict: string; sentence: string } {
    const status = this.controller.view()[0]?.status;
    return {
      state: status?.state ?? 'none',
      verdict: status?.verdict?.state ?? 'none',
      sentence: status?.sentence ?? '',
    };
  }
}
