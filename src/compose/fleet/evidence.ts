/**
 * Composition of the evidence of a fleet: what is sent of this gateway's, what is taken in of the others', and the latency
 * thresholds that all of them count at.
 *
 * A rollout of several routes is told of route by route; it is led, and its thresholds are, by the leading one.
 * The leader's judge freezes the thresholds; the others store them for their workers and count at them from then on.
 *
 * A message costs about 0.25 ms (collecting, JSON), so not all rollouts are told of in one turn of the loop: each has a turn of a
 * round of its own. A round is ROUND_TURNS long, and longer with more than MESSAGES_MAX rollouts a turn: with the 512 that can
 * be judged it is 0.8 s, well within the time after which a gateway counts as having been silent (`GAP_MS`).
 */

import { Collector } from '../../fleet/evidence/collect.ts';
import { Others, type Terms } from '../../fleet/evidence/merge.ts';
import { isSameMemory, type Region, type Watched } from '../../fleet/evidence/region.ts';
import type { EvidenceMessage } from '../../fleet/evidence/words.ts';
import type { LatencyDial } from '../../model/latency.ts';
import { type RolloutRoute, type RolloutSpec, routesOf } from '../../model/rollout.ts';
import type { FleetLimits, FleetRole } from '../../model/threads/fleet.ts';
import type { SetLatency } from '../../slo/latency/watch.ts';

/** Turns of the loop, 100 ms each, from one message about a rollout to the next. */
const ROUND_TURNS = 2;
/** Of one turn. */
export const MESSAGES_MAX = 64;

export interface FleetEvidenceDeps {
  readonly id: string;
  /** Stores thresholds where the workers read them. */
  readonly setLatency: SetLatency;
  readonly weightOf: (dial: number) => number;
  readonly roleOf: (route: string) => FleetRole;
  readonly nowMs: () => number;
}

type WatchedRoute = RolloutRoute & Pick<Watched, 'generation'>;

/** One route of a rollout: its memory is told of in messages of its own. */
interface Place {
  readonly watched: WatchedRoute;
  /** Its leading route. */
  readonly lead: string;
  readonly collector: Collector;
}

interface Entry {
  readonly spec: RolloutSpec;
  limits: FleetLimits | null;
  /** Thresholds of stable that came before the canary's. */
  stableMs: readonly number[] | null;
}

export class FleetEvidence {
  readonly others = new Others();
  readonly #deps: FleetEvidenceDeps;
  /** By leading route. */
  readonly #entries = new Map<string, Entry>();
  /** By route. */
  #places: ReadonlyMap<string, Place> = new Map();
  /** Routes whose thresholds were frozen here, or taken back, since they were last asked for. */
  readonly #changed = new Set<string>();
  #freezes = 0;
  #turn = 0;

  constructor(deps: FleetEvidenceDeps) {
    this.#deps = deps;
  }

  /** Takes in the rollouts of a configuration. */
  follow(specs: readonly RolloutSpec[]): void {
    const places = specs.flatMap((spec) => watchedOf(spec).map((watched) => ({ watched, lead: spec.route })));
    this.others.follow(places.map(({ watched }) => watched));
    this.#places = new Map(places.map((place) => [place.watched.route, this.#placeOf(place)]));
    for (const spec of specs) {
      const before = this.#entries.get(spec.route);
      if (before?.spec === spec) continue;
      const isSame = before !== undefined && areSameMemory(before.spec, spec);
      const kept = isSame ? before : { limits: null, stableMs: null };
      this.#entries.set(spec.route, { ...kept, spec });
    }
    const routes = new Set(specs.map(({ route }) => route));
    for (const route of this.#entries.keys()) if (!routes.has(route)) this.#entries.delete(route);
  }

  /** Thresholds that are counted at here; null: none. */
  limitsOf(route: string): FleetLimits | null {
    return this.#entries.get(route)?.limits ?? null;
  }

  /** Routes whose thresholds were changed by the judge here since the last call. */
  takeChanged(): readonly string[] {
    if (this.#changed.size === 0) return [];
    const changed = [...this.#changed];
    this.#changed.clear();
    return changed;
  }

  /** What the judge here stores: of a rollout that another gateway leads, nothing. */
  readonly setLatency = (unit: number, dial: LatencyDial | null): void => {
    const entry = this.#entryOf(unit);
    if (entry === null) {
      this.#deps.setLatency(unit, dial);
      return;
    }
    if (this.#deps.roleOf(entry.spec.route) === 'follower') return;
    this.#deps.setLatency(unit, dial);
    this.#note(entry, unit, dial);
  };

  #placeOf({ watched, lead }: Omit<Place, 'collector'>): Place {
    const before = this.#places.get(watched.route);
    const isSame = before !== undefined && isSameMemory(before.watched, watched);
    if (!isSame) return { watched, lead, collector: new Collector(watched) };
    before.collector.follow(watched);
    return { watched, lead, collector: before.collector };
  }

  /** Counts at the thresholds of the leader from now on. */
  adoptLimits(route: string, limits: FleetLimits | null): void {
    const entry = this.#entries.get(route);
    if (entry === undefined || entry.limits?.id === limits?.id) return;
    entry.limits = limits;
    entry.stableMs = null;
    const dialAt = (atEndMs: readonly number[], { canaryMs }: FleetLimits): LatencyDial => ({
      sinceMs: this.#deps.nowMs(),
      atEndMs,
      inFlightMs: canaryMs,
    });
    for (const { stable, canary } of routesOf(entry.spec)) {
      this.#deps.setLatency(stable.unit, limits === null ? null : dialAt(limits.stableMs, limits));
      this.#deps.setLatency(canary.unit, limits === null ? null : dialAt(limits.canaryMs, limits));
    }
  }

  /** What to tell the others in this turn of the loop: a message for each route of a rollout whose turn it is. Call it every turn. */
  messages(regions: readonly Region[], self: Pick<EvidenceMessage, 'id' | 'member' | 'adminUrl'>): EvidenceMessage[] {
    const turns = Math.max(ROUND_TURNS, Math.ceil(this.#places.size / MESSAGES_MAX));
    this.#turn = (this.#turn + 1) % turns;
    return [...this.#places.values()]
      .filter((_place, n) => n % turns === this.#turn)
      .map((place) => place.collector.message(regions, { ...self, ...this.#termsOf(place) }));
  }

  /** Takes in a message about a rollout that is led here. False when there is no room for another gateway. */
  take(message: EvidenceMessage): boolean {
    const place = this.#places.get(message.route);
    if (place === undefined || this.#deps.roleOf(place.lead) !== 'leader') return true;
    return this.others.take(message, this.#termsOf(place), this.#deps.nowMs());
  }

  /** What counts of a route are comparable with. */
  #termsOf({ watched, lead }: Place): Terms {
    return { share: this.#shareOf(watched), limits: this.#entries.get(lead)?.limits?.id ?? '' };
  }

  /** Not the canary's weight alone: the operator's weights may differ between gateways within a generation. */
  #shareOf({ canary, stable }: WatchedRoute): number {
    const weight = this.#deps.weightOf(canary.dial);
    return weight === 0 ? 0 : weight / (weight + this.#deps.weightOf(stable.dial));
  }

  #entryOf(unit: number): Entry | null {
    for (const entry of this.#entries.values()) {
      if (routesOf(entry.spec).some(({ canary, stable }) => canary.unit === unit || stable.unit === unit)) return entry;
    }
    return null;
  }

  /** The judge stores stable's thresholds before the canary's, and those of the leading route, which are those of all, first. */
  #note(entry: Entry, unit: number, dial: LatencyDial | null): void {
    const { canary, stable } = entry.spec;
    if (unit !== canary.unit && unit !== stable.unit) return;
    if (dial === null) {
      entry.stableMs = null;
      if (entry.limits !== null) this.#changed.add(entry.spec.route);
      entry.limits = null;
    } else if (unit === stable.unit) entry.stableMs = dial.atEndMs;
    else if (entry.stableMs !== null) {
      this.#freezes += 1;
      const id = `${this.#deps.id}.${this.#freezes}`;
      entry.limits = { id, stableMs: [...entry.stableMs], canaryMs: [...dial.atEndMs] };
      this.#changed.add(entry.spec.route);
    }
  }
}

/** Every route of a rollout, with the slots that it has in this process. */
function watchedOf(spec: RolloutSpec): WatchedRoute[] {
  const { generation } = spec;
  return routesOf(spec).map(({ route, canary, stable }) => ({ route, generation, canary, stable }));
}

/** Whether the thresholds of a rollout go on: on all of its routes. */
function areSameMemory(a: RolloutSpec, b: RolloutSpec): boolean {
  const [before, after] = [watchedOf(a), watchedOf(b)];
  return before.length === after.length && before.every((one, n) => isSameMemory(one, after[n] as WatchedRoute));
}
