/**
 * The one cell that holds the configuration in force, its snapshot, and the weights that are held against it.
 *
 * ```
 * offer(parsed) ── problems ─────────────────────────▶ refused: everything stays as it is
 *               ── same hash as in force ────────────▶ unchanged: no new revision
 *               ── compiled ─▶ dials set ─▶ cell swapped ▶ swapped: the caller sends the snapshot to the workers
 * ```
 * Every attempt is counted, the first one too. An attempt that is refused at any stage leaves the last good
 * configuration, its dials and its ids untouched. Parsing is another section's: `offer` takes its result.
 */

import type { Config, RouteConfig } from '../model/config.ts';
import { type ParseResult, type Problem, SluiceError } from '../model/problem.ts';
import { type RouteHold, weightScaleOf } from '../model/rollout.ts';
import type { Override, RouteSpec, Snapshot, SplitSpec } from '../model/snapshot.ts';
import type { ConfigStatus } from '../model/status.ts';
import { type Compiled, compile, type Memory } from './compile.ts';
import { type Dials, getDial, setDial } from './dials.ts';
import { FIND_NONE, type FindEndpoints, hasSameEndpoints, withDiscovered } from './discovered.ts';
import { hashConfig } from './hash.ts';
import { type LiveIds, type MayRecycle, NO_IDS, type RecycleCandidate } from './live.ts';
import {
  byRoute,
  type Drifter,
  driftKey,
  effectiveWeightsOf,
  generationOf,
  type Handicaps,
  indexOfRoute,
  type Lifted,
  liveOverrides,
  NO_HANDICAPS,
  type VersionSet,
  versionKey,
  weightsOf,
} from './overrides.ts';

/** What is in force. */
export interface Current {
  readonly config: Config;
  /** The same as the operator wrote it, without the endpoints that were found. */
  readonly intended: Config;
  readonly snapshot: Snapshot;
  /** ISO 8601. */
  readonly at: string;
}

export interface StoreOptions {
  /** Name of the document, for status and problems. */
  readonly file: string;
  readonly dials: Dials;
  /** Wall clock as ISO 8601. */
  readonly wallTime: () => string;
  readonly mayRecycle: MayRecycle;
}

/** What came of an offer. */
export type OfferResult =
  | {
      readonly kind: 'swapped';
      readonly current: Current;
      /** What was in force before, null at the start. */
      readonly before: Current | null;
      readonly warnings: readonly Problem[];
      /** Holds that ended because the operator changed what they were about. */
      readonly lifted: readonly Lifted[];
      readonly recycled: readonly RecycleCandidate[];
    }
  | { readonly kind: 'unchanged'; readonly current: Current; readonly warnings: readonly Problem[] }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

/** A weight in force that changed because versions went down, drifted or came back. */
export interface WeightShift {
  readonly route: string;
  readonly service: string;
  readonly version: string;
  readonly before: number;
  readonly after: number;
  readonly because: string;
}

/** Holds the configuration in force. Main thread only. */
export class Store {
  readonly #options: StoreOptions;
  #current: Current | null = null;
  #find: FindEndpoints = FIND_NONE;
  #ids: LiveIds = NO_IDS;
  #memory: Memory | null = null;
  /** By route. */
  #held: Map<string, readonly Override[]> = new Map();
  #handicaps: Handicaps = NO_HANDICAPS;
  #revision = 0;
  #accepted = 0;
  #refused = 0;
  #last: ConfigStatus['last'];

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#last = { at: options.wallTime(), result: 'refused', problems: [] };
  }

  /** What is in force, null before the first accepted configuration. */
  get current(): Current | null {
    return this.#current;
  }

  /** Weights held against the operator's. */
  get overrides(): readonly Override[] {
    return [...this.#held.values()].flat();
  }

  /** Takes the result of parsing a document; puts it in force or keeps what is. */
  offer(parsed: ParseResult): OfferResult {
    if (!parsed.ok) return this.#refuse(parsed.problems);
    const hash = parsed.hash ?? hashConfig(parsed.config);
    if (this.#current?.snapshot.hash === hash) return this.#confirm(this.#current, parsed.warnings);
    const { live, lifted } = liveOverrides(parsed.config, this.overrides);
    const config = withDiscovered(parsed.config, this.#find);
    const compiled = this.#compile(config, hash, live);
    if (compiled instanceof SluiceError) return this.#refuse([this.#exhausted(compiled)]);
    const before = this.#current;
    const current = this.#swap({ config, intended: parsed.config, at: this.#accept() }, compiled);
    this.#held = byRoute(live);
    return { kind: 'swapped', current, before, warnings: parsed.warnings, lifted, recycled: compiled.recycled };
  }

  /** Has endpoints that versions look up found by `find`, from the next offer on. */
  discoverBy(find: FindEndpoints): void {
    this.#find = find;
  }

  /**
   * Looks endpoints up again. What came of it: a snapshot of the same configuration with a revision of its own, or why the
   * endpoints stay as they were; null when they are the same. It is no new configuration: neither counted nor remembered.
   */
  rediscover(): OfferResult | null {
    const before = this.#current;
    if (before === null) return null;
    const { intended, at } = before;
    const config = withDiscovered(intended, this.#find);
    if (hasSameEndpoints(config, before.config)) return null;
    const compiled = this.#compile(config, before.snapshot.hash, this.overrides);
    if (compiled instanceof SluiceError) return { kind: 'refused', problems: [this.#exhausted(compiled)] };
    const current = this.#swap({ config, intended, at }, compiled);
    return { kind: 'swapped', current, before, warnings: [], lifted: [], recycled: compiled.recycled };
  }

  /** The generation an override of this route must carry now; null when there is no such route. */
  generationOf(route: string): string | null {
    return this.#current === null ? null : generationOf(this.#current.config, route);
  }

  /**
   * Sets all weights that are held on a route, instead of those before; none: the operator's are in force. False: stale.
   * Cost: that of one route, however many there are.
   */
  holdRoute({ route, generation, because, weights }: RouteHold): boolean {
    if (this.generationOf(route) !== generation) return false;
    const held = weights.map(({ version, weight }) => ({ route, version, weight, because, generation }));
    if (held.length === 0) this.#held.delete(route);
    else this.#held.set(route, held);
    this.#setDialsOf(route);
    return true;
  }

  /**
   * Takes which versions are down, instead of those before: they get no weighted traffic while another version of a route
   * can take over. Overrides stay what they are, and what is in force always follows from both.
   */
  setDown(down: VersionSet): WeightShift[] {
    return this.#shift({ ...this.#handicaps, down }, 'an endpoint passes its health check again');
  }

  /** Takes which versions drift, by `route/service/version`, instead of those before. */
  setDrifters(drifters: Handicaps['drifters']): WeightShift[] {
    if (drifters.size + this.#handicaps.drifters.size === 0) return [];
    return this.#shift({ ...this.#handicaps, drifters }, 'it does not drift any more');
  }

  /** @param otherwise why a weight is back */
  #shift(handicaps: Handicaps, otherwise: string): WeightShift[] {
    this.#handicaps = handicaps;
    const before = this.#setDials();
    const shifts: WeightShift[] = [];
    for (const [index, route] of this.#current?.snapshot.routes.entries() ?? []) {
      const scale = weightScaleOf(this.#current?.config.routes[index] as RouteConfig);
      for (const split of route.splits) {
        const weight = before.get(split.dial) as number;
        const after = getDial(this.#options.dials, split.dial);
        if (weight === after) continue;
        const { service, version } = split;
        const because = this.weightReason(route.name, split) || otherwise;
        shifts.push({ route: route.name, service, version, before: weight / scale, after: after / scale, because });
      }
    }
    return shifts;
  }

  /** Why a version's weight is not the operator's, or would not be if there were another version; empty when it is. */
  weightReason(route: string, split: SplitSpec): string {
    const override = this.#held.get(route)?.find(({ version }) => version === split.version);
    if (override !== undefined) return override.because;
    const drifter: Drifter | undefined = this.#handicaps.drifters.get(driftKey(route, split));
    const isDown = this.#handicaps.down.has(versionKey(split));
    if (!isDown && drifter === undefined) return '';
    const because = isDown ? 'every endpoint fails its health check' : drifter?.because;
    const isIn = getDial(this.#options.dials, split.dial) !== 0 && (isDown || drifter?.keepRatio === 0);
    return `${because}${isIn ? ', and no other version can take over' : ''}`;
  }

  /** For `GET /api/v1/status`. Revision 0 and an empty hash before the first accepted configuration. */
  status(): ConfigStatus {
    return {
      file: this.#options.file,
      revision: this.#current?.snapshot.revision ?? 0,
      hash: this.#current?.snapshot.hash ?? '',
      loadedAt: this.#current?.at ?? '',
      reloads: { accepted: this.#accepted, refused: this.#refused },
      last: this.#last,
    };
  }

  /** Running out of counters is the operator's to know, not a crash. */
  #compile(config: Config, hash: string, overrides: readonly Override[]): Compiled | SluiceError {
    try {
      const revision = this.#revision + 1;
      const { mayRecycle } = this.#options;
      const [handicaps, ids, before] = [this.#handicaps, this.#ids, this.#memory];
      return compile({ config, hash, revision, overrides, handicaps, ids, mayRecycle, before });
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'SLU_CELLS_EXHAUSTED') return error;
      throw error;
    }
  }

  #swap(what: Omit<Current, 'snapshot'>, { snapshot, weights, ids, memory }: Compiled): Current {
    for (const { dial, weight } of weights) setDial(this.#options.dials, dial, weight);
    const current = { ...what, snapshot };
    this.#current = current;
    this.#ids = ids;
    this.#memory = memory;
    this.#revision = snapshot.revision;
    return current;
  }

  /** Stores the weights in force; returns what was there, by dial. */
  #setDials(): Map<number, number> {
    const before = new Map<number, number>();
    if (this.#current === null) return before;
    const { config, snapshot } = this.#current;
    for (const { dial, weight } of weightsOf({ config, routes: snapshot.routes }, this.overrides, this.#handicaps)) {
      before.set(dial, setDial(this.#options.dials, dial, weight));
    }
    return before;
  }

  #setDialsOf(name: string): void {
    const { config, snapshot } = this.#current as Current;
    const index = indexOfRoute(config, name) as number;
    const route = config.routes[index] as RouteConfig;
    const weights = effectiveWeightsOf(config, route, this.#held.get(name) ?? [], this.#handicaps);
    const { splits } = snapshot.routes[index] as RouteSpec;
    for (const [n, { dial }] of splits.entries()) setDial(this.#options.dials, dial, weights[n] as number);
  }

  #confirm(current: Current, warnings: readonly Problem[]): OfferResult {
    this.#accept();
    return { kind: 'unchanged', current, warnings };
  }

  #accept(): string {
    const at = this.#options.wallTime();
    this.#accepted += 1;
    this.#last = { at, result: 'accepted', problems: [] };
    return at;
  }

  #refuse(problems: readonly Problem[]): OfferResult {
    this.#refused += 1;
    this.#last = { at: this.#options.wallTime(), result: 'refused', problems };
    return { kind: 'refused', problems };
  }

  #exhausted(error: SluiceError): Problem {
    const { file } = this.#options;
    const hint = 'restart the gateway, or split the document over several';
    const expected = 'a free counter for every route, version and endpoint';
    return { code: error.code, file, line: 0, column: 0, path: '', expected, got: error.message, hint };
  }
}
