/**
 * Locks in etcd: a key per lock, bound to a lease of its holder.
 *
 * ```
 * acquire   txn of ranges ─▶ another's: taken
 *                         ├▶ nobody's: lease ▸ txn  create_revision = 0 ▸ put          token = create_revision
 *                         └▶ ours: keep the lease alive; of a process before this one ▸ txn  mod_revision = N ▸ put with our lease
 * release   txn  value = owner ▸ delete, and the lease is revoked
 * ```
 * Locks that are asked for side by side are read in one question, and their leases kept alive in one: two calls for all that are
 * held, one for all that are another's.
 * The token is the revision that made the key, so it rises from holder to holder. A lease lasts whole seconds, rounded up, and etcd
 * gives at least 2 s (with its default timing); it ends within about a second of its time, never before it. A new leader of etcd begins
 * every lease anew.
 * Source: etcd's rpc.proto, "Lease" and "Txn" (tested with 3.4.23).
 */

import { nowMs } from '../../../lib/clock.ts';
import type { Grant, LockStore, Resource } from '../../../model/threads/fleet.ts';
import { EtcdGateway, toBase64 } from '../etcd-gateway.ts';
import type { EtcdSettings } from '../settings.ts';
import { Gatherer } from './gather.ts';
import { Holds } from './holds.ts';

/** Longest exchange about one lock: a gateway that waits longer counts on nothing any more. */
const LOCK_MS = 1500;
const SECOND_MS = 1000;
/** A lease is over within this many times its own, rounding and etcd's minimum included. */
const LATEST = 4;
/** etcd takes 128 questions in one unless it is told otherwise. */
const TOGETHER_MAX = 100;

/** Opens the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openEtcdLocks(settings: EtcdSettings, fleet: string): LockStore {
  return new EtcdLocks(settings, fleet);
}

interface Entry {
  readonly owner: string;
  readonly created: string;
  readonly changed: string;
  /** Decimal; 0: none. */
  readonly lease: string;
}

class EtcdLocks implements LockStore {
  readonly #gateway: EtcdGateway;
  readonly #prefix: string;
  /** By key and owner: one for each lock that this process holds or wanted last. */
  readonly #leases = new Holds(nowMs);
  readonly #reads = new Gatherer<string, Entry | null>((keys, signal) => this.#readAll(keys, signal), TOGETHER_MAX);
  /** Asks for leases to be kept alive; answered with how many seconds they have, 0: there is none. */
  readonly #renewals = new Gatherer<string, number>((leases, signal) => this.#renewAll(leases, signal), TOGETHER_MAX);

  constructor(settings: EtcdSettings, fleet: string) {
    this.#gateway = new EtcdGateway(settings);
    // Beside the documents: a key below their prefix would be one of them.
    this.#prefix = `${settings.prefix.replace(/\/+$/, '')}-locks/${fleet}/`;
  }

  async acquire(resource: Resource, owner: string, ttlMs: number): Promise<Grant> {
    const key = this.#keyOf(resource);
    return this.#within(async (signal) => {
      const entry = await this.#reads.ask(key, signal);
      if (entry !== null && entry.owner !== owner) {
        this.#leases.drop(`${key} ${owner}`);
        return { kind: 'taken', owner: entry.owner, leftMs: LATEST * Math.max(SECOND_MS, ttlMs) };
      }
      const lease = await this.#leaseFor(`${key} ${owner}`, ttlMs, signal);
      if (entry !== null && entry.lease === lease) return { kind: 'held', token: Number(entry.created) };
      const token = await this.#put(key, { owner, lease, entry }, signal);
      return token === null ? { kind: 'taken', owner: '', leftMs: ttlMs } : { kind: 'held', token };
    });
  }

  async release(resource: Resource, owner: string): Promise<void> {
    const key = this.#keyOf(resource);
    await this.#within(async (signal) => {
      const compare = [{ key: toBase64(key), target: 'VALUE', result: 'EQUAL', value: toBase64(owner) }];
      const success = [{ request_delete_range: { key: toBase64(key) } }];
      await this.#gateway.call('/v3/kv/txn', { compare, success }, signal);
      const lease = this.#leases.get(`${key} ${owner}`);
      this.#leases.drop(`${key} ${owner}`);
      if (lease !== null) await this.#gateway.call('/v3/lease/revoke', { ID: lease }, signal);
    });
  }

  close(): void {
    this.#gateway.client.close();
  }

  #keyOf({ tag, name }: Resource): string {
    return `${this.#prefix}${tag}/${name}`;
  }

  #within<T>(action: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const signal = AbortSignal.timeout(LOCK_MS);
    return this.#gateway.rotating(signal, () => action(signal));
  }

  async #readAll(keys: readonly string[], signal: AbortSignal): Promise<(Entry | null)[]> {
    const success = keys.map((key) => ({ request_range: { key: toBase64(key) } }));
    const { responses } = await this.#gateway.call('/v3/kv/txn', { success }, signal);
    const answers = (responses ?? []) as readonly {
      readonly response_range?: { readonly kvs?: readonly RawEntry[] };
    }[];
    return answers.map(({ response_range: range }) => entryOf(range?.kvs?.[0]));
  }

  async #renewAll(leases: readonly string[], signal: AbortSignal): Promise<number[]> {
    const questions = leases.map((ID) => ({ ID }));
    const answers = await this.#gateway.callEach('/v3/lease/keepalive', questions, signal);
    return answers.map(({ result }) => Number((result as { readonly TTL?: string } | undefined)?.TTL ?? 0));
  }

  /** A lease that begins now: the one of before, kept alive, or a new one. */
  async #leaseFor(name: string, ttlMs: number, signal: AbortSignal): Promise<string> {
    const lastMs = LATEST * Math.max(SECOND_MS, ttlMs);
    const known = this.#leases.get(name);
    if (known !== null) {
      if ((await this.#renewals.ask(known, signal)) > 0) {
        this.#leases.keep(name, known, lastMs);
        return known;
      }
      this.#leases.drop(name);
    }
    const seconds = Math.ceil(ttlMs / SECOND_MS);
    const { ID } = await this.#gateway.call('/v3/lease/grant', { TTL: String(seconds) }, signal);
    if (typeof ID !== 'string') throw this.#gateway.client.failure('a lease without a number: is this etcd?');
    this.#leases.keep(name, ID, lastMs);
    return ID;
  }

  /** The token; null when somebody was faster. */
  async #put(
    key: string,
    { owner, lease, entry }: { readonly owner: string; readonly lease: string; readonly entry: Entry | null },
    signal: AbortSignal,
  ): Promise<number | null> {
    const at = { key: toBase64(key), result: 'EQUAL' };
    const compare =
      entry === null
        ? { ...at, target: 'CREATE', create_revision: '0' }
        : { ...at, target: 'MOD', mod_revision: entry.changed };
    const put = { request_put: { key: toBase64(key), value: toBase64(owner), lease } };
    const answer = await this.#gateway.call('/v3/kv/txn', { compare: [compare], success: [put] }, signal);
    if (answer['succeeded'] !== true) return null;
    const { revision } = answer['header'] as { readonly revision: string };
    return Number(entry?.created ?? revision);
  }
}

type RawEntry = Readonly<Record<string, string | undefined>>;

function entryOf(kv: RawEntry | undefined): Entry | null {
  if (kv === undefined) return null;
  const { value = '', create_revision: created = '0', mod_revision: changed = '0', lease = '0' } = kv;
  return { owner: Buffer.from(value, 'base64').toString('utf8'), created, changed, lease };
}
