/**
 * One gateway of a fleet: who leads each rollout, what the fleet's word on it is, and who has the release windows.
 *
 * ```
 * exchange:  take or renew the leader's lock ─▶ read the words ─▶ lead ─▶ say again what is missing ─▶ windows
 * decision here ─▶ said at once        word of another ─▶ the rollout here follows
 * nothing exchanged for ALONE_MS ─▶ alone: nobody's word is waited for, until the next exchange
 * ```
 * A lease counts from before it was asked for, and only once the words have been read after that: whoever leads knows what
 * the leader before it has said. Nothing here waits for the store but `exchange` and `enter`, and nothing else waits for them.
 * At most ROLLOUTS_MAX rollouts take part (as many as can be judged).
 * Source: docs/FLEET.md.
 */

import type { FleetRole, FleetRolloutStatus } from '../model/threads/fleet.ts';
import type { Board, Locks, Resource } from './exchange.ts';
import { compareWords, type Word } from './order.ts';
import { type FleetRollout, leaseOf, Share } from './share.ts';

/** After so long without a complete exchange a gateway judges alone. */
export const ALONE_MS = 2000;

/** Where a rollout stands here, as far as windows go. */
export type Phase = 'resting' | 'wants' | 'under-way';

/** What a node asks of, and tells, the gateway that it is of. */
export interface NodeHooks<Body> {
  /** Brings the rollout in line with a word of the fleet. */
  adopt(route: string, word: Word<Body>): void;
  /** Where the rollout stands; null: it has gone. */
  current(
    route: string,
  ): { readonly body: Body; readonly isRolledBack: boolean; readonly rolledBackAtMs: number } | null;
  phase(route: string): Phase;
  /** The window of a rollout that is under way is another one's. */
  windowLost(route: string, takenBy: string): void;
  /** A question to the store failed; the next exchange makes up for it. */
  readonly failed: (error: unknown) => void;
}

export interface NodeDeps<Body> {
  /** Of the process; never used again. */
  readonly id: string;
  readonly locks: Locks;
  readonly board: Board<Body>;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  readonly leaseMs: number;
  readonly windowLeaseMs: number;
  readonly hooks: NodeHooks<Body>;
}

export class FleetNode<Body> {
  readonly #deps: NodeDeps<Body>;
  readonly #shares = new Map<string, Share<Body>>();
  #exchangedAtMs: number;
  #hasExchanged = false;
  #hasBegun = false;
  #isBusy = false;
  #isClosed = false;

  /** Takes the store for reachable until ALONE_MS have passed since it was first asked. */
  constructor(deps: NodeDeps<Body>) {
    this.#deps = deps;
    this.#exchangedAtMs = deps.nowMs();
  }

  /** Time since the last complete exchange; null before the first. */
  get exchangedMs(): number | null {
    return this.#hasExchanged ? this.#deps.nowMs() - this.#exchangedAtMs : null;
  }

  get isConnected(): boolean {
    return !this.#hasBegun || this.#deps.nowMs() - this.#exchangedAtMs <= ALONE_MS;
  }

  get hasExchanged(): boolean {
    return this.#hasExchanged;
  }

  /** Takes in the rollouts of a configuration. What has gone is given back. */
  follow(rollouts: readonly FleetRollout[]): void {
    for (const rollout of rollouts) {
      const before = this.#shares.get(rollout.route);
      const isSame = before?.rollout.generation === rollout.generation && before.rollout.service === rollout.service;
      if (isSame && before.rollout.hasSteps === rollout.hasSteps) continue;
      if (before !== undefined) this.#letGo(before);
      this.#shares.set(rollout.route, new Share(rollout));
    }
    for (const [route, share] of this.#shares) {
      if (rollouts.some((rollout) => rollout.route === route)) continue;
      this.#letGo(share);
      this.#shares.delete(route);
    }
  }

  roleOf(route: string): FleetRole {
    return this.#shares.get(route)?.roleAt(this.#deps.nowMs(), this.isConnected) ?? 'alone';
  }

  /** Process that leads a rollout, as far as is known; empty: nobody. */
  leaderOf(route: string): string {
    const share = this.#shares.get(route);
    if (share === undefined) return '';
    return share.leads(this.#deps.nowMs()) ? this.#deps.id : share.leader;
  }

  mayStart(route: string): boolean {
    return this.#shares.get(route)?.mayStart(this.#deps.nowMs()) === true;
  }

  /** Name of the freeze that the fleet counts slow requests at. */
  wordOf(route: string): Word<Body> | null {
    return this.#shares.get(route)?.known ?? null;
  }

  /** The gateway has moved a rollout: everybody is told. Resolves when they were, or could not be. */
  async moved(route: string): Promise<void> {
    const { hooks, wallMs } = this.#deps;
    const share = this.#shares.get(route);
    const current = hooks.current(route);
    if (share === undefined || current === null) return;
    const { body, isRolledBack, rolledBackAtMs } = current;
    if (!isRolledBack && !share.leads(this.#deps.nowMs())) {
      // Nobody's word: the rollout goes back to the fleet's when it can be heard again.
      share.isApart = true;
      return;
    }
    if (share.known === null && isRolledBack) share.blindSinceMs = rolledBackAtMs;
    share.known = share.next(body, isRolledBack, wallMs());
    share.isSaid = false;
    share.isApart = false;
    await this.#say(share).catch(hooks.failed);
  }

  /** A word that was published. */
  heard({ tag, name }: Resource, word: Word<Body>): void {
    const share = this.#shares.get(tag);
    if (share === undefined || share.resource.name !== name) return;
    this.#recall(share);
    const run = share.known?.run;
    if (share.hear(word)) this.#adopt(share);
    else if (share.known?.run !== run) void this.#say(share).catch(this.#deps.hooks.failed);
  }

  /**
   * One exchange about every rollout. Never rejects; while one is under way, another is not begun.
   * @returns whether it was complete
   */
  async exchange(): Promise<boolean> {
    if (this.#isBusy || this.#isClosed) return false;
    this.#isBusy = true;
    if (!this.#hasBegun) this.#exchangedAtMs = this.#deps.nowMs();
    this.#hasBegun = true;
    try {
      await this.#exchange();
      return true;
    } catch (error) {
      this.#deps.hooks.failed(error);
      return false;
    } finally {
      this.#isBusy = false;
    }
  }

  /** Takes the window for a rollout that is to start. Empty: it has it; else the rollout that has it instead. Rejects when nobody answers. */
  async enter(route: string): Promise<string> {
    const share = this.#shares.get(route);
    if (share === undefined) return '';
    await this.#takeWindow(share);
    return share.hasWindow(this.#deps.nowMs()) ? '' : share.windowTakenBy;
  }

  /** Gives everything back. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#shares.values()].map((share) => this.#giveBack(share)));
    this.#shares.clear();
  }

  statuses(nameOf: (id: string) => string | null): FleetRolloutStatus[] {
    const nowMs = this.#deps.nowMs();
    return [...this.#shares.values()].map((share) => {
      const leader = this.leaderOf(share.rollout.route);
      const takenBy = share.windowTakenBy === '' ? 'none' : { takenBy: share.windowTakenBy };
      return {
        route: share.rollout.route,
        role: share.roleAt(nowMs, this.isConnected),
        leader: leader === '' ? null : (nameOf(leader) ?? leader),
        token: share.leads(nowMs) ? (share.lease?.token ?? 0) : (share.known?.token ?? 0),
        run: share.known?.run ?? 0,
        window: share.hasWindow(nowMs) ? 'held' : takenBy,
      };
    });
  }

  async #exchange(): Promise<void> {
    const { board, nowMs, locks, id, leaseMs } = this.#deps;
    const shares = [...this.#shares.values()];
    const sentMs = nowMs();
    const grants = await Promise.all(shares.map(({ resource }) => locks.acquire(resource, id, leaseMs)));
    const words = shares.length === 0 ? [] : await board.read(shares.map(({ resource }) => resource));
    if (this.#isClosed) return;
    this.#exchangedAtMs = sentMs;
    this.#hasExchanged = true;
    const said: Promise<void>[] = [];
    shares.forEach((share, n) => {
      // The configuration may have changed since.
      if (this.#shares.get(share.rollout.route) !== share) return;
      const grant = grants[n];
      share.leader = grant?.kind === 'taken' ? grant.owner : id;
      share.lease = grant?.kind === 'held' ? leaseOf(grant.token, sentMs, leaseMs) : null;
      said.push(this.#settle(share, words[n] ?? null));
    });
    await Promise.all(said);
    await Promise.all(shares.map((share) => this.#turnWindow(share)));
  }

  /** Brings what is known here and what the store says together. */
  async #settle(share: Share<Body>, stored: Word<Body> | null): Promise<void> {
    const isLeader = share.leads(this.#deps.nowMs());
    this.#recall(share);
    if (stored !== null) share.hear(stored);
    if (compareWords(share.known, stored) === 0) share.isSaid = true;
    const isMissing = compareWords(share.known, stored) > 0;
    if (isMissing && share.known?.isRolledBack === false && !isLeader) {
      // Said by a leader that was not heard any more: the fleet has gone on without it.
      share.known = stored;
      share.isApart = true;
    }
    if (share.known === null) {
      share.isApart = false;
      if (isLeader) await this.moved(share.rollout.route);
    } else if (share.isApart) this.#adopt(share);
    if (isMissing && share.known !== null && !share.isApart && share.known !== stored) await this.#say(share);
  }

  /** A rollback of an earlier process, or of this one before it heard of anybody, is a word as well. */
  #recall(share: Share<Body>): void {
    const current = share.known === null ? this.#deps.hooks.current(share.rollout.route) : null;
    if (current === null || !current.isRolledBack) return;
    share.blindSinceMs = current.rolledBackAtMs;
    share.known = share.next(current.body, true, current.rolledBackAtMs);
  }

  #adopt(share: Share<Body>): void {
    const { known } = share;
    if (known === null) return;
    share.isApart = false;
    this.#deps.hooks.adopt(share.rollout.route, known);
  }

  async #say(share: Share<Body>): Promise<void> {
    const { board } = this.#deps;
    const { known, resource } = share;
    if (known === null) return;
    if (known.isRolledBack) {
      await board.markRolledBack(resource, known);
      share.isSaid ||= share.known === known;
      return;
    }
    // A leader says what the one before it has said in its own name.
    const token = Math.max(known.token, share.lease?.token ?? 0);
    const word = { ...known, token };
    share.known = word;
    if ((await board.put(resource, word)) === 'fenced') share.lease = null;
  }

  async #turnWindow(share: Share<Body>): Promise<void> {
    const { hooks, nowMs } = this.#deps;
    const { route, hasSteps } = share.rollout;
    if (!hasSteps || !share.leads(nowMs()) || this.#shares.get(route) !== share) return;
    const phase = hooks.phase(route);
    if (phase === 'resting') {
      share.windowTakenBy = '';
      await this.#leaveWindow(share);
      return;
    }
    await this.#takeWindow(share);
    if (phase === 'under-way' && share.windowTakenBy !== '') hooks.windowLost(route, share.windowTakenBy);
  }

  async #takeWindow(share: Share<Body>): Promise<void> {
    const { locks, nowMs, windowLeaseMs } = this.#deps;
    const sentMs = nowMs();
    const grant = await locks.acquire(share.window, share.owner, windowLeaseMs);
    share.windowTakenBy = grant.kind === 'taken' ? grant.owner : '';
    share.windowLease = grant.kind === 'held' ? leaseOf(grant.token, sentMs, windowLeaseMs) : null;
  }

  async #leaveWindow(share: Share<Body>): Promise<void> {
    if (share.windowLease === null) return;
    share.windowLease = null;
    await this.#deps.locks.release(share.window, share.owner);
  }

  /** The window is the rollout's: whoever leads it next goes on with it, and nobody else may before it ends. */
  async #giveBack(share: Share<Body>): Promise<void> {
    const { locks, id, hooks, nowMs } = this.#deps;
    if (!share.leads(nowMs())) return;
    share.lease = null;
    await locks.release(share.resource, id).catch(hooks.failed);
  }

  /** The rollout has gone, and its window with it. */
  #letGo(share: Share<Body>): void {
    const { locks, hooks, nowMs } = this.#deps;
    if (share.hasWindow(nowMs())) void locks.release(share.window, share.owner).catch(hooks.failed);
    void this.#giveBack(share);
  }
}
