/**
 * Composition of everything that moves a rollout: the loop, the commands, the dials, the overrides, the decision log.
 *
 * The one path of every change: a command or a turn of the loop ▸ the controller, which moves the dials and decides ▸ here
 * the decision is kept and logged, and its weights become overrides that outlive the next configuration.
 */

import { nowMs, wallTime } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { CommandResult, RolloutCommand, RolloutSpec, RouteHold, SavedRollout } from '../model/rollout.ts';
import type { Decision, DecisionKind, Verdict } from '../model/slo.ts';
import type { RolloutStatus } from '../model/status.ts';
import type { FleetConfig } from '../model/threads/fleet.ts';
import type { Segment } from '../model/threads/state.ts';
import type { Region } from '../proxy/threads/workers.ts';
import type { SloEngine } from '../slo/budget/engine.ts';
import { createController } from '../slo/controller.ts';
import { Decisions, type RollbackCount } from '../slo/decisions.ts';
import type { Controller } from '../slo/rollout/loop/loop.ts';
import { type Dials, getDial, setDial } from '../snapshot/dials.ts';
import { type LatencyDials, setLatency } from '../snapshot/latency-dials.ts';
import { rolloutsOf } from '../snapshot/rollouts.ts';
import type { Current, Store } from '../snapshot/store.ts';
import { Fleet } from './fleet/fleet.ts';

export interface RolloutsDeps {
  readonly regions: () => readonly Region[];
  readonly dials: Dials;
  readonly latencyDials: LatencyDials;
  readonly store: Store;
  readonly slos: SloEngine;
  readonly log: Log;
  /** Takes the segments of the tapes. */
  readonly tapes: (segment: Segment) => void;
  /** Who is behind a rollback, in words; empty when nobody stands out. */
  readonly explain: (route: string, verdict: Verdict) => string;
  /** Hears of every decision once it is executed, with where it left its route's rollout; null when that has gone. */
  readonly decided: (decision: Decision, rollout: SavedRollout | null) => void;
}

function isAutomaticStart({ kind, trigger }: Decision): boolean {
  return kind === 'start' && trigger === 'configuration';
}

/** Decisions that went as planned. */
const QUIET: readonly DecisionKind[] = ['start', 'step', 'bake', 'succeed', 'shadow'];

export class Rollouts {
  readonly #deps: RolloutsDeps;
  readonly #controller: Controller;
  readonly #decisions = new Decisions();
  #specs: readonly RolloutSpec[] = [];
  /** The gateways that decide with this one. */
  readonly fleet: Fleet;

  constructor(deps: RolloutsDeps) {
    this.#deps = deps;
    const { regions, dials, latencyDials, slos } = deps;
    const weightOf = (dial: number): number => getDial(dials, dial);
    this.fleet = new Fleet({
      log: deps.log,
      led: this,
      regions,
      weightOf,
      setLatency: (unit, dial) => setLatency(latencyDials, unit, dial),
    });
    this.#controller = createController({
      regions: () => this.fleet.regions(),
      fleet: this.fleet.guide,
      rollouts: () => this.#specs,
      weightOf,
      setDial: (dial, weight) => void setDial(dials, dial, weight),
      setLatency: this.fleet.setLatency,
      tapes: deps.tapes,
      budgetOf: (route, atMs) => slos.budgetOf(route, atMs),
      explain: deps.explain,
      nowMs,
      wallTime,
    });
  }

  /** Takes in the rollouts of a configuration that is in force. */
  follow({ config, snapshot }: Current): void {
    this.#specs = rolloutsOf(config, snapshot);
    for (const hold of this.#controller.shareAnew()) this.#hold(hold);
    this.fleet.follow(this.#specs);
  }

  /** One turn of the loop. */
  turn(atMs: number): void {
    this.fleet.beforeTurn();
    const { decisions, holds, refusals, skippedMs } = this.#controller.tick(atMs);
    if (skippedMs !== 0) this.#deps.log.warn('evidence_skipped', { skippedMs });
    for (const refusal of refusals) this.#deps.log.warn('rollout_refused', { ...refusal });
    for (const decision of decisions) this.#keep(decision);
    for (const hold of holds) this.#hold(hold);
    this.fleet.afterTurn();
  }

  /** Does what a person or a source asks for, or says why not. */
  command(command: RolloutCommand): CommandResult {
    const result = this.#controller.command(command, nowMs());
    if (result.kind === 'done') {
      this.#keep(result.decision);
      this.#hold(result.hold);
    } else this.#deps.log.warn('rollout_refused', { ...command, detail: result.detail });
    return result;
  }

  /** Follows another gateway of the fleet. */
  adopt(saved: SavedRollout, isFirst: boolean): void {
    try {
      const hold = this.#controller.follow(saved, nowMs(), isFirst);
      if (hold !== null) this.#hold(hold);
    } catch (error) {
      this.#deps.log.error('fleet_word_invalid', { route: saved.route, error });
    }
  }

  /** Starts to decide together with others; null: there are none. @throws SluiceError SLU_CONFIG_UNREADABLE */
  join(fleet: FleetConfig | null, adminUrl: () => string): Promise<void> {
    return this.fleet.open(fleet, adminUrl);
  }

  /** For the state store. */
  save(): SavedRollout[] {
    return this.#controller.save(nowMs());
  }

  /** Ends the tapes' segments under way, before the process does. */
  seal(): void {
    this.#controller.seal();
  }

  /** Takes over what earlier processes decided, oldest first, instead of what was taken over before. */
  recall(decisions: readonly Decision[]): void {
    this.#decisions.recall(decisions);
    this.#controller.continueAfter(Math.max(0, ...decisions.map(({ id }) => id)));
  }

  /**
   * Goes on where an earlier process stopped, unless this one has moved the rollout since: then its word is the newer one. A
   * start by the configuration is no such word, and but for a person nobody overrules that the canary was rolled back.
   * @throws SluiceError SLU_STATE_INVALID
   */
  restore(saved: SavedRollout): void {
    const { route } = saved;
    const words = this.#decisions.own.filter((decision) => decision.route === route && !isAutomaticStart(decision));
    const isOut = saved.rollout.state.kind === 'rolled-back' && !words.some(({ trigger }) => trigger === 'person');
    if (words.length > 0 && !isOut) {
      const kept = words.at(-1)?.sentence;
      this.#deps.log.warn('rollout_kept', { route, saved: saved.rollout.state.kind, kept });
      return;
    }
    for (const hold of this.#controller.restore([saved], nowMs())) this.#hold(hold);
  }

  /** Oldest first. */
  get decisions(): readonly Decision[] {
    return this.#decisions.newest;
  }

  rollbacks(): RollbackCount[] {
    return this.#decisions.rollbacks(this.#specs);
  }

  /** By route. */
  statuses(): Map<string, RolloutStatus> {
    return new Map(this.#controller.view().map(({ route, status }) => [route, status]));
  }

  get eventsLost(): number {
    return this.#controller.eventsLost;
  }

  #keep(decision: Decision): void {
    this.#decisions.add(decision);
    this.#deps.decided(decision, this.save().find(({ route }) => route === decision.route) ?? null);
    const isQuiet = QUIET.includes(decision.kind);
    this.#deps.log[isQuiet ? 'info' : 'warn'](decision.kind, { ...decision });
    if (decision.kind !== 'shadow') this.fleet.decided(decision.route);
  }

  /** The dials have moved already; the override keeps them there. */
  #hold(hold: RouteHold): void {
    if (!this.#deps.store.holdRoute(hold)) this.#deps.log.warn('hold_stale', { ...hold });
  }
}
