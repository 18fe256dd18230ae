/**
 * Composition of fault injection: which faults of the configuration are on now, told to the workers, the log and the state.
 *
 * ```
 * scheduled ─▸ active ─▸ over        by the wall clock, looked at every `LOOK_MS`
 *     └──────────┴─────▸ stopped     by a person, over restarts, until the fault's entry is another one
 * ```
 * Workers have the end of each active one on the monotonic clock, so it ends there whatever becomes of this thread.
 */

import { faultSentence, stateOf } from '../../health/faults.ts';
import { bothClocks, wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { canonicalJson } from '../../lib/text/canonical.ts';
import { every } from '../../lib/threads/ticker.ts';
import type { Config } from '../../model/config.ts';
import type { ActiveFaults, FaultConfig, FaultStatus, FaultStop, FaultStopResult } from '../../model/threads/faults.ts';
import type { SavedBudget } from '../../model/threads/state.ts';
import type { Workers } from '../../proxy/threads/workers.ts';
import type { Store } from '../../snapshot/store.ts';

const LOOK_MS = 200;
/** Among the budgets in the state store, which they outlive like these. */
const KEY_PREFIX = 'fault/';
const FORMAT = 1;

export interface FaultsDeps {
  readonly log: Log;
  readonly store: Store;
  readonly workers: () => Workers | null;
  readonly save: (rows: ReadonlyMap<string, SavedBudget>) => void;
}

export class Faults {
  readonly #deps: FaultsDeps;
  readonly #stopLooking: () => void;
  /** By id, what was ended as it was then; what is not configured any more goes with the next one that is ended. */
  readonly #stopped = new Map<string, string>();
  #active: ReadonlyMap<string, FaultConfig> = new Map();
  /** Those of `#of`: found once for each configuration, however many routes it has. */
  #configured: readonly FaultConfig[] = [];
  #of: Config | null = null;

  constructor(deps: FaultsDeps) {
    this.#deps = deps;
    this.#stopLooking = every(LOOK_MS, () => this.#look());
  }

  /** Every fault of the configuration in force. */
  status(): FaultStatus[] {
    const { wallMs } = bothClocks();
    return this.#all().map((fault) => ({
      id: fault.id,
      route: fault.id.slice(0, fault.id.lastIndexOf('/')),
      state: stateOf(fault, this.#isStopped(fault), wallMs),
      sentence: faultSentence(fault),
      from: new Date(fault.fromMs).toISOString(),
      until: new Date(fault.untilMs).toISOString(),
    }));
  }

  /** A person ends every fault, those that have not begun included. */
  stop({ by, reason }: FaultStop): FaultStopResult {
    const { wallMs } = bothClocks();
    const ending = this.#all().filter((fault) => !this.#isStopped(fault) && fault.untilMs > wallMs);
    if (ending.length === 0) return { kind: 'refused', detail: 'there is no fault that is active or scheduled' };
    const configured = new Set(this.#all().map(({ id }) => id));
    for (const id of this.#stopped.keys()) if (!configured.has(id)) this.#stopped.delete(id);
    for (const fault of ending) this.#stopped.set(fault.id, canonicalJson(fault));
    const ids = ending.map(({ id }) => id);
    this.#deps.log.warn('faults_stopped', { faults: ids, by, reason });
    this.#look();
    this.#deps.save(this.save());
    return { kind: 'stopped', ids };
  }

  /** For the state store: what was ended by hand. */
  save(): Map<string, SavedBudget> {
    const row = (text: string): SavedBudget => ({
      format: FORMAT,
      bytes: new Uint8Array(Buffer.from(text)),
      at: wallTime(),
    });
    return new Map([...this.#stopped].map(([id, text]) => [KEY_PREFIX + id, row(text)]));
  }

  /** Whether a saved budget is none, but a fault that was ended by hand. */
  recall(key: string, { format, bytes }: SavedBudget): boolean {
    if (!key.startsWith(KEY_PREFIX)) return false;
    if (format !== FORMAT) throw new Error(`format ${format} is not ${FORMAT}`);
    this.#stopped.set(key.slice(KEY_PREFIX.length), Buffer.from(bytes).toString());
    return true;
  }

  /** Looks no more; workers end what is active at its time. */
  close(): void {
    this.#stopLooking();
  }

  #all(): readonly FaultConfig[] {
    const config = this.#deps.store.current?.config ?? null;
    if (config !== this.#of) {
      this.#of = config;
      this.#configured = (config?.routes ?? []).flatMap(({ filters }) => filters.faults ?? []);
    }
    return this.#configured;
  }

  #isStopped(fault: FaultConfig): boolean {
    return this.#stopped.get(fault.id) === canonicalJson(fault);
  }

  #look(): void {
    const workers = this.#deps.workers();
    // Before anybody is served what a person has ended is not known yet.
    if (workers === null || !workers.status().some(({ state }) => state === 'serving')) return;
    const { nowMs, wallMs } = bothClocks();
    const on = this.#all().filter((fault) => stateOf(fault, this.#isStopped(fault), wallMs) === 'active');
    const before = this.#active;
    const isSame = on.length === before.size && on.every((fault) => before.get(fault.id) === fault);
    if (isSame) return;
    this.#active = new Map(on.map((fault) => [fault.id, fault]));
    const active: ActiveFaults = new Map(on.map(({ id, untilMs }) => [id, nowMs + untilMs - wallMs]));
    workers.inject(active);
    for (const fault of on) if (!before.has(fault.id)) this.#tell('fault_started', fault);
    for (const fault of before.values()) if (!this.#active.has(fault.id)) this.#tell('fault_ended', fault);
  }

  #tell(event: 'fault_started' | 'fault_ended', fault: FaultConfig): void {
    const until = new Date(fault.untilMs).toISOString();
    this.#deps.log.warn(event, { fault: fault.id, sentence: faultSentence(fault), until });
  }
}
