/**
 * etcd v3 over its JSON gateway: keys below a prefix, read at one revision, watched from the next.
 *
 * ```
 * list     POST /v3/kv/range     page after page, all at the revision of the first
 * watch    POST /v3/watch        a stream of lines from revision + 1; the first event, or its end, is the word
 * beside   POST /v3/kv/range     every `heartbeat`: the newest change below the prefix and the number of keys
 * ```
 * - A revision that was compacted away, or a watch that is canceled, means: list again.
 * - etcd's own progress notices come every ten minutes, and a watch can go silent (a partition, a frozen member). The
 *   question beside it notices both: it must be answered, and must show nothing that the watch should have told.
 * - After a failure the next member is asked. A token that is no longer known is renewed once.
 * 64-bit numbers are text, keys and values base64.
 * Source: etcd's "gRPC gateway" page and rpc.proto (tested with 3.4.23).
 */

import { byPieceName, type Item, mountOf, type Store } from '../follow/source.ts';
import type { StoreClient } from './client.ts';
import { EtcdGateway, type KeyValue, type RangeAnswer, rangeEnd, toBase64 } from './etcd-gateway.ts';
import { nameOfSource } from './name.ts';
import { pause } from './pause.ts';
import type { EtcdSettings } from './settings.ts';

/** Keys of one answer: half a MiB of routes, well below any limit of gRPC. */
const PAGE_KEYS = 1000;
/** Pages of one listing: more keys than pieces are taken anyway. */
const PAGES_MAX = 100;

/** Opens the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openEtcd(settings: EtcdSettings): Store {
  return openEtcdKeys(settings, {
    kind: 'etcd',
    name: nameOfSource(settings),
    itemOf: (key, rest, text) => {
      const mount = mountOf(rest);
      return mount === null ? null : { name: `etcd ${key}`, mount, text };
    },
  });
}

/** What the keys below a prefix are to their reader. */
export interface KeyReading<P extends Item> {
  readonly kind: Store['kind'];
  readonly name: string;
  /** @param rest of the key, after the prefix. Null: nothing */
  readonly itemOf: (key: string, rest: string, text: string) => P | null;
}

/** Opens the keys below a prefix, whatever they are. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openEtcdKeys<P extends Item>(settings: EtcdSettings, reading: KeyReading<P>): Store<P> {
  const gateway = new EtcdGateway(settings, reading.name);
  const { client } = gateway;
  /** Keys of the last listing, folders included. */
  let listed = { revision: '', count: '' };
  return {
    kind: reading.kind,
    name: gateway.name,
    isForeign: true,
    list: (signal) => {
      return gateway.rotating(signal, async () => {
        const { kvs, revision } = await list(gateway, settings, signal);
        const listing = { pieces: itemsOf(client, settings.prefix, kvs, reading.itemOf), revision };
        const count = String(kvs.length);
        listed = { revision: listing.revision, count };
        return listing;
      });
    },
    watch: (revision, signal, confirm) => {
      const count = listed.revision === revision ? listed.count : null;
      return gateway.rotating(signal, () => watch({ gateway, settings, revision, count, signal, confirm }));
    },
    close: () => client.close(),
  };
}

async function list(
  gateway: EtcdGateway,
  { prefix }: EtcdSettings,
  signal: AbortSignal,
): Promise<{ readonly kvs: readonly KeyValue[]; readonly revision: string }> {
  const end = toBase64(rangeEnd(prefix));
  const kvs: KeyValue[] = [];
  let revision = '';
  let from = toBase64(prefix);
  for (let page = 0; page < PAGES_MAX; page++) {
    const at = revision === '' ? {} : { revision };
    const answer = await gateway.range({ key: from, range_end: end, limit: PAGE_KEYS, ...at }, signal);
    if (revision === '') revision = answer.revision;
    kvs.push(...answer.kvs);
    const last = answer.kvs.at(-1);
    if (!answer.hasMore || last === undefined) return { kvs, revision };
    from = Buffer.concat([Buffer.from(last.key, 'base64'), Buffer.of(0)]).toString('base64');
  }
  throw gateway.client.failure(`more than ${PAGES_MAX * PAGE_KEYS} keys below ${prefix}`);
}

function itemsOf<P extends Item>(
  client: StoreClient,
  prefix: string,
  kvs: readonly KeyValue[],
  itemOf: KeyReading<P>['itemOf'],
): P[] {
  const items: P[] = [];
  for (const { key: encoded, value } of kvs) {
    const key = textOf(client, encoded, 'a key');
    const item = itemOf(key, key.slice(prefix.length), textOf(client, value, `the value of ${key}`));
    if (item !== null) items.push(item);
  }
  return items.toSorted(byPieceName);
}

function textOf(client: StoreClient, encoded: string, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64'));
  } catch (error) {
    throw client.failure(`${what} is not UTF-8 text`, error);
  }
}

/** Words of a watch that brings no listing. */
type WatchEnd = { readonly kind: 'changed' };

interface Watch {
  readonly gateway: EtcdGateway;
  readonly settings: EtcdSettings;
  readonly revision: string;
  /** Keys at that revision; null: not known. */
  readonly count: string | null;
  readonly signal: AbortSignal;
  readonly confirm: () => void;
}

/** The stream and the questions beside it; whichever has something to say first ends the other. */
async function watch(asked: Watch): Promise<WatchEnd> {
  const ending = new AbortController();
  const signal = AbortSignal.any([asked.signal, ending.signal]);
  try {
    return await Promise.race([listen({ ...asked, signal }), lookBeside({ ...asked, signal })]);
  } finally {
    ending.abort();
  }
}

async function listen({ gateway, settings: { prefix }, revision, signal, confirm }: Watch): Promise<WatchEnd> {
  const range = { key: toBase64(prefix), range_end: toBase64(rangeEnd(prefix)) };
  const from = (BigInt(revision) + 1n).toString();
  for await (const word of gateway.watch({ ...range, start_revision: from, progress_notify: true }, signal)) {
    if (word === 'changed') return { kind: 'changed' };
    if (word === 'progress') confirm();
  }
  throw gateway.client.failure('the watch ended');
}

async function lookBeside({ gateway, settings, revision, count: listed, signal, confirm }: Watch): Promise<WatchEnd> {
  const { prefix, heartbeatMs } = settings;
  const newest = { sort_target: 'MOD', sort_order: 'DESCEND', limit: 1, keys_only: true } as const;
  const question = { key: toBase64(prefix), range_end: toBase64(rangeEnd(prefix)), ...newest };
  let count = listed;
  for (;;) {
    await pause(heartbeatMs, signal);
    const answer = await gateway.range(question, signal);
    if (isNewer(answer, revision) || (count !== null && count !== answer.count)) return { kind: 'changed' };
    count = answer.count;
    confirm();
  }
}

function isNewer({ kvs: [kv] }: RangeAnswer, revision: string): boolean {
  return kv !== undefined && BigInt(kv.revision) > BigInt(revision);
}
