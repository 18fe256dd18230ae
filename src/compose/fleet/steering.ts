/**
 * Moves the rollouts of a gateway where neither evidence nor a person does: its fleet is out of reach, or the window is.
 *
 * ```
 * cut off ─▶ paused ─▶ heard again ─▶ resumed          window is another one's ─▶ paused
 * start ─▶ window is another one's ─▶ waits ─▶ window is its own ─▶ started
 *                                       └─▶ decided otherwise, another configuration, led elsewhere ─▶ given up, and said
 * ```
 */

import type { FleetNode, Phase } from '../../fleet/node.ts';
import type { Log } from '../../lib/log.ts';
import type { CommandResult, RolloutCommand, RolloutSpec, RolloutState } from '../../model/rollout.ts';
import type { FleetRole, RolloutNews, WindowPolicy } from '../../model/threads/fleet.ts';

/** A rollout that asked whether it may start in the last turns still wants to. */
const WANTS_MS = 1000;
/** A rollout that was not let go on, as its budget is spent, is asked again after so long. */
const RESUME_MS = 60_000;
/** Why a rollout stands still here; it goes on by itself when the fleet is heard again. */
const CUT_OFF = 'this gateway is cut off from its fleet; it goes on when the fleet is heard again';

type Node = Pick<FleetNode<RolloutNews>, 'enter' | 'mayStart' | 'isLedElsewhere'>;

/** A start that is not done yet. */
interface Waiting {
  readonly command: RolloutCommand;
  /** Of the rollout that it is to start. */
  readonly generation: string;
  /** The store is being asked whose the window is. */
  isAsking: boolean;
}

export interface SteeringDeps {
  readonly log: Log;
  readonly command: (command: RolloutCommand) => CommandResult;
  /** Where the rollout of a route stands; null: it has none. */
  readonly stateOf: (route: string) => RolloutState | null;
  /** A question to the store failed. */
  readonly failed: (error: unknown) => void;
  readonly nowMs: () => number;
}

export class Steering {
  readonly #deps: SteeringDeps;
  /** By route. */
  readonly #waiting = new Map<string, Waiting>();
  /** When a new rollout last asked whether it may start, by route. */
  readonly #wants = new Map<string, number>();
  /** When a rollout was not let go on, by route. */
  readonly #refusedAtMs = new Map<string, number>();

  constructor(deps: SteeringDeps) {
    this.#deps = deps;
  }

  /** Takes in the rollouts of a configuration, by route. */
  follow(specs: ReadonlyMap<string, RolloutSpec>): void {
    for (const map of [this.#wants, this.#refusedAtMs]) {
      for (const route of map.keys()) if (!specs.has(route)) map.delete(route);
    }
    for (const [route, { generation }] of this.#waiting) {
      if (specs.get(route)?.generation !== generation) this.giveUp(route, 'its route is configured otherwise now');
    }
  }

  /** A rollout asks whether it may start by itself. */
  want(route: string): void {
    this.#wants.set(route, this.#deps.nowMs());
  }

  /** Where a rollout stands, as far as windows go. */
  phase(route: string): Phase {
    const state = this.#deps.stateOf(route);
    if (state === null) return 'resting';
    if (isGoingOn(state) || state.kind === 'paused') return 'under-way';
    const wantedAtMs = this.#wants.get(route) ?? Number.NEGATIVE_INFINITY;
    return this.#waiting.has(route) || this.#deps.nowMs() - wantedAtMs < WANTS_MS ? 'wants' : 'resting';
  }

  /** In every turn: a rollout stands still while this gateway is cut off; a start that waits begins when the window is its own. */
  turn(route: string, role: FleetRole, node: Node): void {
    const state = this.#deps.stateOf(route);
    if (role === 'alone' && isGoingOn(state)) this.#pause(route, CUT_OFF);
    if (state?.kind !== 'paused' || state.because !== CUT_OFF) this.#refusedAtMs.delete(route);
    else if (role === 'leader') this.#resume(route);
    const start = this.#waiting.get(route);
    if (start === undefined || start.isAsking) return;
    if (role === 'leader' && node.mayStart(route)) {
      this.#waiting.delete(route);
      this.#deps.command(start.command);
    } else if (role === 'follower' && node.isLedElsewhere(route)) this.giveUp(route, 'another gateway leads it now');
  }

  /** What waits for the window is not done any more. False: nothing did. */
  giveUp(route: string, because: string): boolean {
    const start = this.#waiting.get(route);
    if (start === undefined) return false;
    this.#waiting.delete(route);
    this.#deps.log.warn('rollout_refused', { ...start.command, detail: `it waited for the window: ${because}` });
    return true;
  }

  /** The window of a rollout that is under way is another one's. */
  windowLost(route: string, takenBy: string): void {
    const because = `the release window of its service is that of ${takenBy}`;
    if (isGoingOn(this.#deps.stateOf(route))) this.#pause(route, because);
  }

  /** Starts a rollout that is led here as soon as the window is its own, instead of a start that waited before. */
  async start(
    command: RolloutCommand,
    { generation }: RolloutSpec,
    { node, onTaken }: { readonly node: Node; readonly onTaken: WindowPolicy },
  ): Promise<CommandResult> {
    const { route, name } = command;
    const start: Waiting = { command, generation, isAsking: true };
    this.#waiting.set(route, start);
    const takenBy = await this.#ask(route, node);
    if (this.#waiting.get(route) !== start) {
      return { kind: 'refused', detail: `${route}: it was moved or changed before ${name} was done; look again` };
    }
    start.isAsking = false;
    const isItsOwn = takenBy === '' && node.mayStart(route);
    const because = `${route}: ${windowSentence(takenBy)}`;
    if (takenBy !== null && !isItsOwn && onTaken === 'wait') {
      return { kind: 'waiting', detail: `${because}; ${name} waits for it` };
    }
    this.#waiting.delete(route);
    return isItsOwn ? this.#deps.command(command) : { kind: 'refused', detail: because };
  }

  /** Empty: the window is its own; null: nobody answered. */
  async #ask(route: string, node: Node): Promise<string | null> {
    try {
      return await node.enter(route);
    } catch (error) {
      this.#deps.failed(error);
      return null;
    }
  }

  #resume(route: string): void {
    const nowMs = this.#deps.nowMs();
    if (nowMs - (this.#refusedAtMs.get(route) ?? Number.NEGATIVE_INFINITY) < RESUME_MS) return;
    const { kind } = this.#deps.command({ name: 'resume', route, by: 'fleet', reason: '', isFix: false });
    if (kind !== 'done') this.#refusedAtMs.set(route, nowMs);
  }

  #pause(route: string, reason: string): void {
    this.#deps.command({ name: 'pause', route, by: 'fleet', reason, isFix: false });
  }
}

/** Whether time, evidence or a person moves it on. */
function isGoingOn(state: RolloutState | null): boolean {
  return state?.kind === 'progressing' || state?.kind === 'baking';
}

/** Why a rollout may not start. */
function windowSentence(takenBy: string | null): string {
  if (takenBy === null) return 'Redis did not say whose the release window is; try again';
  const owner = takenBy === '' ? 'not known, as Redis has just begun' : `that of ${takenBy}`;
  return `the release window of its service is ${owner}`;
}
