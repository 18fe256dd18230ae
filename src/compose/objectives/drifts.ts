/**
 * Composition of the response to drift: what the watch finds becomes weights, more of the access log, log lines, saved state.
 */

import { nowMs, wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { RestoreResult } from '../../model/rollout.ts';
import type { DriftChange, DriftStanding } from '../../model/slo.ts';
import type { SavedBudget } from '../../model/threads/state.ts';
import type { Region } from '../../proxy/threads/workers.ts';
import { DriftingVersions, keyOf } from '../../slo/budget/drift/versions.ts';
import { type Dials, getDial } from '../../snapshot/dials.ts';
import { driftsOf } from '../../snapshot/drifts.ts';
import type { Drifter } from '../../snapshot/overrides.ts';
import type { Current, Store } from '../../snapshot/store.ts';

/** Among the budgets in the state store, which they outlive like these. */
const KEY_PREFIX = 'drift/';
const FORMAT = 1;

export interface DriftsDeps {
  readonly dials: Dials;
  readonly store: Store;
  readonly log: Log;
  /** Of whose requests the access log is to write more changed (`logged`). */
  readonly logMore: () => void;
  /** Keeps what is to outlive the process. */
  readonly save: (budgets: ReadonlyMap<string, SavedBudget>) => void;
}

export class Drifts {
  readonly #deps: DriftsDeps;
  readonly #versions = new DriftingVersions();
  #standings: ReadonlyMap<string, DriftStanding> = new Map();
  /** What a person said in this process: it overrules what an earlier one saved. */
  readonly #restored = new Set<string>();

  constructor(deps: DriftsDeps) {
    this.#deps = deps;
  }

  /** Takes in a configuration that is in force. */
  follow({ config, snapshot }: Current): void {
    this.#versions.follow(driftsOf(config, snapshot), nowMs());
    this.#apply();
  }

  /** One turn of the loop. */
  turn(regions: readonly Region[], atMs: number): void {
    this.#tell(this.#versions.turn(regions, atMs, (dial) => getDial(this.#deps.dials, dial)));
  }

  /** A person brings the versions of a route back. */
  restore(route: string, by: string, reason: string): RestoreResult {
    const changes = this.#versions.restore(route, by, reason);
    this.#tell(changes);
    if (changes.length > 0) return { kind: 'restored', changes };
    const offline = [...this.#standings.entries()].filter(([, { kind }]) => kind === 'offline').map(([key]) => key);
    const others = offline.length === 0 ? 'none is' : `offline: ${offline.slice(0, 5).join(', ')}`;
    return { kind: 'refused', detail: `no version of route ${route} is offline because it drifted; ${others}` };
  }

  /** By `route/service/version`: every version that is not steady. */
  get standings(): ReadonlyMap<string, DriftStanding> {
    return this.#standings;
  }

  /** Of which versions the access log writes more: shares by cell. */
  get logged(): ReadonlyMap<number, number> {
    return this.#versions.logged();
  }

  /** For the state store: versions that are offline, and those that are not any more. */
  save(): Map<string, SavedBudget> {
    const saved = new Map<string, SavedBudget>();
    for (const key of this.#restored) saved.set(KEY_PREFIX + key, toSaved(''));
    for (const [key, { kind, sentence }] of this.#standings) {
      if (kind === 'offline') saved.set(KEY_PREFIX + key, toSaved(sentence));
    }
    return saved;
  }

  /** Whether a saved budget is none, but a version's drift; then it goes on. */
  recall(key: string, { format, bytes }: SavedBudget): boolean {
    if (!key.startsWith(KEY_PREFIX)) return false;
    if (format !== FORMAT) throw new Error(`format ${format} is not ${FORMAT}`);
    const sentence = Buffer.from(bytes).toString();
    const version = key.slice(KEY_PREFIX.length);
    if (sentence === '' || this.#restored.has(version)) return true;
    const isKnown = this.#versions.recall({ key: version, sentence }, nowMs());
    if (isKnown) this.#apply();
    else this.#deps.log.info('drift_stale', { version, sentence });
    return true;
  }

  #tell(changes: readonly DriftChange[]): void {
    if (changes.length === 0) return;
    for (const change of changes) {
      this.#deps.log.warn('version_drift', { ...change });
      if (change.before === 'offline') this.#restored.add(keyOf(change));
      if (change.after === 'offline') this.#restored.delete(keyOf(change));
    }
    this.#apply();
    this.#deps.save(this.save());
  }

  #apply(): void {
    const before = this.#standings;
    this.#standings = this.#versions.standings();
    const drifters = new Map<string, Drifter>();
    for (const [key, { kind, sentence: because }] of this.#standings) {
      drifters.set(key, { keepRatio: kind === 'offline' ? 0 : this.#versions.keepRatio(key), because });
    }
    for (const shift of this.#deps.store.setDrifters(drifters)) this.#deps.log.warn('version_weight', { ...shift });
    if (before.size + this.#standings.size > 0) this.#deps.logMore();
  }
}

/** Empty: it is not offline any more. */
function toSaved(sentence: string): SavedBudget {
  return { format: FORMAT, bytes: new Uint8Array(Buffer.from(sentence)), at: wallTime() };
}
