/**
 * What both versions of a rollout did since the last look, on all of its routes together and, where there are several, on each.
 *
 * Requests of several routes add up. Users do not: whoever appears on two routes within a second is one user, and one that
 * failed rests on all of them. So the sum has a window over the users of all routes, and every route one of its own for the
 * process that judges it by itself.
 * Cost: per route that of `window.ts` for each version, and with several routes twice that of `users.ts`.
 */

import { type RolloutRoute, type RolloutSpec, routesOf } from '../model/rollout.ts';
import type { ArmCounts, Evidence, PairCounts } from '../model/slo.ts';
import type { Region } from './regions.ts';
import { UserWindow } from './users.ts';
import { emptyEvidence, type Look } from './verdict/score/account.ts';
import { CellWindow } from './window.ts';

interface Cells {
  readonly canary: CellWindow;
  readonly stable: CellWindow;
}

interface Users {
  readonly canary: UserWindow;
  readonly stable: UserWindow;
}

/** What a reading is written to. */
export type Reading = { -readonly [K in 'isConsistent' | 'routes']?: Look[K] } & Evidence;

export class EvidenceWindow {
  readonly #cells: readonly Cells[];
  readonly #users: Users;
  /** By route; empty where there is one. */
  readonly #ownUsers: readonly Users[];
  /** By route, since the last look; null where there is one. */
  readonly #routes: readonly Evidence[] | null;

  /** Starts now: what was counted so far is the past. */
  constructor(spec: RolloutRoute & Pick<RolloutSpec, 'companions'>, regions: readonly Region[]) {
    const routes = routesOf(spec);
    const isOne = routes.length === 1;
    this.#cells = routes.map(({ canary, stable }) => {
      return { canary: new CellWindow(canary.cell, regions), stable: new CellWindow(stable.cell, regions) };
    });
    this.#users = usersOf(routes, regions);
    this.#ownUsers = isOne ? [] : routes.map((route) => usersOf([route], regions));
    this.#routes = isOne ? null : routes.map(emptyEvidence);
  }

  /** Writes what is new to `out`. */
  read(regions: readonly Region[], out: Reading): void {
    if (this.#routes === null) out.isConsistent = readCells(this.#cells[0] as Cells, regions, out.requests);
    else out.isConsistent = this.#readRoutes(this.#routes, regions, out.requests);
    readUsers(this.#users, regions, out.users);
    if (this.#routes === null) return;
    for (let n = 0; n < this.#routes.length; n++) {
      readUsers(this.#ownUsers[n] as Users, regions, (this.#routes[n] as Evidence).users);
    }
    out.routes = this.#routes;
  }

  /** Lets everything seen so far pass unread. */
  skip(regions: readonly Region[]): void {
    for (const { canary, stable } of this.#cells) {
      canary.skip(regions);
      stable.skip(regions);
    }
    for (const { canary, stable } of [this.#users, ...this.#ownUsers]) {
      canary.skip(regions);
      stable.skip(regions);
    }
  }

  /** A step of the rollout: the next rest of everybody is a short one again. */
  forgive(): void {
    for (const { canary, stable } of [this.#users, ...this.#ownUsers]) {
      canary.forgive();
      stable.forgive();
    }
  }

  /** @param sum of all routes @returns whether all counters add up */
  #readRoutes(routes: readonly Evidence[], regions: readonly Region[], sum: PairCounts): boolean {
    let areConsistent = true;
    clear(sum.canary);
    clear(sum.stable);
    for (let n = 0; n < routes.length; n++) {
      const { requests } = routes[n] as Evidence;
      if (!readCells(this.#cells[n] as Cells, regions, requests)) areConsistent = false;
      add(sum.canary, requests.canary);
      add(sum.stable, requests.stable);
    }
    return areConsistent;
  }
}

function usersOf(routes: readonly RolloutRoute[], regions: readonly Region[]): Users {
  const [canaries, stables] = [routes.map(({ canary }) => canary), routes.map(({ stable }) => stable)];
  return { canary: new UserWindow(canaries, regions), stable: new UserWindow(stables, regions) };
}

/** Whether the counters add up. */
function readCells({ canary, stable }: Cells, regions: readonly Region[], out: PairCounts): boolean {
  canary.read(regions, out.canary);
  stable.read(regions, out.stable);
  return canary.isConsistent && stable.isConsistent;
}

function readUsers({ canary, stable }: Users, regions: readonly Region[], out: PairCounts): void {
  canary.read(regions, out.canary);
  stable.read(regions, out.stable);
}

function clear(counts: ArmCounts): void {
  counts.finished = 0;
  counts.bad = 0;
}

function add(sum: ArmCounts, { finished, bad }: ArmCounts): void {
  sum.finished += finished;
  sum.bad += bad;
}
