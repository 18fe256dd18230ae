/**
 * Which endpoint of a canary is to blame for its failures: docs/verdicts.md "One sick endpoint" in plain code.
 *
 * Written a second time, as the rest of this folder. Attempts stand on a tape in the order of a list: the endpoints that only
 * other gateways know and the canary does not list, then those that it lists, then those that have gone, the last one first.
 */

import type { Name, Terms } from './rows.ts';

const LEAST = 3;
const MOST = 256;
const SHARE = 0.8;
const WINDOW_MS = 30_000;

type Pair = readonly [finished: number, bad: number];

interface Place {
  readonly name: Name;
  readonly cameAtMs: number;
  /** null while it is there. */
  readonly wentAtMs: number | null;
  readonly older: Pair;
  readonly newer: Pair;
}

const NONE: Pair = [0, 0];

export class Endpoints {
  #listed: readonly Name[] = [];
  #strangers: readonly Name[] = [];
  #places: readonly Place[] = [];
  #turnedAtMs: number;

  constructor(names: readonly Name[], nowMs: number) {
    this.#turnedAtMs = nowMs;
    this.list(names, nowMs);
  }

  /** What the canary lists from now on. */
  list(names: readonly Name[], nowMs: number): void {
    this.#listed = names;
    this.#arrange(nowMs);
  }

  /** What only others know from now on. */
  meet(names: readonly Name[], nowMs: number): void {
    this.#strangers = names;
    this.#arrange(nowMs);
  }

  attempt(attempts: readonly Pair[], nowMs: number): void {
    const places = this.#places.map((place, n) => ({ ...place, newer: plus(place.newer, attempts[n] ?? NONE) }));
    this.#places = places;
    if (places.length === 0 || nowMs - this.#turnedAtMs < WINDOW_MS) return;
    this.#turnedAtMs = nowMs;
    const turned = places.map((place) => ({ ...place, older: place.newer, newer: NONE }));
    const isKept = ({ wentAtMs, older }: Place): boolean =>
      wentAtMs === null || (older[0] > 0 && nowMs - wentAtMs < 2 * WINDOW_MS);
    this.#places = enough(turned.filter(isKept));
  }

  /** The endpoint that has nearly all of the failures beyond the usual share, and whether it can be ejected; null: none has. */
  culprit(usual: number): { readonly name: Name; readonly canGo: boolean } | null {
    const all = this.#places.map(({ older, newer }) => plus(older, newer));
    const excess = all.map(([tried, failed]) => Math.max(0, failed - usual * tried));
    const most = Math.max(0, ...excess);
    const worst = excess.indexOf(most);
    const place = this.#places[worst];
    const total = excess.reduce((sum, one) => sum + one, 0);
    if (place === undefined || most === 0 || most <= SHARE * total) return null;
    const wasBeside = ({ wentAtMs }: Place): boolean => wentAtMs === null || wentAtMs > place.cameAtMs;
    const others = this.#places.filter((other) => other !== place && wasBeside(other));
    const tried = others.reduce((sum, { older, newer }) => sum + older[0] + newer[0], 0);
    if (tried < (all[worst] as Pair)[1]) return null;
    const there = this.#places.filter(({ wentAtMs }) => wentAtMs === null);
    return { name: place.name, canGo: place.wentAtMs === null && there.length >= LEAST };
  }

  #arrange(nowMs: number): void {
    const before = this.#places;
    const there = [...new Set([...this.#strangers, ...this.#listed])];
    const present = there.map((name): Place => {
      const { cameAtMs = nowMs, older = NONE, newer = NONE } = before.find((place) => place.name === name) ?? {};
      return { name, cameAtMs, wentAtMs: null, older, newer };
    });
    const gone = before.filter(({ name }) => !there.includes(name));
    const places = [...present, ...gone.map((place) => ({ ...place, wentAtMs: place.wentAtMs ?? nowMs }))];
    if (before.length === 0) this.#turnedAtMs = nowMs;
    this.#places = enough(there.length > MOST ? [] : places.slice(0, MOST));
  }
}

/** Names of the endpoints that a canary lists. */
export function namesOf({ canary }: Pick<Terms, 'canary'>): readonly Name[] {
  return canary.addresses ?? canary.endpoints;
}

/** Of too few, nothing is told apart. */
function enough(places: readonly Place[]): readonly Place[] {
  return places.length < LEAST ? [] : places;
}

function plus([a, b]: Pair, [c, d]: Pair): Pair {
  return [a + c, b + d];
}
