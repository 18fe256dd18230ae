/**
 * Who is refused first at versions that may have more than they can serve: looks at their routes, publishes how they stand.
 *
 * ```
 * budgets, cells of the workers ─▶ RouteWatch: blame ▸ standing ─▶ bytes in shared memory, per route x version
 *                                        └─▶ VersionWatch: curb ─▶ its byte;  refusals begin, end ─▶ reports
 * ```
 * Only versions with a limit are looked at, and only their routes. Each turn of the loop (100 ms) takes a tenth of them, so
 * that a standing is at most about a second old. A route's canary stands last as long as its stable version has weight.
 * A version is curbed while some route to it, best-effort ones apart, burns fast and would without its canary.
 * Memory, clock and budgets are handed in. Cost: of a route without traffic two words of its cell are read; it is judged only when
 * its budgets moved, or the weight that puts its canary last. Of one with traffic also the cells of its versions; as much memory as
 * there are routes.
 */

import { PRIORITIES, type Priority } from '../../../model/overload.ts';
import { REASON } from '../../../model/reason.ts';
import type { SheddingStatus } from '../../../model/status.ts';
import { CELL } from '../../../model/tallies.ts';
import { STANDING_CANARY, STANDING_PLENTY, standingByte } from '../../../model/threads/load/standing.ts';
import { type Region, RegionRoll } from '../../regions.ts';
import { Activity } from '../../totals/activity.ts';
import { type BudgetLeft, SLICES } from '../engine.ts';
import { Blame, type Outcomes } from './blame.ts';
import { type RefusalChange, Refusals } from './refusals.ts';
import { leftPhrase, orderSentence, refusedSentence, type Standee } from './sentence.ts';
import { budgetStanding } from './standing.ts';
import { WordsReader } from './words.ts';

/** A route that leads to versions with a limit. */
export interface ShedRoute {
  readonly route: string;
  readonly priority: Priority;
  readonly cell: number;
  /** The canary of its rollout. */
  readonly canary: { readonly cell: number; readonly stableDial: number } | null;
  /** Those with a limit. */
  readonly versions: readonly ShedVersion[];
}

/** A version with a limit, on a route. */
export interface ShedVersion {
  /** `service/version` */
  readonly name: string;
  readonly cell: number;
  /** The cell that shows its admission (`versionCells`, model/overload.ts). */
  readonly shownIn: number;
  readonly isCanary: boolean;
}

export interface OrderDeps {
  /** What a route's objectives leave; null without any. */
  readonly leftOf: (route: string, nowMs: number) => BudgetLeft | null;
  /** Routes of which `leftOf` may say something else than at the last call. */
  readonly takeMoved: () => Iterable<string>;
  /** Sixteenths of its limit that a version (`service/version`) gives up. */
  readonly cutOf: (version: string) => number;
  readonly weightOf: (dial: number) => number;
  /** Stores the byte of a cell for the workers. */
  readonly publish: (cell: number, byte: number) => void;
}

/** A version began or ceased to refuse requests. */
export interface RefusalReport {
  readonly version: string;
  readonly state: RefusalChange;
  /** Since it began, by priority. */
  readonly refused: Readonly<Record<Priority, number>>;
  /** The routes with most of them, at most three. */
  readonly routes: readonly { readonly route: string; readonly refused: number }[];
  readonly forMs: number;
  /** How many, and in which order. */
  readonly sentence: string;
}

/** How a version sheds. */
export interface VersionOrder {
  readonly isCurbed: boolean;
  readonly sentence: string;
}

interface VersionWatch {
  readonly name: string;
  readonly shownIn: number;
  members: Member[];
  readonly refusals: Refusals;
  /** Since its last look, by priority. */
  pending: number[];
  /** Members whose route is curbing. */
  curbing: number;
  isCurbed: boolean;
  /** In sixteenths. */
  cut: number;
  /** As it was told of since the last turn; null: not yet. All routes that lead here ask for the same. */
  told: VersionOrder | null;
}

/** A route at a version. */
interface Member {
  readonly cell: number;
  readonly isCanary: boolean;
  readonly reader: WordsReader;
  readonly route: RouteWatch;
  readonly version: VersionWatch;
  /** Since the version began to refuse. */
  refused: number;
  /** What was published last; below 0: not known here. */
  byte: number;
}

interface RouteWatch {
  spec: ShedRoute;
  /** Its place in the order. */
  index: number;
  readonly reader: WordsReader;
  readonly canaryReader: WordsReader | null;
  readonly blame: Blame;
  members: Member[];
  /** By its budget, and whether its canary is last now. */
  standing: number;
  isCanaryLast: boolean;
  remainingRatio: number | null;
  isBurning: boolean;
  /** It burns, and not by its canary. */
  isCurbing: boolean;
  /** No exchange of it had ended at the last look. */
  wasIdle: boolean;
}

const OUTCOMES = [CELL.finished, CELL.bad, CELL.late, CELL.reasons + REASON.shed];
const SHED = PRIORITIES.map((_, n) => CELL.shed + n);
const ROUTES_TOLD = 3;
const NONE: readonly number[] = [];
const UNLIMITED: BudgetLeft = { remainingRatio: null, fast: [] };

export class SheddingOrder {
  readonly #deps: OrderDeps;
  readonly #roll = new RegionRoll();
  #regions: readonly Region[] = [];
  #routes = new Map<string, RouteWatch>();
  #versions = new Map<string, VersionWatch>();
  #routesInOrder: readonly RouteWatch[] = [];
  #versionsInOrder: readonly VersionWatch[] = [];
  /** Of those the ones with a canary. */
  #withCanary: readonly RouteWatch[] = [];
  #activity = new Activity([]);
  /** Versions that were told of since the last turn. */
  #told: VersionWatch[] = [];
  #published = new Map<number, number>();
  #turn = 0;

  constructor(deps: OrderDeps) {
    this.#deps = deps;
  }

  /** Takes in the routes of a configuration. What is known of one that stays is kept. */
  follow(specs: readonly ShedRoute[], nowMs: number): void {
    const [routes, versions] = [this.#routes, this.#versions];
    this.#versions = new Map();
    this.#routes = new Map(
      specs.map((spec) => [spec.route, this.#watch(spec, routes.get(spec.route), versions, nowMs)]),
    );
    this.#routesInOrder = [...this.#routes.values()];
    this.#versionsInOrder = [...this.#versions.values()];
    this.#withCanary = this.#routesInOrder.filter(({ spec }) => spec.canary !== null);
    this.#activity = new Activity(this.#routesInOrder.map(({ spec }) => [spec.cell]));
    const unused = this.#published;
    this.#published = new Map();
    for (const [index, route] of this.#routesInOrder.entries()) {
      route.index = index;
      this.#judge(route, nowMs);
      for (const { cell } of route.members) unused.delete(cell);
    }
    for (const cell of unused.keys()) this.#deps.publish(cell, 0);
  }

  /** One turn of the loop. Returns which versions began or ceased to refuse requests. */
  turn(regions: readonly Region[], nowMs: number): RefusalReport[] {
    const isAll = this.#roll.departed(regions).length > 0;
    const readable = this.#roll.turn(regions);
    this.#regions = regions;
    for (const version of this.#told) version.told = null;
    this.#told = [];
    for (const name of this.#deps.takeMoved()) this.#setDue(name);
    this.#activity.turn(readable);
    const [from, step] = isAll ? [0, 1] : [this.#turn++ % SLICES, SLICES];
    for (let n = from; n < this.#routesInOrder.length; n += step) {
      if (this.#activity.isDue(n, nowMs) || isAll) this.#look(this.#routesInOrder[n] as RouteWatch, readable, nowMs);
    }
    for (let n = from; n < this.#withCanary.length; n += step) {
      const route = this.#withCanary[n] as RouteWatch;
      if (this.#isCanaryLast(route) !== route.isCanaryLast) this.#judge(route, nowMs);
    }
    const reports: RefusalReport[] = [];
    for (let n = from; n < this.#versionsInOrder.length; n += step) {
      reports.push(...this.#lookAt(this.#versionsInOrder[n] as VersionWatch, nowMs));
    }
    return reports;
  }

  /** How a route stands; null when it leads to no version with a limit. */
  ofRoute(name: string): SheddingStatus | null {
    const route = this.#routes.get(name);
    if (route === undefined) return null;
    const { remainingRatio, standing, isBurning, spec } = route;
    return { priority: spec.priority, remainingRatio, standing, isBurning, because: leftPhrase(route) };
  }

  /** In which order a version refuses requests, `service/version`; null when it has no limit. Made once in a turn. */
  ofVersion(name: string): VersionOrder | null {
    const version = this.#versions.get(name);
    if (version === undefined) return null;
    if (version.told === null) this.#told.push(version);
    version.told ??= { isCurbed: version.isCurbed, sentence: orderOf(version) };
    return version.told;
  }

  #watch(
    spec: ShedRoute,
    known: RouteWatch | undefined,
    versions: ReadonlyMap<string, VersionWatch>,
    nowMs: number,
  ): RouteWatch {
    const isSame = known?.spec.cell === spec.cell && known.spec.canary?.cell === spec.canary?.cell;
    const route = known !== undefined && isSame ? known : this.#begin(spec, nowMs);
    const before = route.members;
    route.spec = spec;
    route.members = spec.versions.map(({ name, cell, shownIn, isCanary }) => {
      const version = this.#versionOf(name, shownIn, versions);
      const same = before.find((member) => member.cell === cell && member.version.name === name);
      const reader = same?.reader ?? new WordsReader(cell, SHED, this.#regions);
      const member = { cell, isCanary, reader, route, version, refused: same?.refused ?? 0, byte: -1 };
      version.members.push(member);
      if (route.isCurbing) version.curbing += 1;
      return member;
    });
    return route;
  }

  #begin(spec: ShedRoute, nowMs: number): RouteWatch {
    const { cell, canary } = spec;
    return {
      spec,
      index: 0,
      reader: new WordsReader(cell, OUTCOMES, this.#regions),
      canaryReader: canary === null ? null : new WordsReader(canary.cell, OUTCOMES, this.#regions),
      blame: new Blame(nowMs),
      members: [],
      standing: STANDING_PLENTY,
      isCanaryLast: false,
      remainingRatio: null,
      isBurning: false,
      isCurbing: false,
      wasIdle: false,
    };
  }

  /** One object for all routes that lead there; what it refuses outlives a configuration. */
  #versionOf(name: string, shownIn: number, before: ReadonlyMap<string, VersionWatch>): VersionWatch {
    const known = this.#versions.get(name);
    if (known !== undefined) return known;
    const {
      refusals = new Refusals(),
      pending = PRIORITIES.map(() => 0),
      isCurbed = false,
      cut = 0,
    } = before.get(name) ?? {};
    const kept = { refusals, pending, isCurbed, cut };
    const version: VersionWatch = { name, shownIn, members: [], ...kept, curbing: 0, told: null };
    this.#versions.set(name, version);
    return version;
  }

  #look(route: RouteWatch, regions: readonly Region[], nowMs: number): void {
    const all = route.reader.read(regions);
    // Nothing ended now nor at the last look: nothing of it can be in the cells of its versions.
    const isIdle = all === null && route.wasIdle;
    route.wasIdle = all === null;
    if (!isIdle) {
      const canary = route.canaryReader === null ? null : route.canaryReader.read(regions);
      route.blame.count(outcomesOf(all ?? NONE), outcomesOf(canary ?? NONE), nowMs);
      for (let n = 0; n < route.members.length; n++) takeRefusals(route.members[n] as Member, regions);
    }
    this.#judge(route, nowMs);
    this.#activity.setDue(route.index, Number.POSITIVE_INFINITY);
  }

  #judge(route: RouteWatch, nowMs: number): void {
    const { remainingRatio, fast } = this.#deps.leftOf(route.spec.route, nowMs) ?? UNLIMITED;
    route.remainingRatio = remainingRatio;
    route.isBurning = false;
    let isCurbing = false;
    for (const { indicator, budgetRatio } of fast) {
      const { isBurning, isBurningWithoutCanary } = route.blame.burning(indicator, budgetRatio);
      route.isBurning ||= isBurning;
      isCurbing ||= isBurning && isBurningWithoutCanary && route.spec.priority !== 'best-effort';
    }
    if (isCurbing !== route.isCurbing) {
      route.isCurbing = isCurbing;
      for (const { version } of route.members) version.curbing += isCurbing ? 1 : -1;
    }
    route.standing = budgetStanding(route, route.standing);
    route.isCanaryLast = this.#isCanaryLast(route);
    for (let n = 0; n < route.members.length; n++) this.#publish(route.members[n] as Member);
  }

  #isCanaryLast({ spec: { canary } }: RouteWatch): boolean {
    return canary !== null && this.#deps.weightOf(canary.stableDial) > 0;
  }

  /** A route that leads to no version with a limit has no place here. */
  #setDue(name: string): void {
    const route = this.#routes.get(name);
    if (route !== undefined) this.#activity.setDue(route.index, Number.NEGATIVE_INFINITY);
  }

  #lookAt(version: VersionWatch, nowMs: number): RefusalReport[] {
    const isCurbed = version.curbing > 0;
    const cut = this.#deps.cutOf(version.name);
    if (isCurbed !== version.isCurbed || cut !== version.cut) {
      version.isCurbed = isCurbed;
      version.cut = cut;
      for (const member of version.members) if (member.cell === version.shownIn) this.#publish(member);
    }
    const sinceMs = version.refusals.sinceMs ?? nowMs;
    const change = version.refusals.look(version.pending, nowMs);
    version.pending.fill(0);
    if (change === null) return [];
    const report = reportOf(version, change, version.refusals.lastMs - sinceMs);
    if (change === 'ends') for (const member of version.members) member.refused = 0;
    return [report];
  }

  #publish(member: Member): void {
    const { cell, isCanary, route, version } = member;
    const standing = isCanary && route.isCanaryLast ? STANDING_CANARY : route.standing;
    const isShownHere = cell === version.shownIn;
    const byte = standingByte(standing, isShownHere && version.isCurbed, isShownHere ? version.cut : 0);
    if (member.byte === byte) return;
    member.byte = byte;
    if (this.#published.get(cell) === byte) return;
    this.#published.set(cell, byte);
    this.#deps.publish(cell, byte);
  }
}

function takeRefusals(member: Member, regions: readonly Region[]): void {
  const refused = member.reader.read(regions);
  if (refused === null) return;
  const { pending } = member.version;
  for (let n = 0; n < refused.length; n++) {
    const count = refused[n] as number;
    member.refused += count;
    pending[n] = (pending[n] as number) + count;
  }
}

function outcomesOf([finished = 0, bad = 0, late = 0, refused = 0]: readonly number[]): Outcomes {
  return { finished, bad, late, refused };
}

function orderOf({ name, members }: VersionWatch): string {
  const standees = members.map(({ route, isCanary }): Standee => {
    const { spec, standing, remainingRatio, isBurning, isCanaryLast } = route;
    const { priority } = spec;
    const place = isCanary && isCanaryLast ? STANDING_CANARY : standing;
    return { route: spec.route, priority, standing: place, remainingRatio, isBurning };
  });
  const curbing = members.filter(({ route }) => route.isCurbing).map(({ route }) => route.spec.route);
  return orderSentence(name, standees, curbing);
}

function reportOf(version: VersionWatch, state: RefusalChange, forMs: number): RefusalReport {
  const { counts } = version.refusals;
  const [critical = 0, normal = 0, degraded = 0, bestEffort = 0] = counts;
  const most = version.members.filter(({ refused }) => refused > 0).toSorted((a, b) => b.refused - a.refused);
  return {
    version: version.name,
    state,
    refused: { critical, default: normal, degraded, 'best-effort': bestEffort },
    routes: most.slice(0, ROUTES_TOLD).map(({ route, refused }) => ({ route: route.spec.route, refused })),
    forMs,
    sentence: `${refusedSentence(version.name, counts, forMs)}; ${orderOf(version)}`,
  };
}
