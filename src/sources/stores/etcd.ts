/**
 * etcd v3 over its JSON gateway: keys below a prefix, read at one revision, watched from the next.
 *
 * ```
 * list     POST /v3/kv/range     page after page, all at the revision of the first
 * since    POST /v3/kv/txn       the keys that the watch has named, and how many there are
 *          POST /v3/kv/range     if anything has changed since: the keys that changed after a revision, and how many there are
 * watch    POST /v3/watch        a stream of lines from revision + 1; the first event, or its end, is the word
 * beside   POST /v3/kv/range     every `heartbeat`: the newest change below the prefix and the number of keys
 * ```
 * - A revision that was compacted away, or a watch that is canceled, means: list again.
 * - etcd's own progress notices come every ten minutes, and a watch can go silent (a partition, a frozen member). The
 *   question beside it notices both: it must be answered, and must show nothing that the watch should have told.
 * - What changed is taken over into the listing of before only if the number of keys says that nothing is missing: keys that are
 *   gone are known from the watch. Otherwise, and after an election, everything is listed.
 * - Of the keys that the watch has named nothing more is asked if the store still is at the revision of that word: then nothing
 *   else has changed. Looking for what changed makes etcd read every key.
 * - After a failure the next member is asked. A token that is no longer known is renewed once.
 * 64-bit numbers are text, keys and values base64.
 * Source: etcd's "gRPC gateway" page and rpc.proto (tested with 3.4.23).
 */

import { byPieceName, editedPieces, type Item, type Listing, mountOf, type Store } from '../follow/source.ts';
import type { StoreClient } from './client.ts';
import {
  EtcdGateway,
  type KeyValue,
  type RangeAnswer,
  type RangeQuestion,
  rangeEnd,
  toBase64,
  type WatchLine,
} from './etcd-gateway.ts';
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
    itemOf: ({ key, rest, text, revision }) => {
      const mount = mountOf(rest, revision);
      return mount === null ? null : { name: `etcd ${key}`, mount, text: text() };
    },
  });
}

/** What the keys below a prefix are to their reader. */
export interface KeyReading<P extends Item> {
  readonly kind: Store['kind'];
  readonly name: string;
  /** Null: nothing. The name of an item follows from the key alone, and whether it is one. */
  readonly itemOf: (entry: KeyEntry) => P | null;
}

/** A key and what it holds. */
export interface KeyEntry {
  readonly key: string;
  /** Of the key, after the prefix. */
  readonly rest: string;
  /** @throws SluiceError `SLU_SOURCE_UNAVAILABLE` where it is not UTF-8: who may write one key may not write what all the others say */
  readonly text: () => string;
  /** Of the key's last change; empty: it is gone. */
  readonly revision: string;
}

/** Opens the keys below a prefix, whatever they are. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openEtcdKeys<P extends Item>(settings: EtcdSettings, reading: KeyReading<P>): Store<P> {
  const gateway = new EtcdGateway(settings, reading.name);
  const { client } = gateway;
  let last: Listed<P> | null = null;
  /** What the watch has told since then. */
  let told: Told = NOTHING;
  return {
    kind: reading.kind,
    name: gateway.name,
    isForeign: true,
    list: (signal, since = null) => {
      return gateway.rotating(signal, async () => {
        const question = { gateway, settings, signal, itemOf: reading.itemOf };
        const isKnown = since !== null && last?.listing === since;
        const changed = isKnown ? await listChanged(question, last as Listed<P>, told) : null;
        last = changed ?? (await list(question));
        told = NOTHING;
        return last.listing;
      });
    },
    watch: (revision, signal, confirm) => {
      const count = last?.listing.revision === revision ? String(last.keys.size) : null;
      const tell = (line: WatchLine): void => {
        told = line;
      };
      return gateway.rotating(signal, () => watch({ gateway, settings, revision, count, signal, confirm, tell }));
    },
    close: () => client.close(),
  };
}

/** An answer with every key that it has, folders included, in base64. */
interface Listed<P extends Item> {
  readonly listing: Listing<P>;
  readonly keys: Set<string>;
  readonly term: string;
}

interface Question<P extends Item> {
  readonly gateway: EtcdGateway;
  readonly settings: EtcdSettings;
  readonly signal: AbortSignal;
  readonly itemOf: KeyReading<P>['itemOf'];
}

async function list<P extends Item>(question: Question<P>): Promise<Listed<P>> {
  const {
    gateway,
    settings: { prefix },
    signal,
  } = question;
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
    if (!answer.hasMore || last === undefined) {
      const pieces = itemsOf(question, kvs).toSorted(byPieceName);
      return { listing: { pieces, revision }, keys: new Set(kvs.map(({ key }) => key)), term: answer.term };
    }
    from = Buffer.concat([Buffer.from(last.key, 'base64'), Buffer.of(0)]).toString('base64');
  }
  throw gateway.client.failure(`more than ${PAGES_MAX * PAGE_KEYS} keys below ${prefix}`);
}

/** What a watch tells of a change. */
type Told = Pick<WatchLine, 'removed' | 'keys' | 'revision'>;

const NOTHING: Told = { removed: [], keys: [], revision: '' };
/** etcd takes 128 questions in one unless it is told otherwise. */
const TOLD_KEYS_MAX = 100;
/** A watch that begins behind tells of 1,000 revisions at a time, whatever revision its word carries. */
const TOLD_REVISIONS_MAX = 500n;

/** The listing of now, made of one before, whose keys are handed on, and of what changed since; null where that is not certain, or too much. */
async function listChanged<P extends Item>(
  question: Question<P>,
  before: Listed<P>,
  told: Told,
): Promise<Listed<P> | null> {
  const { listing, keys, term } = before;
  const answer = (await readTold(question, listing.revision, told)) ?? (await readSince(question, listing.revision));
  if (answer.hasMore || answer.term !== term || BigInt(answer.revision) < BigInt(listing.revision)) return null;
  const there = new Set(answer.kvs.map(({ key }) => key));
  // One that came again is there.
  const removed = [...new Set(told.removed)].filter((key) => keys.has(key) && !there.has(key));
  const added = [...there].filter((key) => !keys.has(key));
  if (String(keys.size + added.length - removed.length) !== answer.count) return null;
  const changed = itemsOf(question, answer.kvs);
  const gone = itemsOf(
    question,
    removed.map((key) => ({ key, value: '', revision: '' })),
  );
  const pieces = editedPieces(
    listing.pieces,
    changed,
    gone.map(({ name }) => name),
  );
  for (const key of removed) keys.delete(key);
  for (const key of added) keys.add(key);
  return { listing: { pieces, revision: answer.revision }, keys, term };
}

/**
 * The keys that the watch has named, with the number of all; null when the store has moved on since it said so, or nothing was
 * named: it alone knows then which keys are others.
 */
async function readTold<P extends Item>(
  { gateway, settings: { prefix }, signal }: Question<P>,
  before: string,
  { keys, revision }: Told,
): Promise<RangeAnswer | null> {
  if (keys.length === 0 || keys.length > TOLD_KEYS_MAX) return null;
  if (revision === '' || BigInt(revision) - BigInt(before) > TOLD_REVISIONS_MAX) return null;
  const all = { key: toBase64(prefix), range_end: toBase64(rangeEnd(prefix)), count_only: true };
  const [whole, ...named] = await gateway.ranges([all, ...new Set(keys)].map(questionOf), signal);
  // One revision is one content, whoever is asked for it.
  if (whole === undefined || whole.revision !== revision) return null;
  return { ...whole, kvs: named.flatMap(({ kvs }) => kvs), hasMore: false };
}

/** Answered by the member itself, which need not ask the others whether it is up to date. */
function questionOf(asked: RangeQuestion | string): RangeQuestion {
  return { ...(typeof asked === 'string' ? { key: asked } : asked), serializable: true };
}

/** Everything that changed after a revision, with the number of all. etcd looks at every key for it. */
function readSince<P extends Item>(
  { gateway, settings: { prefix }, signal }: Question<P>,
  revision: string,
): Promise<RangeAnswer> {
  const range = { key: toBase64(prefix), range_end: toBase64(rangeEnd(prefix)) };
  const from = (BigInt(revision) + 1n).toString();
  return gateway.range({ ...range, min_mod_revision: from, limit: PAGE_KEYS }, signal);
}

function itemsOf<P extends Item>(
  { gateway: { client }, settings: { prefix }, itemOf }: Question<P>,
  kvs: readonly KeyValue[],
): P[] {
  const items: P[] = [];
  for (const { key: encoded, value, revision } of kvs) {
    const key = textOf(client, encoded, 'a key');
    const text = (): string => textOf(client, value, `the value of ${key}`);
    const item = itemOf({ key, rest: key.slice(prefix.length), text, revision });
    if (item !== null) items.push(item);
  }
  return items;
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
  /** Takes the line that told of a change. */
  readonly tell: (line: WatchLine) => void;
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

async function listen({ gateway, settings: { prefix }, revision, signal, confirm, tell }: Watch): Promise<WatchEnd> {
  const range = { key: toBase64(prefix), range_end: toBase64(rangeEnd(prefix)) };
  const from = (BigInt(revision) + 1n).toString();
  for await (const line of gateway.watch({ ...range, start_revision: from, progress_notify: true }, signal)) {
    if (line.word === 'changed') tell(line);
    if (line.word === 'changed') return { kind: 'changed' };
    if (line.word === 'progress') confirm();
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
