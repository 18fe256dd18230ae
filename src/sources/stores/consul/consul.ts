/**
 * Consul's key-value store: keys below a prefix, watched by blocking queries.
 *
 * ```
 * list    GET /v1/kv/<prefix>/?recurse               all of it, and X-Consul-Index
 * since   GET /v1/kv/<prefix>/?keys              the names unless the watch brought them, then the parts of the tree whose
 *                                                index is another (narrow.ts)
 * watch   GET /v1/kv/<prefix>/?keys&index=…&wait=…   answers when the index is another, or when the wait is over
 * ```
 * - An empty prefix is a 404 with an index.
 * - An index that goes backwards belongs to a store that was restored or begun anew: everything is asked for again.
 * - What changed is looked for as soon as the watch has told of it, while the follower waits for the writer to be done (ahead.ts).
 * - An index may rise although nothing below the prefix changed: the follower compares, and paces its questions.
 * Source: Consul's HTTP API, "Blocking Queries" (tested with 1.8.7).
 */

import { byPieceName, editedPieces, type Listing, mountOf, type Piece, type Store } from '../../follow/source.ts';
import { type Answer, StoreClient } from '../client.ts';
import { nameOfSource } from '../name.ts';
import type { ConsulSettings } from '../settings.ts';
import { Ahead } from './ahead.ts';
import { blockingMs, indexOf, readingOf } from './api.ts';
import {
  type Asking,
  changeOfTree,
  type Entry,
  isWorthIt,
  type Known,
  knownOf,
  type Names,
  searchTree,
  type Tree,
  type TreeChange,
} from './narrow.ts';

const LIST_MS = 10_000;
/** Values are in base64, a third longer than they are; the rest is for keys and numbers. */
const LIST_BYTES_MAX = 48 * 1024 * 1024;

/** Opens the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openConsul(settings: ConsulSettings): Store {
  const name = nameOfSource(settings);
  const client = new StoreClient({ name, tls: settings.tls, secrets: [settings.token] });
  const place = { client, settings, lists: new NameLists(client) };
  // A server that may be behind says nothing certain of what has changed.
  const isCertain = settings.consistency !== 'stale';
  const ahead: Looking = new Ahead();
  let last: Listed | null = null;
  /** What the watch that ended last has brought. */
  let told: Names | null = null;
  return {
    kind: 'consul',
    name,
    isForeign: true,
    list: async (signal, since = null) => {
      const own = { ...place, signal };
      const before = isCertain && since !== null && last?.listing === since ? last : null;
      const names = told;
      told = null;
      if (before === null) ahead.end();
      const changed = before === null ? null : await listChanged(own, before, { ahead, told: names });
      last = changed ?? (await list({ ...own, isFirst: last === null }));
      return last.listing;
    },
    lookAhead: (since) => {
      if (!isCertain || told === null || last?.listing !== since || !isWorthIt(last.known)) return;
      const [names, { known }] = [told, last];
      const revision = String(names.index);
      ahead.begin({
        revision,
        search: (signal) => searchTree(askingOf({ ...place, signal }), known, names),
        watch: (signal) => watch({ ...place, signal }, revision),
      });
    },
    watch: async (revision, signal, confirm) => {
      const word = await ahead.goOn(revision, signal);
      if (word === 'same') confirm();
      told = word === null || word === 'same' ? await watch({ ...place, signal }, revision) : word;
      return told === null ? { kind: 'same' } : { kind: 'changed' };
    },
    close: () => {
      ahead.end();
      client.close();
    },
  };
}

/** An answer with the index of every key that it has. */
interface Listed {
  readonly listing: Listing;
  readonly known: Known;
}

/** What is found ahead; null and `overtaken` as of `searchTree`. */
type Looking = Ahead<Names, TreeChange | 'overtaken' | null>;

/** What is known before a question is asked. */
interface Hints {
  readonly ahead: Looking;
  readonly told: Names | null;
}

interface Place {
  readonly client: StoreClient;
  readonly settings: ConsulSettings;
  readonly lists: NameLists;
  readonly signal: AbortSignal;
  /** Nothing was read before. */
  readonly isFirst?: boolean;
}

/**
 * Lists of names. One that says the same as the one before is that object, and is not parsed again: most changes are of values. For that
 * the text of the last one is kept: some 0.5 MB for 10,000 keys, and at most what an answer may have.
 */
class NameLists {
  readonly #client: StoreClient;
  #text = '';
  #names: readonly string[] = [];

  constructor(client: StoreClient) {
    this.#client = client;
  }

  /** @throws SluiceError `SLU_SOURCE_UNAVAILABLE` */
  of(answer: Answer): Names {
    const index = indexOf(this.#client, answer);
    if (answer.status === 404) return { index, names: [] };
    if (answer.text !== this.#text) {
      this.#names = namesOf(this.#client, answer).toSorted();
      this.#text = answer.text;
    }
    return { index, names: this.#names };
  }
}

async function list(place: Place): Promise<Listed> {
  const { index, entries } = await readTree(place, rootOf(place));
  const pieces = piecesOf(place, entries).toSorted(byPieceName);
  return { listing: { pieces, revision: String(index) }, known: knownOf(entries) };
}

/** The listing of now, made of one before and of what changed since; null where that is not certain. */
async function listChanged(place: Place, { listing, known }: Listed, hints: Hints): Promise<Listed | null> {
  const change = await changeSince(place, known, hints);
  if (change === null || change.index < Number(listing.revision)) return null;
  const { index, changed, gone } = change;
  const pieces = editedPieces(
    listing.pieces,
    piecesOf(place, changed),
    gone.map((key) => `${NAME}${key}`),
  );
  return { listing: { pieces, revision: String(index) }, known: change.known };
}

/** As of `changeOfTree`, from where it was begun. */
async function changeSince(place: Place, known: Known, { ahead, told }: Hints): Promise<TreeChange | null> {
  const taken = await ahead.take(place.signal);
  if (taken === null) return changeOfTree(askingOf(place), known, told);
  if (taken.kind === 'void') return changeOfTree(askingOf(place), known, taken.told);
  return taken.found === 'overtaken' ? changeOfTree(askingOf(place), known) : taken.found;
}

function askingOf(place: Place): Asking {
  return {
    root: rootOf(place),
    names: (path) => readNames(place, path),
    index: (path) => readIndex(place, path),
    tree: (path) => readTree(place, path),
  };
}

/** In front of a key in the name of its piece. */
const NAME = 'consul ';

function piecesOf(place: Place, entries: readonly Entry[]): Piece[] {
  const pieces: Piece[] = [];
  for (const { key, value, index } of entries) {
    const mount = mountOf(key.slice(rootOf(place).length), String(index));
    if (mount === null) continue;
    const text = decoded(value);
    if (text === null) throw place.client.failure(`the value of ${key} is not UTF-8 text`);
    pieces.push({ name: `${NAME}${key}`, mount, text });
  }
  return pieces;
}

function rootOf({ settings }: Place): string {
  return `${settings.prefix}/`;
}

/** Every key that begins with a path, with its value. */
async function readTree({ client, settings, signal, isFirst }: Place, path: string): Promise<Tree> {
  const answer = await ask(client, settings, { path, fields: ['recurse'], signal, timeoutMs: LIST_MS });
  const index = indexOf(client, answer, isFirst);
  if (answer.status === 404) return { index, entries: [] };
  const entries = entriesOf(answer.text);
  if (entries === null) throw client.failure('the answer is no list of keys: is this Consul?');
  return { index, entries };
}

async function readNames(place: Place, path: string): Promise<Names> {
  return place.lists.of(await askNames(place, path));
}

/** Of all that is below a path. */
async function readIndex(place: Place, path: string): Promise<number> {
  return indexOf(place.client, await askNames(place, path));
}

function askNames({ client, settings, signal }: Place, path: string): Promise<Answer> {
  return ask(client, settings, { path, fields: ['keys'], signal, timeoutMs: LIST_MS });
}

function namesOf(client: StoreClient, { text }: Answer): string[] {
  const names = jsonOf(text);
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw client.failure('the answer is no list of keys: is this Consul?');
  }
  return names;
}

/** The names that are there after a change; null: nothing changed. */
async function watch(place: Place, revision: string): Promise<Names | null> {
  const { client, settings, signal } = place;
  const { waitMs } = settings;
  const timeoutMs = blockingMs(waitMs);
  const fields = ['keys', `index=${revision}`, `wait=${waitMs}ms`];
  const answer = await ask(client, settings, { path: rootOf(place), fields, signal, timeoutMs });
  return indexOf(client, answer) === Number(revision) ? null : place.lists.of(answer);
}

interface KeyQuestion {
  readonly path: string;
  readonly fields: readonly string[];
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

async function ask(
  client: StoreClient,
  settings: ConsulSettings,
  { path, fields, ...limits }: KeyQuestion,
): Promise<Answer> {
  const question = readingOf(settings, `/v1/kv/${path}`, fields);
  const answer = await client.ask({ ...question, ...limits, bytesMax: LIST_BYTES_MAX });
  if (answer.status === 200 || answer.status === 404) return answer;
  throw client.refusal(answer);
}

interface RawEntry {
  readonly Key?: unknown;
  readonly Value?: unknown;
  readonly ModifyIndex?: unknown;
}

/** Null when the text is not what Consul answers. */
function entriesOf(text: string): Entry[] | null {
  const list = jsonOf(text);
  if (!Array.isArray(list)) return null;
  const entries: Entry[] = [];
  for (const one of list as readonly RawEntry[]) {
    if (typeof one?.Key !== 'string' || (typeof one.Value !== 'string' && one.Value !== null)) return null;
    if (typeof one.ModifyIndex !== 'number') return null;
    entries.push({ key: one.Key, value: one.Value, index: one.ModifyIndex });
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
