/**
 * Composition of everything that moves a rollout: the loop, the commands, the dials, the overrides, the decision log.
 *
 * The one path of every change: a command or a turn of the loop ▸ the controller, which moves the dials and decides ▸ here
 * the decision is kept and logged, and its weights become overrides that outlive the next configuration.
 */

import { nowMs, wallTime } from '../lib/clock.ts';
import type { Log } from '../lib/log.ts';
import type { CommandResult, RolloutCommand, RolloutSpec, RouteHold, SavedRollout } from '../model/rollout.ts';
import type { Decision, DecisionKind, LoggedDecision, Verdict } from '../model/slo.ts';
import type { RolloutStatus } from '../model/status.ts';
import type { FleetConfig, LockStore } from '../model/threads/fleet.ts';
import type { Revert, RevertDecision } from '../model/threads/revision.ts';
import type { Segment } from '../model/threads/state.ts';
import type { Region } from '../proxy/threads/workers.ts';
import type { SloEngine } from '../slo/budget/engine.ts';
import { createController } from '../slo/controller.ts';
import { Decisions, type RollbackCount } from '../slo/decisions.ts';
import type { Controller, Standing } from '../slo/rollout/loop/loop.ts';
import { type Dials, getDial, setDial } from '../snapshot/dials.ts';
import { type LatencyDials, setLatency } from '../snapshot/latency-dials.ts';
import { rolloutsOf } from '../snapshot/rollouts.ts';
import type { Current, Store } from '../snapshot/store.ts';
import { Fleet } from './fleet/fleet.ts';
import type { Defects } from './watches/defects.ts';

export interface RolloutsDeps {
  readonly regions: () => readonly Region[];
  /** What the workers count in against rate limits; null: there are none yet. */
  readonly rates: () => SharedArrayBuffer | null;
  readonly dials: Dials;
  readonly latencyDials: LatencyDials;
  readonly store: Store;
  readonly slos: SloEngine;
  readonly log: Log;
  /** Takes the segments of the tapes. */
  readonly tapes: (segment: Segment) => void;
  /** Who is behind a rollback, in words; empty when nobody stands out. */
  readonly explain: (route: string, verdict: Verdict) => string;
  /** Hears of every start by hand once it is executed, route by route, also of one that had to wait: versions that drifted come back. */
  readonly started: (command: RolloutCommand) => void;
  /** Nothing may be decided now: another process is taking over. */
  readonly isHeld: () => boolean;
  /** Where what a part throws ends. */
  readonly defects: Pick<Defects, 'contain' | 'note'>;
  /** Hears of every decision once it is executed, with where it left its route's rollout; null when that has gone. */
  readonly decided: (decision: LoggedDecision, rollout: SavedRollout | null) => void;
}

/** Whether a decision moved a rollout, and not just because the configuration has one. */
function isWord({ kind, trigger }: LoggedDecision): boolean {
  return kind !== 'revert' && !(kind === 'start' && trigger === 'configuration');
}

/** What nobody may decide while a restart hands everything over. */
export const HELD = { kind: 'refused', detail: 'a restart is under way; try again' } as const;
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
      rates: deps.rates,
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
      explain: (route, verdict) => this.#explain(route, verdict),
      broken: (route, error) => deps.defects.note('rollouts', error, route),
      nowMs,
      wallTime,
    });
  }

  /** Takes in the rollouts of a configuration that is in force. */
  follow({ config, snapshot }: Current): void {
    this.#specs = rolloutsOf(config, snapshot);
    const { contain } = this.#deps.defects;
    contain('rollouts', () => this.#take([], this.#controller.shareAnew()));
    contain('fleet', () => this.fleet.follow(this.#specs));
    contain('fleet', () => this.fleet.rates.follow(snapshot));
  }

  /** One turn of the loop. */
  turn(atMs: number): void {
    const { contain } = this.#deps.defects;
    contain('fleet', () => this.fleet.beforeTurn());
    const { decisions, holds, refusals, skippedMs } = this.#controller.tick(atMs);
    if (skippedMs !== 0) this.#deps.log.warn('evidence_skipped', { skippedMs });
    for (const refusal of refusals) this.#deps.log.warn('rollout_refused', { ...refusal });
    this.#take(decisions, holds);
    contain('fleet', () => this.fleet.afterTurn());
  }

  /** A rollback needs no words. */
  #explain(route: string, verdict: Verdict): string {
    let why = '';
    this.#deps.defects.contain('rollouts', () => void (why = this.#deps.explain(route, verdict)), route);
    return why;
  }

  /** Does what a person or a source asks for, or says why not. */
  command(command: RolloutCommand): CommandResult {
    // Asked of here, as what the fleet was asked about may have taken its time.
    if (this.#deps.isHeld()) return HELD;
    const result = this.#controller.command(command, nowMs());
    if (result.kind === 'done') {
      this.#take([result.decision], result.holds);
      if (command.name === 'start') for (const { route } of result.holds) this.#deps.started({ ...command, route });
    } else this.#deps.log.warn('rollout_refused', { ...command, detail: result.detail });
    return result;
  }

  /** Follows another gateway of the fleet. False: there is no such rollout. @throws SluiceError SLU_STATE_INVALID */
  adopt(saved: SavedRollout, isFirst: boolean): boolean {
    const holds = this.#controller.follow(saved, nowMs(), isFirst);
    for (const hold of holds ?? []) this.#hold(hold);
    return holds !== null;
  }

  /** Starts to decide together with others; null: there are none. @throws SluiceError SLU_CONFIG_UNREADABLE */
  join(fleet: FleetConfig | null, adminUrl: () => string, locks: LockStore | null): Promise<void> {
    return this.fleet.open(fleet, adminUrl, locks);
  }

  /** For the state store. */
  save(): SavedRollout[] {
    return this.#controller.save(nowMs());
  }

  /** The memory of one route's; null: it has none. */
  saved(route: string): SavedRollout | null {
    return this.#controller.saved(route, nowMs());
  }

  /** Where the rollout of a route stands; null: it has none. */
  standing(route: string): Standing | null {
    return this.#controller.standing(route);
  }

  /** Ends the tapes' segments under way, before the process does. */
  seal(): void {
    this.#controller.seal();
  }

  /** Takes over what earlier processes decided, oldest first, instead of what was taken over before. */
  recall(decisions: readonly LoggedDecision[]): void {
    this.#decisions.recall(decisions);
    this.#controller.numbers.continueAfter(Math.max(0, ...decisions.map(({ id }) => id)));
  }

  /**
   * Goes on where an earlier process stopped, unless this one has moved the rollout since: then its word is the newer one. A
   * start by the configuration is no such word, and but for a person nobody overrules that the canary was rolled back.
   * @param inherited what a process before decided that knew the saved state no more than this one
   * @throws SluiceError SLU_STATE_INVALID
   */
  restore(saved: SavedRollout, inherited: readonly LoggedDecision[] = []): void {
    const { route } = saved;
    const words = [...inherited, ...this.#decisions.own].filter(
      (decision) => decision.route === route && isWord(decision),
    );
    const isOut = saved.rollout.state.kind === 'rolled-back' && !words.some(({ trigger }) => trigger === 'person');
    if (words.length > 0 && !isOut) {
      const kept = words.at(-1)?.sentence;
      this.#deps.log.warn('rollout_kept', { route, saved: saved.rollout.state.kind, kept });
      return;
    }
    for (const hold of this.#controller.restore([saved], nowMs())) this.#hold(hold);
  }

  /** Oldest first. */
  get decisions(): readonly LoggedDecision[] {
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

  /** Writes down that a configuration was reverted. */
  reverted(revert: Revert): void {
    const decision: RevertDecision = { ...revert, id: this.#controller.numbers.next(), at: wallTime() };
    this.#decisions.add(decision);
    this.#deps.decided(decision, null);
  }

  /** The dials have moved: what cannot be written down of one must not cost another its weights. */
  #take(decisions: readonly Decision[], holds: readonly RouteHold[]): void {
    const { contain } = this.#deps.defects;
    for (const decision of decisions) contain('rollouts', () => this.#keep(decision), decision.route);
    for (const hold of holds) contain('rollouts', () => this.#hold(hold), hold.route);
  }

  /** The log first: whoever reads it must not miss what was done. */
  #keep(decision: Decision): void {
    const { route, kind } = decision;
    const { contain } = this.#deps.defects;
    this.#decisions.add(decision);
    this.#deps.log[QUIET.includes(kind) ? 'info' : 'warn'](kind, { ...decision });
    let saved: SavedRollout | null = null;
    contain('rollouts', () => void (saved = this.saved(route)), route);
    contain('state', () => this.#deps.decided(decision, saved), route);
    if (kind !== 'shadow') contain('fleet', () => this.fleet.decided(route), route);
  }

  /** The dials have moved already; the override keeps them there. */
  #hold(hold: RouteHold): void {
    if (!this.#deps.store.holdRoute(hold)) this.#deps.log.warn('hold_stale', { ...hold });
  }
}
