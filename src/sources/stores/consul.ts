/**
 * Consul's key-value store: keys below a prefix, watched by blocking queries.
 *
 * ```
 * list    GET /v1/kv/<prefix>/?recurse               all of it, and X-Consul-Index
 * watch   GET /v1/kv/<prefix>/?keys&index=…&wait=…   answers when the index is another, or when the wait is over
 * ```
 * - An empty prefix is a 404 with an index. An index below 1 would not block: it is refused.
 * - An index that goes backwards belongs to a store that was restored or begun anew: everything is asked for again.
 * - Consul waits up to a sixteenth longer than it was asked to; who takes longer still is frozen.
 * - An index may rise although nothing below the prefix changed: the follower compares, and paces its questions.
 * Source: Consul's HTTP API, "Blocking Queries" (tested with 1.8.7).
 */

import { byPieceName, type Listing, mountOf, type Piece, type Store, type WatchWord } from '../follow/source.ts';
import { type Answer, StoreClient } from './client.ts';
import { nameOfSource } from './name.ts';
import type { ConsulSettings } from './settings.ts';

const LIST_MS = 10_000;
/** Beyond the wait and its sixteenth. */
const SLACK_MS = 5000;
/** Values are in base64, a third longer than they are; the rest is for keys and numbers. */
const LIST_BYTES_MAX = 48 * 1024 * 1024;

/** Opens the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openConsul(settings: ConsulSettings): Store {
  const name = nameOfSource(settings);
  const client = new StoreClient({ name, tls: settings.tls, secrets: [settings.token] });
  return {
    kind: 'consul',
    name,
    isForeign: true,
    list: (signal) => list(client, settings, signal),
    watch: (revision, signal) => watch(client, settings, revision, signal),
    close: () => client.close(),
  };
}

async function list(client: StoreClient, settings: ConsulSettings, signal: AbortSignal): Promise<Listing> {
  const answer = await ask(client, settings, ['recurse'], { signal, timeoutMs: LIST_MS });
  const revision = String(indexOf(client, answer));
  if (answer.status === 404) return { pieces: [], revision };
  const entries = entriesOf(answer.text);
  if (entries === null) throw client.failure('the answer is no list of keys: is this Consul?');
  const pieces: Piece[] = [];
  for (const { key, value } of entries) {
    const mount = mountOf(key.slice(settings.prefix.length + 1));
    if (mount === null) continue;
    const text = decoded(value);
    if (text === null) throw client.failure(`the value of ${key} is not UTF-8 text`);
    pieces.push({ name: `consul ${key}`, mount, text });
  }
  return { pieces: pieces.toSorted(byPieceName), revision };
}

/** How long a question that waits for a change may take, its answer included. */
export function blockingMs(waitMs: number): number {
  return waitMs + waitMs / 16 + SLACK_MS;
}

async function watch(
  client: StoreClient,
  settings: ConsulSettings,
  revision: string,
  signal: AbortSignal,
): Promise<WatchWord> {
  const { waitMs } = settings;
  const timeoutMs = blockingMs(waitMs);
  const answer = await ask(client, settings, ['keys', `index=${revision}`, `wait=${waitMs}ms`], { signal, timeoutMs });
  return indexOf(client, answer) === Number(revision) ? { kind: 'same' } : { kind: 'changed' };
}

async function ask(
  client: StoreClient,
  { address, prefix, token, datacenter, consistency }: ConsulSettings,
  fields: readonly string[],
  limits: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<Answer> {
  const query = [...fields];
  if (datacenter !== null) query.push(`dc=${datacenter}`);
  if (consistency !== 'default') query.push(consistency);
  const answer = await client.ask({
    origin: address,
    path: `/v1/kv/${prefix}/?${query.join('&')}`,
    headers: token === null ? {} : { 'x-consul-token': token },
    ...limits,
    bytesMax: LIST_BYTES_MAX,
  });
  if (answer.status === 200 || answer.status === 404) return answer;
  throw client.refusal(answer);
}

/** The index of an answer. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when it would not block */
export function indexOf(client: StoreClient, { headers }: Answer): number {
  const index = Number(headers.get('x-consul-index'));
  if (Number.isSafeInteger(index) && index >= 1) return index;
  throw client.failure('the answer has no X-Consul-Index above 0: is this Consul?');
}

interface Entry {
  readonly key: string;
  /** Base64; null: empty. */
  readonly value: string | null;
}

/** Null when the text is not what Consul answers. */
function entriesOf(text: string): Entry[] | null {
  const list = jsonOf(text);
  if (!Array.isArray(list)) return null;
  const entries: Entry[] = [];
  for (const one of list as readonly { readonly Key?: unknown; readonly Value?: unknown }[]) {
    if (typeof one?.Key !== 'string' || (typeof one.Value !== 'string' && one.Value !== null)) return null;
    entries.push({ key: one.Key, value: one.Value });
  }
  return entries;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function decoded(value: string | null): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value ?? '', 'base64'));
  } catch {
    return null;
  }
}
