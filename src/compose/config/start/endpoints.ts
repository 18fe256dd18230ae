/**
 * Composition of endpoints that outlive the process: what lookups held, in rows of their own among the budgets of the state store.
 *
 * ```
 * lookups ─▶ rows            KEPT_MS after a change; when each was last confirmed, every CONFIRM_MS; everything at the end
 * rows ─▶ lookups that have not answered when the state was read: they go on with it until they do
 * ```
 * A lookup that nobody asks for any more is forgotten, and its row is another's. What may be too old is the registry's last
 * confirmation; what another registry held is nobody's.
 */

import { bothClocks, nowMs, wallTime } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import type { SavedBudget } from '../../../model/threads/state.ts';
import type { Discovery, Holding } from '../../../sources/follow/discover/discovery.ts';
import {
  KEPT_CHARS_MAX,
  KEPT_FORMAT,
  type KeptLookup,
  lookupOf,
  packLookup,
  packTimes,
  timesOf,
} from '../../../sources/follow/discover/kept.ts';
import { LOOKUPS_MAX } from '../../../sources/follow/discover/lookup.ts';
import type { Item } from '../../../sources/follow/source.ts';
import { codeOf } from '../../../sources/problems/codes.ts';
import type { StaleStartSettings } from '../../../sources/stores/settings.ts';
import { shown } from '../config-log.ts';

/** Among the budgets in the state store, which they outlive like these. */
const KEY_PREFIX = 'endpoints/';
const CONFIRMED_KEY = `${KEY_PREFIX}confirmed`;
/** What all rows may take together. */
export const KEPT_BYTES_MAX = 16 * 1024 * 1024;
const KEPT_MS = 1000;
/** In a storm the wait is so many times what packing took: a twentieth of this thread. */
const WAIT_RATIO = 20;
const CONFIRM_MS = 30_000;
const FREE = new Uint8Array(0);

/** Whether a start may go on with what is kept. */
export interface StaleRules extends StaleStartSettings {
  /** The command line says that it may not. */
  readonly isFreshRequired: boolean;
}

export interface KeptEndpointsDeps {
  readonly log: Pick<Log, 'warn' | 'error'>;
  /** Lookups go on with what is kept: their endpoints may be used. */
  readonly recalled: () => void;
  /** Keeps rows for the next process. */
  readonly save: (rows: ReadonlyMap<string, SavedBudget>) => void;
}

/** A row that is this lookup's. */
interface Row {
  readonly slot: number;
  /** That it was packed of; null: of an earlier process. */
  readonly pieces: readonly Item[] | null;
  readonly bytes: Uint8Array;
}

/** A lookup that goes on with what is kept. */
interface Stale {
  readonly key: string;
  readonly name: string;
  readonly instances: number;
  readonly confirmedAt: string;
}

export class KeptEndpoints {
  readonly #deps: KeptEndpointsDeps;
  #discovery: Pick<Discovery, 'holdings' | 'recall'> | null = null;
  #rules: StaleRules = { isAllowed: true, ageMsMax: Number.POSITIVE_INFINITY, isFreshRequired: false };
  /** By key of the lookup. */
  #rows: ReadonlyMap<string, Row> = new Map();
  /** Slots that hold, or held, a row. */
  readonly #used = new Set<number>();
  /** What was handed on to be saved, by key. */
  #saved: ReadonlyMap<string, Uint8Array> = new Map();
  /** Of an earlier process: what lookups held that have not answered yet, with their bytes, and when they were confirmed. */
  readonly #kept = new Map<string, KeptLookup & { readonly bytes: Uint8Array }>();
  #times: ReadonlyMap<string, string> = new Map();
  /** Lookups that go on with what is kept, and have their time to answer still: nothing is told of them yet. */
  #early: readonly Stale[] = [];
  /** Lookups that were told to be too large. */
  readonly #told = new Set<string>();
  /** Everything, when it ended. */
  #last: ReadonlyMap<string, Uint8Array> | null = null;
  #timer: NodeJS.Timeout | null = null;
  /** How long it took last time. */
  #tookMs = 0;
  #confirming: NodeJS.Timeout | null = null;

  constructor(deps: KeptEndpointsDeps) {
    this.#deps = deps;
  }

  /** Begins to keep what these lookups hold. */
  begin(discovery: Pick<Discovery, 'holdings' | 'recall'>, rules: StaleRules): void {
    this.#discovery = discovery;
    this.#rules = rules;
    this.#confirming = setInterval(() => this.#saveNews(), CONFIRM_MS).unref();
  }

  /** A lookup holds something else, or was opened or closed. */
  changed(): void {
    if (this.#last !== null) return;
    this.#timer ??= setTimeout(() => this.#saveNews(), Math.max(KEPT_MS, WAIT_RATIO * this.#tookMs)).unref();
  }

  /** To be called before lookups end: what they hold now is what is saved from then on. Idempotent. */
  close(): void {
    this.#last ??= this.#packed();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#confirming !== null) clearInterval(this.#confirming);
    [this.#timer, this.#confirming] = [null, null];
  }

  // ── what outlives the process ───────────────────────────────────────────────────────────────────────────────────

  /** Everything; nothing where nothing was ever looked up. */
  save(): Map<string, SavedBudget> {
    return savedOf(this.#last ?? this.#packed());
  }

  /** Whether a saved budget is none, but of a lookup; then it is taken in. @throws Error when it is damaged */
  recall(key: string, { format, bytes }: SavedBudget): boolean {
    if (!key.startsWith(KEY_PREFIX)) return false;
    const slot = Number(key.slice(KEY_PREFIX.length));
    if (Number.isInteger(slot)) this.#used.add(slot);
    if (format !== KEPT_FORMAT) throw new Error(`format ${format} is not ${KEPT_FORMAT}`);
    if (bytes.length === 0) return true;
    if (key === CONFIRMED_KEY) this.#times = timesOf(bytes);
    else {
      const kept = lookupOf(bytes);
      this.#kept.set(kept.key, { ...kept, bytes });
    }
    return true;
  }

  /** Everything that is saved was recalled: lookups that have not answered go on with it. */
  recalled(): void {
    const { wallMs } = bothClocks();
    const [stale, early]: [Stale[], Stale[]] = [[], []];
    const refused = new Map<string, string[]>();
    for (const { key, name, registry, isSettled, held } of this.#discovery?.holdings() ?? []) {
      const kept = this.#kept.get(key);
      if (held !== null || kept === undefined) continue;
      const { pieces } = kept;
      const confirmedAt = this.#times.get(key) ?? kept.confirmedAt;
      const ageMs = wallMs - Date.parse(confirmedAt);
      const because = kept.registry === registry ? this.#refusal(ageMs) : 'it is of another registry';
      if (because !== '') refused.set(because, [...(refused.get(because) ?? []), name]);
      else if (this.#discovery?.recall(key, { pieces, confirmedAt, confirmedMs: Math.max(0, ageMs) }) === true) {
        (isSettled ? stale : early).push({ key, name, instances: pieces.length, confirmedAt });
      }
    }
    for (const [because, names] of refused) {
      this.#deps.log.warn('endpoints_not_recalled', { lookups: shown(names), because });
    }
    if (stale.length > 0) this.#tell(stale);
    this.#early = [...this.#early, ...early];
    if (stale.length + early.length > 0) this.#deps.recalled();
    // Nothing of what was saved before the rows were read is known to be there.
    this.#saved = new Map();
    this.changed();
  }

  /** Lookups have had their time to answer. @param names of those that have not */
  unanswered(names: readonly string[]): void {
    const holdings = new Map(this.#discovery?.holdings().map((one) => [one.key, one]));
    const isStale = ({ key, confirmedAt }: Stale): boolean => holdings.get(key)?.held?.confirmedAt === confirmedAt;
    const stale = this.#early.filter((one) => names.includes(one.name) && isStale(one));
    this.#early = this.#early.filter((one) => !names.includes(one.name) && isStale(one));
    if (stale.length > 0) this.#tell(stale);
  }

  /** A lookup that went on with what is kept has answered. @returns whether it was told that it went on */
  answered(name: string): boolean {
    const isEarly = this.#early.some((one) => one.name === name);
    this.#early = this.#early.filter((one) => one.name !== name);
    return !isEarly;
  }

  #tell(stale: readonly Stale[]): void {
    const instances = stale.reduce((sum, one) => sum + one.instances, 0);
    const [confirmedAt] = stale.map((one) => one.confirmedAt).toSorted();
    const lookups = shown(stale.map(({ name }) => name));
    this.#deps.log.error('endpoints_stale', { code: codeOf('staleEndpoints'), lookups, instances, confirmedAt });
  }

  /** Why what was confirmed so long ago may not be gone on with; empty: it may. */
  #refusal(ageMs: number): string {
    const { isAllowed, ageMsMax, isFreshRequired } = this.#rules;
    if (isFreshRequired) return '--require-fresh';
    if (!isAllowed) return 'follow.staleStart: false';
    // A clock that stands so far before that says nothing about its age.
    return Math.abs(ageMs) <= ageMsMax ? '' : 'it is older than follow.staleStartMax, or the clock is wrong';
  }

  // ── ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Saves what is not as it was saved last. */
  #saveNews(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const startedAtMs = nowMs();
    const rows = this.#packed();
    this.#tookMs = nowMs() - startedAtMs;
    const before = this.#saved;
    const news = savedOf([...rows].filter(([key, bytes]) => before.get(key) !== bytes));
    if (news.size > 0) this.#deps.save(news);
    this.#saved = rows;
  }

  /** Every row by its key, the same bytes as long as it stays what it is; an empty one is free. */
  #packed(): Map<string, Uint8Array> {
    const holdings = this.#discovery?.holdings() ?? [];
    this.#pack(holdings);
    const rows = new Map<string, Uint8Array>();
    for (const slot of this.#used) rows.set(KEY_PREFIX + slot, FREE);
    for (const { slot, bytes } of this.#rows.values()) rows.set(KEY_PREFIX + slot, bytes);
    if (rows.size > 0) rows.set(CONFIRMED_KEY, packTimes(this.#confirmedOf(holdings)));
    return rows;
  }

  #pack(holdings: readonly Holding[]): void {
    const before = this.#rows;
    // Those of lookups that are gone are free.
    const slots = new Set(holdings.flatMap(({ key }) => before.get(key)?.slot ?? []));
    const rows = new Map<string, Row>();
    let sum = 0;
    for (const holding of holdings) {
      const { key, held } = holding;
      const last = before.get(key);
      const bytes = held !== null && last?.pieces === held.pieces ? last.bytes : this.#bytesOf(holding);
      if (bytes === null) continue;
      const slot = last?.slot ?? freeSlot(slots);
      if (slot >= LOOKUPS_MAX || sum + bytes.length > KEPT_BYTES_MAX) {
        this.#tellTooLarge(holding);
        continue;
      }
      sum += bytes.length;
      slots.add(slot);
      this.#used.add(slot);
      rows.set(key, { slot, pieces: held?.pieces ?? null, bytes });
    }
    this.#rows = rows;
    this.#forget(holdings);
  }

  /** Null: nothing is known, or too much. */
  #bytesOf(holding: Holding): Uint8Array | null {
    const { key, registry, held } = holding;
    // May be gone on with by a later start, as this one does not.
    if (held === null) return this.#kept.get(key)?.bytes ?? null;
    const bytes = packLookup({ key, registry, ...held });
    if (bytes === null) this.#tellTooLarge(holding);
    return bytes;
  }

  /** What is not asked for any more, or has answered. */
  #forget(holdings: readonly Holding[]): void {
    const silent = new Set(holdings.filter(({ held }) => held === null).map(({ key }) => key));
    for (const key of this.#kept.keys()) if (!silent.has(key)) this.#kept.delete(key);
  }

  #confirmedOf(holdings: readonly Holding[]): Map<string, string> {
    const times = holdings.flatMap(({ key, held }): [string, string][] => {
      const at = held?.confirmedAt ?? this.#times.get(key) ?? this.#kept.get(key)?.confirmedAt;
      return at === undefined ? [] : [[key, at]];
    });
    return new Map(times);
  }

  #tellTooLarge({ key, name }: Holding): void {
    if (this.#told.has(key)) return;
    this.#told.add(key);
    const because = `one may take ${KEPT_CHARS_MAX} characters, all ${KEPT_BYTES_MAX} bytes, packed, and ${LOOKUPS_MAX} rows`;
    this.#deps.log.warn('endpoints_not_kept', { lookup: name, because });
  }
}

function freeSlot(taken: ReadonlySet<number>): number {
  let slot = 0;
  while (taken.has(slot)) slot += 1;
  return slot;
}

/** Copies: what is saved is handed over to the thread that writes. */
function savedOf(rows: Iterable<readonly [key: string, bytes: Uint8Array]>): Map<string, SavedBudget> {
  const at = wallTime();
  return new Map([...rows].map(([key, bytes]) => [key, { format: KEPT_FORMAT, bytes: Uint8Array.from(bytes), at }]));
}
