/**
 * Locks in Consul: a key per lock, held by a session of its holder.
 *
 * ```
 * acquire   GET key, or all below the prefix ─▶ another's: taken
 *                   ├▶ nobody's: session ▸ txn  lock                                      token = CreateIndex
 *                   └▶ ours: renew the session if it is time; of a process before this one ▸ txn  delete-cas, lock
 * release   txn  delete-cas, and the session is destroyed
 * ```
 * A session deletes its key when it ends, so `LockIndex` begins anew with each holder: the token is `CreateIndex`, which rises. Consul's
 * sessions last at least 10 s and end up to twice as late, never earlier: no check of a node is bound to them, and there is no delay after one.
 * Locks that are asked for side by side are read in one question. A session is renewed when it would not surely last as long as the
 * lock is wanted: of a lease of 3 s every 6 s.
 * Source: Consul's HTTP API, "Sessions" and "Transactions" (tested with 1.8.7).
 */

import { nowMs } from '../../../lib/clock.ts';
import type { Grant, LockStore, Resource } from '../../../model/threads/fleet.ts';
import { type Answer, StoreClient } from '../client.ts';
import { addressOf } from '../consul/api.ts';
import { nameOfSource } from '../name.ts';
import type { ConsulSettings } from '../settings.ts';
import { Gatherer } from './gather.ts';
import { Holds } from './holds.ts';

/** Longest exchange about one lock: a gateway that waits longer counts on nothing any more. */
const LOCK_MS = 1500;
/** What Consul gives at least. */
export const SESSION_MS_LEAST = 10_000;
/** An invalid session is deleted within twice its time. Source: Consul's "Sessions", "TTL". */
const LATEST = 2;
const SECOND_MS = 1000;
/** All locks of a fleet, some hundred bytes each. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
const TOGETHER_MAX = 1000;
/** Part of a session's time that is counted on: clocks do not run alike. */
const SURE = 0.9;

/** Opens the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openConsulLocks(settings: ConsulSettings, fleet: string): LockStore {
  return new ConsulLocks(settings, fleet);
}

interface Entry {
  readonly Value: string | null;
  readonly CreateIndex: number;
  readonly ModifyIndex: number;
  readonly Session?: string;
}

class ConsulLocks implements LockStore {
  readonly #settings: ConsulSettings;
  readonly #client: StoreClient;
  readonly #prefix: string;
  /** By key and owner: one for each lock that this process holds or wanted last. */
  readonly #sessions = new Holds(nowMs);
  readonly #reads = new Gatherer<string, Entry | null>((keys, signal) => this.#readAll(keys, signal), TOGETHER_MAX);

  constructor(settings: ConsulSettings, fleet: string) {
    this.#settings = settings;
    const name = nameOfSource(settings);
    this.#client = new StoreClient({ name, tls: settings.tls, secrets: [settings.token] });
    // Beside the documents: a key below their prefix would be one of them.
    this.#prefix = `${settings.prefix}-locks/${fleet}/`;
  }

  async acquire(resource: Resource, owner: string, ttlMs: number): Promise<Grant> {
    const key = this.#keyOf(resource);
    const askedMs = nowMs();
    const signal = AbortSignal.timeout(LOCK_MS);
    const leftMs = LATEST * Math.max(SESSION_MS_LEAST, ttlMs);
    const entry = await this.#reads.ask(key, signal);
    const isHeld = entry?.Session !== undefined;
    const holder = Buffer.from(entry?.Value ?? '', 'base64').toString('utf8');
    if (isHeld && holder !== owner) {
      this.#sessions.drop(`${key} ${owner}`);
      return { kind: 'taken', owner: holder, leftMs };
    }
    const name = `${key} ${owner}`;
    const isOurs = isHeld && entry.Session === this.#sessions.get(name);
    if (isOurs && this.#sessions.sureUntilMs(name) >= askedMs + ttlMs) {
      return { kind: 'held', token: entry.CreateIndex };
    }
    const session = await this.#sessionFor(name, ttlMs, signal);
    if (isHeld && entry.Session === session) return { kind: 'held', token: entry.CreateIndex };
    const token = await this.#lock(key, { owner, session, entry }, signal);
    return token === null ? { kind: 'taken', owner: '', leftMs } : { kind: 'held', token };
  }

  async release(resource: Resource, owner: string): Promise<void> {
    const key = this.#keyOf(resource);
    const signal = AbortSignal.timeout(LOCK_MS);
    const entry = await this.#read(key, signal);
    const isOurs = entry !== null && Buffer.from(entry.Value ?? '', 'base64').toString('utf8') === owner;
    if (isOurs) await this.#transact([removal(key, entry)], signal);
    const session = this.#sessions.get(`${key} ${owner}`);
    this.#sessions.drop(`${key} ${owner}`);
    if (session !== null) await this.#put(`/v1/session/destroy/${session}`, null, signal);
  }

  close(): void {
    this.#client.close();
  }

  #keyOf({ tag, name }: Resource): string {
    return this.#prefix + [tag, name].map(encodeURIComponent).join('/');
  }

  async #read(key: string, signal: AbortSignal): Promise<Entry | null> {
    const answer = await this.#ask('GET', `/v1/kv/${encodeURI(key)}`, { fields: ['consistent'], body: null }, signal);
    if (answer.status === 404) return null;
    if (answer.status !== 200) throw this.#client.refusal(answer);
    const [entry] = this.#json(answer) as readonly Entry[];
    if (typeof entry?.CreateIndex !== 'number') throw this.#client.failure('the answer is no key: is this Consul?');
    return entry;
  }

  /** Of several keys all of the fleet's are read: that is one question too. */
  async #readAll(keys: readonly string[], signal: AbortSignal): Promise<(Entry | null)[]> {
    const [first = '', ...others] = keys;
    if (others.length === 0) return [await this.#read(first, signal)];
    const fields = ['recurse', 'consistent'];
    const answer = await this.#ask('GET', `/v1/kv/${encodeURI(this.#prefix)}`, { fields, body: null }, signal);
    if (answer.status !== 200 && answer.status !== 404) throw this.#client.refusal(answer);
    const entries = answer.status === 404 ? [] : (this.#json(answer) as readonly (Entry & { readonly Key: string })[]);
    if (!entries.every(({ Key, CreateIndex }) => typeof Key === 'string' && typeof CreateIndex === 'number')) {
      throw this.#client.failure('the answer is no list of keys: is this Consul?');
    }
    const byKey = new Map(entries.map((entry) => [entry.Key, entry]));
    return keys.map((key) => byKey.get(key) ?? null);
  }

  /** A session that begins now: the one of before, renewed, or a new one. */
  async #sessionFor(name: string, ttlMs: number, signal: AbortSignal): Promise<string> {
    const lastMs = LATEST * Math.max(SESSION_MS_LEAST, ttlMs);
    const seconds = Math.ceil(Math.max(SESSION_MS_LEAST, ttlMs) / SECOND_MS);
    const sureUntilMs = nowMs() + SURE * seconds * SECOND_MS;
    const known = this.#sessions.get(name);
    if (known !== null) {
      const renewed = await this.#ask('PUT', `/v1/session/renew/${known}`, { fields: [], body: null }, signal);
      if (renewed.status !== 200 && renewed.status !== 404) throw this.#client.refusal(renewed);
      if (renewed.status === 200) {
        this.#sessions.keep(name, known, lastMs, sureUntilMs);
        return known;
      }
      this.#sessions.drop(name);
    }
    const wanted = { Name: 'sluice', TTL: `${seconds}s`, LockDelay: '0s', Behavior: 'delete', NodeChecks: [] };
    const { ID } = this.#json(await this.#put('/v1/session/create', wanted, signal)) as { readonly ID?: unknown };
    if (typeof ID !== 'string') throw this.#client.failure('a session without a name: is this Consul?');
    this.#sessions.keep(name, ID, lastMs, sureUntilMs);
    return ID;
  }

  /** The token; null when somebody was faster. */
  async #lock(
    key: string,
    { owner, session, entry }: { readonly owner: string; readonly session: string; readonly entry: Entry | null },
    signal: AbortSignal,
  ): Promise<number | null> {
    const value = Buffer.from(owner).toString('base64');
    const lock = { KV: { Verb: 'lock', Key: key, Value: value, Session: session } };
    const results = await this.#transact(entry === null ? [lock] : [removal(key, entry), lock], signal);
    return results?.find(({ KV }) => KV !== undefined && KV.Session === session)?.KV?.CreateIndex ?? null;
  }

  /** Null: something was another than it had been. */
  async #transact(
    operations: readonly object[],
    signal: AbortSignal,
  ): Promise<readonly { readonly KV?: Entry }[] | null> {
    const answer = await this.#ask('PUT', '/v1/txn', { fields: [], body: operations }, signal);
    if (answer.status === 409) return null;
    if (answer.status !== 200) throw this.#client.refusal(answer);
    const { Results } = this.#json(answer) as { readonly Results?: readonly { readonly KV?: Entry }[] | null };
    return Results ?? [];
  }

  async #put(path: string, body: object | null, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#ask('PUT', path, { fields: [], body }, signal);
    if (answer.status !== 200) throw this.#client.refusal(answer);
    return answer;
  }

  #ask(
    method: 'GET' | 'PUT',
    path: string,
    { fields, body }: { readonly fields: readonly string[]; readonly body: object | null },
    signal: AbortSignal,
  ): Promise<Answer> {
    return this.#client.ask({
      ...addressOf(this.#settings, path, fields),
      method,
      ...(body === null ? {} : { body: JSON.stringify(body) }),
      signal,
      timeoutMs: LOCK_MS,
      bytesMax: ANSWER_BYTES_MAX,
    });
  }

  #json({ text }: Answer): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.#client.failure('the answer is no JSON: is this Consul?', error);
    }
  }
}

function removal(key: string, { ModifyIndex }: Entry): object {
  return { KV: { Verb: 'delete-cas', Key: key, Index: ModifyIndex } };
}
