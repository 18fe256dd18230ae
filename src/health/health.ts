/**
 * Looks after the endpoints: judges what they did, hears what their checks say, and sets how much of its share each gets.
 *
 * ```
 *   tallies ─▸ samples ─▸ groups ─▸ judge ─┐
 *                   └───────────▸ trials ──┼─▸ standing of each endpoint ─▸ endpoint dials, status, log
 *   schedule ─▸ probe ─▸ verdict ──────────┘                            └─▸ versions that are down ─▸ weights
 * ```
 * A version is down when the health check of every one of its endpoints fails; what follows from it for the weights is
 * the snapshot's to say. Ejections never make a version down: they are relative to siblings.
 * Memory, dials, clock and network are handed in, so that a test drives it on virtual time.
 */

import type { Random } from '../lib/random.ts';
import type { OutlierConfig } from '../model/config.ts';
import type {
  EndpointChange,
  EndpointHealth,
  EndpointPlan,
  HealthPlan,
  HealthStatus,
  VersionChange,
} from '../model/health.ts';
import { CAPACITY_FULL } from '../model/threads/load/capacity.ts';
import { Checks } from './checks/checks.ts';
import type { Probe, ProbeTarget } from './checks/probe.ts';
import { Group, type Member } from './group.ts';
import { type Region, type Sample, SampleReader } from './samples.ts';
import { Standing } from './standing.ts';
import { Track } from './track.ts';

export interface HealthDeps {
  readonly random: Random;
  readonly nowMs: () => number;
  readonly setCapacity: (endpoint: number, capacity: number) => void;
  /** Lets one request through to an endpoint that is out, as a probe of this number; 0 takes that back. */
  readonly offerProbe: (endpoint: number, number: number) => void;
  /** Whether no worker has taken the offer yet. */
  readonly isProbeOffered: (endpoint: number) => boolean;
  readonly startProbe: (target: ProbeTarget) => Probe;
}

/** What one turn did. */
export interface HealthTurn {
  readonly endpoints: readonly EndpointChange[];
  readonly versions: readonly VersionChange[];
  /** `service/version` of those whose endpoints all fail their checks; null while they are the same as before. */
  readonly down: ReadonlySet<string> | null;
}

export class Health {
  readonly #deps: HealthDeps;
  readonly #samples = new SampleReader();
  readonly #checks: Checks;
  readonly #sample: Sample = { good: 0, bad: 0, inRow: 0, answered: 0, waitedMs: 0 };
  #tracks = new Map<number, Track>();
  #groups = new Map<string, Group>();
  #groupsOf = new Map<number, Group[]>();
  #down: ReadonlySet<string> = new Set();
  #withheld = 0;
  /** Number of the last probe by slot, whoever has it: a worker's report stays until its next one. */
  readonly #probes = new Map<number, number>();
  readonly #memberOf = (id: number): Member => this.#tracks.get(id) as Track;

  constructor(deps: HealthDeps) {
    this.#deps = deps;
    this.#checks = new Checks({ ...deps, changed: (endpoint) => this.#hear(endpoint, deps.nowMs()) });
  }

  get status(): HealthStatus {
    return { checks: this.#checks.counts, ejectionsWithheld: this.#withheld };
  }

  /** Versions (`service/version`) whose endpoints all fail their checks. */
  get down(): ReadonlySet<string> {
    return this.#down;
  }

  /** One endpoint now; one that no route sends to is up. */
  of(endpoint: number): EndpointHealth {
    const track = this.#tracks.get(endpoint);
    return track?.standing.view(this.#deps.nowMs()) ?? { state: 'up', capacityRatio: 1, because: '', ejections: 0 };
  }

  /**
   * Takes a new configuration; to be called before its snapshot goes out.
   * @param isServing new endpoints get slow start; those that are there at the start have nobody to take over from
   */
  follow(plan: HealthPlan, isServing: boolean): void {
    const nowMs = this.#deps.nowMs();
    const before = this.#tracks;
    this.#tracks = new Map();
    for (const endpoint of plan.endpoints) {
      const known = before.get(endpoint.id);
      this.#tracks.set(endpoint.id, carriedOn(known, endpoint) ?? this.#fresh(endpoint, isServing, nowMs));
    }
    for (const [id, track] of before) {
      if (this.#tracks.get(id) !== track) this.#withdraw(id, track);
      if (!this.#tracks.has(id)) this.#deps.setCapacity(id, CAPACITY_FULL);
    }
    this.#followGroups(plan, nowMs);
    this.#checks.follow(plan.endpoints);
    for (const [id, { standing }] of this.#tracks) {
      this.#hear(id, nowMs);
      this.#deps.setCapacity(id, standing.capacity(nowMs));
    }
  }

  /** One turn of the loop, every tick. Cost: O(endpoints + workers x endpoints that were used). */
  turn(regions: readonly Region[]): HealthTurn {
    const nowMs = this.#deps.nowMs();
    this.#samples.follow(regions);
    for (const [id, track] of this.#tracks) {
      this.#read(id, track);
      this.#hearProbes(id, track, nowMs);
      if (track.standing.turn(this.#outlierOf(id), nowMs)) this.#restart(id, track);
      this.#tryOut(id, track, nowMs);
    }
    for (const group of this.#groups.values()) this.#judge(group, nowMs);
    const endpoints: EndpointChange[] = [];
    for (const [id, track] of this.#tracks) {
      this.#deps.setCapacity(id, track.standing.capacity(nowMs));
      if (track.state !== track.standing.state) endpoints.push(this.#told(track, nowMs));
    }
    const turn = { endpoints, versions: this.#panics(), down: this.#newDown() };
    this.#checks.turn();
    return turn;
  }

  /** Ends the checks. */
  close(): void {
    this.#checks.close();
  }

  #fresh(plan: EndpointPlan, isServing: boolean, nowMs: number): Track {
    // What a former owner of the slot did is nobody's any more.
    this.#samples.read(plan.id, this.#sample);
    const isRamping = isServing && plan.slowStartMs > 0;
    return new Track(plan, new Standing(plan.slowStartMs, isRamping ? nowMs : null));
  }

  #followGroups(plan: HealthPlan, nowMs: number): void {
    const before = this.#groups;
    this.#groups = new Map();
    this.#groupsOf = new Map();
    for (const one of plan.groups) {
      const key = `${one.service}/${one.version}`;
      const group = before.get(key) ?? new Group(one, nowMs);
      group.follow(one, nowMs);
      this.#groups.set(key, group);
      for (const id of one.endpoints) {
        const groups = this.#groupsOf.get(id);
        if (groups === undefined) this.#groupsOf.set(id, [group]);
        else groups.push(group);
      }
    }
  }

  /** Takes in what an endpoint's checks say. */
  #hear(id: number, nowMs: number): void {
    const track = this.#tracks.get(id);
    if (track === undefined) return;
    const wasOut = track.isOut;
    track.standing.check(this.#checks.unhealthy(id), nowMs);
    if (wasOut && !track.isOut) this.#restart(id, track);
  }

  #read(id: number, track: Track): void {
    if (!this.#samples.read(id, this.#sample)) return;
    track.take(this.#sample);
    if (!track.isOut) for (const group of this.#groupsOf.get(id) ?? []) group.add(id, this.#sample);
  }

  /** Takes what came of the probes of an endpoint that is half-open. */
  #hearProbes(id: number, { standing }: Track, nowMs: number): void {
    const { trial } = standing;
    if (trial === null) return;
    if (!this.#deps.isProbeOffered(id)) trial.taken(nowMs);
    for (const { number, result } of this.#samples.probes(id)) trial.take(number, result, nowMs);
  }

  /** Offers the next probe when it is due, and none of an endpoint that is not half-open any more. */
  #tryOut(id: number, track: Track, nowMs: number): void {
    const { trial } = track.standing;
    if (trial === null) this.#withdraw(id, track);
    else if (trial.isDue(nowMs)) {
      const number = (this.#probes.get(id) ?? 0) + 1;
      this.#probes.set(id, number);
      trial.offered(number);
      track.isTriedOut = true;
      this.#deps.offerProbe(id, number);
    }
  }

  #withdraw(id: number, track: Track): void {
    if (track.isTriedOut) this.#deps.offerProbe(id, 0);
    track.isTriedOut = false;
  }

  #restart(id: number, track: Track): void {
    track.restart();
    for (const group of this.#groupsOf.get(id) ?? []) group.forget(id);
  }

  #judge(group: Group, nowMs: number): void {
    const { outlier } = group.plan;
    const judgement = group.judge(this.#memberOf, nowMs);
    if (judgement === null || outlier === null) return;
    for (const { id, because } of judgement.ejected) {
      const track = this.#tracks.get(id) as Track;
      // Every version that names the endpoint must be able to spare it.
      if (this.#groupsOf.get(id)?.every((one) => one.hasRoom(this.#memberOf)) !== true) this.#withhold(track);
      else track.standing.eject(because, outlier, nowMs);
    }
    for (const { id } of judgement.withheld) this.#withhold(this.#tracks.get(id) as Track);
  }

  /** By what an endpoint that is out is tried and ejected again: the first of its versions that ejects anybody, or null. */
  #outlierOf(id: number): OutlierConfig | null {
    for (const { plan } of this.#groupsOf.get(id) ?? []) if (plan.outlier !== null) return plan.outlier;
    return null;
  }

  #withhold(track: Track): void {
    if (!track.isWithheld) this.#withheld++;
    track.isWithheld = true;
  }

  #told(track: Track, nowMs: number): EndpointChange {
    const { state, because } = track.standing.view(nowMs);
    const change = { address: track.address, before: track.state, after: state, because };
    track.state = state;
    return change;
  }

  /** Versions that begin or cease to have every endpoint out. */
  #panics(): VersionChange[] {
    const changes: VersionChange[] = [];
    for (const group of this.#groups.values()) {
      const { service, version, endpoints } = group.plan;
      const isPanicking = endpoints.length > 0 && endpoints.every((id) => this.#memberOf(id).isOut);
      if (isPanicking !== group.isPanicking) changes.push({ service, version, isPanicking });
      group.isPanicking = isPanicking;
    }
    return changes;
  }

  /** Versions whose endpoints all fail their checks, when they are others than before. */
  #newDown(): ReadonlySet<string> | null {
    const down = new Set<string>();
    for (const [key, { plan, isPanicking }] of this.#groups) {
      const isDown = isPanicking && plan.endpoints.every((id) => (this.#tracks.get(id) as Track).standing.isUnhealthy);
      if (isDown) down.add(key);
    }
    if (down.size === this.#down.size && down.isSubsetOf(this.#down)) return null;
    this.#down = down;
    return down;
  }
}

/** The track of an endpoint that stays the same address, with its new plan. */
function carriedOn(known: Track | undefined, plan: EndpointPlan): Track | null {
  if (known === undefined || known.plan.host !== plan.host || known.plan.port !== plan.port) return null;
  known.plan = plan;
  known.standing.slowStartMs = plan.slowStartMs;
  return known;
}
