/**
 * One gateway of a fleet: who leads each rollout, what the fleet's word on it is, and who has the release windows.
 *
 * ```
 * exchange:  take or renew the leader's lock ─▶ read the words ─▶ lead ─▶ say again what is missing ─▶ windows
 * decision here ─▶ said at once        word of another ─▶ the rollout here follows
 * an exchange unanswered for ALONE_MS ─▶ alone: nobody's word is waited for, until one is complete
 * ```
 * A lease counts from before it was asked for, and only once the words have been read after that: whoever leads knows what
 * the leader before it has said. Nothing here waits for the store but `exchange` and `enter`, and nothing else waits for them.
 * As many rollouts take part as can be judged: two slots of `UNITS_MAX` (`model/tallies.ts`) each.
 * Source: docs/FLEET.md.
 */

import type { FleetRole, FleetRolloutStatus } from '../model/threads/fleet.ts';
import type { Board, Locks, Resource } from './exchange.ts';
import { compareWords, type Word } from './order.ts';
import { type FleetRollout, leaseOf, RolloutRecord } from './record.ts';

/** When no exchange was completed since one was begun so long ago, a gateway judges alone. */
export const ALONE_MS = 2000;

/** Where a rollout stands here, as far as windows go. */
export type Phase = 'resting' | 'wants' | 'under-way';

/** What a node asks of, and tells, the gateway that it is of. */
export interface NodeHooks<Body> {
  /** Brings the rollout in line with a word of the fleet. False: it cannot be yet, and the next exchange asks again. */
  adopt(route: string, word: Word<Body>): boolean;
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
  readonly #records = new Map<string, RolloutRecord<Body>>();
  /** When the last complete exchange was begun; null before the first. */
  #exchangedAtMs: number | null = null;
  /** When the first was begun of those that were not completed since; null: none was. */
  #unansweredSinceMs: number | null = null;
  /** The exchange that is under way; never rejects. */
  #underWay: Promise<boolean> | null = null;
  #isClosed = false;

  constructor(deps: NodeDeps<Body>) {
    this.#deps = deps;
  }

  /** Time since the last complete exchange; null before the first. */
  get exchangedMs(): number | null {
    return this.#exchangedAtMs === null ? null : this.#deps.nowMs() - this.#exchangedAtMs;
  }

  /** Takes the store for reachable until ALONE_MS have passed in which it was asked and did not answer. */
  get isConnected(): boolean {
    return this.#unansweredSinceMs === null || this.#deps.nowMs() - this.#unansweredSinceMs <= ALONE_MS;
  }

  get hasExchanged(): boolean {
    return this.#exchangedAtMs !== null;
  }

  /** This process stood still: nobody here could have heard an answer in that time. */
  passOver(gapMs: number): void {
    if (this.#unansweredSinceMs !== null) this.#unansweredSinceMs += gapMs;
  }

  /** Takes in the rollouts of a configuration. What has gone is given back. */
  follow(rollouts: readonly FleetRollout[]): void {
    for (const rollout of rollouts) {
      const before = this.#records.get(rollout.route);
      const isSame = before?.rollout.generation === rollout.generation && before.rollout.service === rollout.service;
      if (isSame && before.rollout.hasSteps === rollout.hasSteps) continue;
      const record = new RolloutRecord<Body>(rollout);
      if (before !== undefined) {
        this.#letGo(before);
        record.windowAsked = before.windowAsked;
      }
      this.#records.set(rollout.route, record);
    }
    const routes = new Set(rollouts.map(({ route }) => route));
    for (const [route, record] of this.#records) {
      if (routes.has(route)) continue;
      this.#letGo(record);
      this.#records.delete(route);
    }
  }

  roleOf(route: string): FleetRole {
    return this.#records.get(route)?.roleAt(this.#deps.nowMs(), this.isConnected) ?? 'alone';
  }

  /** Process that leads a rollout, as far as is known; empty: nobody. */
  leaderOf(route: string): string {
    const record = this.#records.get(route);
    if (record === undefined) return '';
    return record.leads(this.#deps.nowMs()) ? this.#deps.id : record.leader;
  }

  /** Another process is known to lead it. */
  isLedElsewhere(route: string): boolean {
    return !['', this.#deps.id].includes(this.leaderOf(route));
  }

  mayStart(route: string): boolean {
    return this.#records.get(route)?.mayStart(this.#deps.nowMs()) === true;
  }

  /** The word that counts here; null: none was heard or said. */
  wordOf(route: string): Word<Body> | null {
    return this.#records.get(route)?.known ?? null;
  }

  /** The gateway has moved a rollout: everybody is told. Resolves when they were, or could not be. */
  async moved(route: string): Promise<void> {
    const { hooks, wallMs } = this.#deps;
    const record = this.#records.get(route);
    const current = hooks.current(route);
    if (record === undefined || current === null) return;
    const { body, isRolledBack, rolledBackAtMs } = current;
    if (!isRolledBack && !record.leads(this.#deps.nowMs())) {
      // Nobody's word: the rollout goes back to the fleet's when it can be heard again.
      record.isApart = true;
      return;
    }
    if (record.known === null && isRolledBack) record.blindSinceMs = rolledBackAtMs;
    record.known = record.next(body, isRolledBack, wallMs());
    record.isSaid = false;
    record.isApart = false;
    await this.#say(record).catch(hooks.failed);
  }

  /** A word that was published. */
  heard({ tag, name }: Resource, word: Word<Body>): void {
    const record = this.#records.get(tag);
    if (record === undefined || record.resource.name !== name) return;
    this.#recall(record);
    const run = record.known?.run;
    if (record.hear(word)) this.#adopt(record);
    else if (record.known?.run !== run) void this.#say(record).catch(this.#deps.hooks.failed);
  }

  /**
   * One exchange about every rollout. Never rejects; while one is under way, another is not begun.
   * @returns whether it was complete
   */
  async exchange(): Promise<boolean> {
    if (this.#underWay !== null || this.#isClosed) return false;
    this.#unansweredSinceMs ??= this.#deps.nowMs();
    this.#underWay = this.#tried();
    const isComplete = await this.#underWay;
    this.#underWay = null;
    return isComplete;
  }

  /** Takes the window for a rollout that is to start. Empty: it has it; else the rollout that has it instead. Rejects when nobody answers. */
  async enter(route: string): Promise<string> {
    const record = this.#records.get(route);
    if (record === undefined) return '';
    await this.#inTurn(record, () => this.#takeWindow(record));
    return record.hasWindow(this.#deps.nowMs()) ? '' : record.windowTakenBy;
  }

  /** Gives everything back, behind the exchange that is under way: a lock renewed after its release would stay. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#underWay;
    await Promise.all([...this.#records.values()].map((record) => this.#giveBack(record)));
    this.#records.clear();
  }

  statuses(nameOf: (id: string) => string | null): FleetRolloutStatus[] {
    const nowMs = this.#deps.nowMs();
    return [...this.#records.values()].map((record) => {
      const leader = this.leaderOf(record.rollout.route);
      const takenBy = record.windowTakenBy === '' ? 'none' : { takenBy: record.windowTakenBy };
      return {
        route: record.rollout.route,
        role: record.roleAt(nowMs, this.isConnected),
        leader: leader === '' ? null : (nameOf(leader) ?? leader),
        token: record.leads(nowMs) ? (record.lease?.token ?? 0) : (record.known?.token ?? 0),
        run: record.known?.run ?? 0,
        window: record.hasWindow(nowMs) ? 'held' : takenBy,
      };
    });
  }

  async #tried(): Promise<boolean> {
    try {
      await this.#exchange();
      return true;
    } catch (error) {
      this.#deps.hooks.failed(error);
      return false;
    }
  }

  async #exchange(): Promise<void> {
    const { board, nowMs, locks, id, leaseMs } = this.#deps;
    const records = [...this.#records.values()];
    const sentMs = nowMs();
    const grants = await Promise.all(records.map(({ resource }) => locks.acquire(resource, id, leaseMs)));
    const words = records.length === 0 ? [] : await board.read(records.map(({ resource }) => resource));
    if (this.#isClosed) return;
    this.#exchangedAtMs = sentMs;
    this.#unansweredSinceMs = null;
    const said: Promise<void>[] = [];
    records.forEach((record, n) => {
      // The configuration may have changed since.
      if (this.#records.get(record.rollout.route) !== record) return;
      const grant = grants[n];
      record.leader = grant?.kind === 'taken' ? grant.owner : id;
      record.lease = grant?.kind === 'held' ? leaseOf(grant.token, sentMs, leaseMs) : null;
      said.push(this.#settle(record, words[n] ?? null));
    });
    await Promise.all(said);
    await Promise.all(records.map((record) => this.#inTurn(record, () => this.#turnWindow(record))));
  }

  /** Brings what is known here and what the store says together. */
  async #settle(record: RolloutRecord<Body>, stored: Word<Body> | null): Promise<void> {
    const isLeader = record.leads(this.#deps.nowMs());
    this.#recall(record);
    if (stored !== null) record.hear(stored);
    if (compareWords(record.known, stored) === 0) record.isSaid = true;
    const isMissing = compareWords(record.known, stored) > 0;
    if (isMissing && record.known?.isRolledBack === false && !isLeader) {
      // Said by a leader that was not heard any more: the fleet has gone on without it.
      record.known = stored;
      record.isApart = true;
    }
    if (record.known === null) {
      record.isApart = false;
      if (isLeader) await this.moved(record.rollout.route);
    } else if (record.isApart) this.#adopt(record);
    if (isMissing && record.known !== null && record.known !== stored) await this.#say(record);
  }

  /** A rollback of an earlier process, or of this one before it heard of anybody, is a word as well. */
  #recall(record: RolloutRecord<Body>): void {
    const current = record.known === null ? this.#deps.hooks.current(record.rollout.route) : null;
    if (current === null || !current.isRolledBack) return;
    record.blindSinceMs = current.rolledBackAtMs;
    record.known = record.next(current.body, true, current.rolledBackAtMs);
  }

  #adopt(record: RolloutRecord<Body>): void {
    const { known } = record;
    if (known === null) return;
    record.isApart = !this.#deps.hooks.adopt(record.rollout.route, known);
  }

  async #say(record: RolloutRecord<Body>): Promise<void> {
    const { board } = this.#deps;
    const { known, resource } = record;
    if (known === null) return;
    if (known.isRolledBack) {
      await board.markRolledBack(resource, known);
      record.isSaid ||= record.known === known;
      return;
    }
    // A leader says what the one before it has said in its own name.
    const token = Math.max(known.token, record.lease?.token ?? 0);
    const word = { ...known, token };
    record.known = word;
    if ((await board.put(resource, word)) === 'fenced') record.lease = null;
  }

  /** One question about a window after the other: a release that is under way would take back what is taken behind it. */
  #inTurn(record: RolloutRecord<Body>, ask: () => Promise<void>): Promise<void> {
    const asked = record.windowAsked.then(ask);
    // Whoever asked hears of a failure.
    record.windowAsked = asked.catch(() => undefined);
    return asked;
  }

  async #turnWindow(record: RolloutRecord<Body>): Promise<void> {
    const { hooks, nowMs } = this.#deps;
    const { route, hasSteps } = record.rollout;
    if (!hasSteps || !record.leads(nowMs()) || this.#records.get(route) !== record) return;
    const phase = hooks.phase(route);
    if (phase === 'resting') {
      record.windowTakenBy = '';
      await this.#leaveWindow(record);
      return;
    }
    await this.#takeWindow(record);
    if (phase === 'under-way' && record.windowTakenBy !== '') hooks.windowLost(route, record.windowTakenBy);
  }

  async #takeWindow(record: RolloutRecord<Body>): Promise<void> {
    const { locks, nowMs, windowLeaseMs } = this.#deps;
    const sentMs = nowMs();
    const grant = await locks.acquire(record.window, record.owner, windowLeaseMs);
    record.windowTakenBy = grant.kind === 'taken' ? grant.owner : '';
    record.windowLease = grant.kind === 'held' ? leaseOf(grant.token, sentMs, windowLeaseMs) : null;
  }

  async #leaveWindow(record: RolloutRecord<Body>): Promise<void> {
    if (record.windowLease === null) return;
    record.windowLease = null;
    await this.#deps.locks.release(record.window, record.owner);
  }

  /** The window is the rollout's: whoever leads it next goes on with it, and nobody else may before it ends. */
  async #giveBack(record: RolloutRecord<Body>): Promise<void> {
    const { locks, id, hooks, nowMs } = this.#deps;
    if (!record.leads(nowMs())) return;
    record.lease = null;
    await locks.release(record.resource, id).catch(hooks.failed);
  }

  /** The rollout has gone, and its window with it. */
  #letGo(record: RolloutRecord<Body>): void {
    const { locks, hooks, nowMs } = this.#deps;
    void this.#inTurn(record, async () => {
      if (record.hasWindow(nowMs())) await locks.release(record.window, record.owner);
    }).catch(hooks.failed);
    void this.#giveBack(record);
  }
}
