/**
 * The calls of etcd's JSON gateway that a source needs, with login and a turn to the next member after a failure.
 */

import type { SluiceError } from '../../model/problem.ts';
import { type Answer, isRefusal, StoreClient } from './client.ts';
import { nameOfSource } from './name.ts';
import type { EtcdSettings } from './settings.ts';

const ASK_MS = 5000;
const ANSWER_BYTES_MAX = 48 * 1024 * 1024;
/** One event may hold a value of 1.5 MiB, a transaction 128 of them; more is read by listing. */
const LINE_BYTES_MAX = 16 * 1024 * 1024;

export interface KeyValue {
  /** Base64, as is the value; that of an empty one is empty. */
  readonly key: string;
  readonly value: string;
  /** Of its last change, decimal. */
  readonly revision: string;
}

export interface RangeAnswer {
  /** Of the whole store, decimal. */
  readonly revision: string;
  readonly kvs: readonly KeyValue[];
  readonly hasMore: boolean;
  /** Keys of the whole range, decimal. */
  readonly count: string;
  /** Of the store's election: another one after a restart. */
  readonly term: string;
}

/** Of a comparison of one key: done at a revision, or what is there instead. */
export type TransactionAnswer =
  | { readonly kind: 'answered'; readonly isDone: true; readonly revision: string }
  | { readonly kind: 'answered'; readonly isDone: false; readonly kvs: readonly KeyValue[] }
  | { readonly kind: 'refused'; readonly because: string };

export type RangeQuestion = Readonly<Record<string, string | number | boolean>>;

/** What a line of a watch says. `progress`: nothing happened until now. */
export interface WatchLine {
  readonly word: 'created' | 'progress' | 'changed';
  /** Keys that were removed, in base64. */
  readonly removed: readonly string[];
  /** Keys that were changed or removed, in base64; none where the watch cannot tell. */
  readonly keys: readonly string[];
  /** Of the whole store when this was said, decimal. */
  readonly revision: string;
}

export class EtcdGateway {
  readonly name: string;
  readonly client: StoreClient;
  readonly #settings: EtcdSettings;
  #member = 0;
  #token: string | null = null;

  /** @param name what failures call it */
  constructor(settings: EtcdSettings, name: string = nameOfSource(settings)) {
    this.#settings = settings;
    this.name = name;
    this.client = new StoreClient({ name: this.name, tls: settings.tls, secrets: [settings.login?.password ?? null] });
  }

  /** Does something; when it fails, the next attempt is for another member, and with a new login. */
  async rotating<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
    const [member, isOver] = [this.#member, signal.aborted];
    try {
      return await action();
    } catch (error) {
      // Of several that failed together one turns.
      if (isOver || isGivenUp(signal) || this.#member !== member) throw error;
      this.#member = (this.#member + 1) % this.#settings.endpoints.length;
      this.#token = null;
      throw error;
    }
  }

  /** Reads keys. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` */
  async range(question: RangeQuestion, signal: AbortSignal): Promise<RangeAnswer> {
    const answer = await this.#postAgain('/v3/kv/range', JSON.stringify(question), signal);
    if (answer.status !== 200) throw this.client.refusal({ ...answer, text: errorOf(answer.text) });
    const read = rangeOf(answer.text);
    if (read === null) throw this.client.failure('the answer is no range of keys: is this etcd?');
    return read;
  }

  /** Reads several ranges of one moment. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` */
  async ranges(questions: readonly RangeQuestion[], signal: AbortSignal): Promise<RangeAnswer[]> {
    const success = questions.map((question) => ({ request_range: question }));
    const answer = await this.call('/v3/kv/txn', { success }, signal);
    const { header, responses } = answer as { header?: unknown; responses?: readonly { response_range?: object }[] };
    const read = (responses ?? []).map(({ response_range: range }) => rangeOfRaw({ ...range, header } as RawRange));
    if (read.length === questions.length && read.every((range) => range !== null)) return read;
    throw this.client.failure('the answer is no transaction: is this etcd?');
  }

  /** Gets a token where there is a login; later calls need not. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` */
  async logInIfNeeded(signal: AbortSignal): Promise<void> {
    await this.#headers(signal);
  }

  /**
   * Compares and sets, in one. `refused`: certainly not done.
   * @throws SluiceError `SLU_SOURCE_UNAVAILABLE` when nobody knows, or when nothing was sent (its cause says which)
   */
  async transact(question: object, signal: AbortSignal): Promise<TransactionAnswer> {
    const answer = await this.#postAgain('/v3/kv/txn', JSON.stringify(question), signal);
    const refusal = (): SluiceError => this.client.refusal({ ...answer, text: errorOf(answer.text) });
    if (isRefusal(answer.status)) return { kind: 'refused', because: refusal().message };
    if (answer.status !== 200) throw refusal();
    const read = transactionOf(answer.text);
    if (read === null) throw this.client.failure('the answer is no transaction: is this etcd?');
    return read;
  }

  /** Any other call; the answer as it is. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` unless it is an object of JSON */
  async call(path: string, question: object, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const [answer] = await this.callEach(path, [question], signal);
    return answer as Readonly<Record<string, unknown>>;
  }

  /** A stream of questions, and the answer to each in their order. @throws as `call` */
  async callEach(
    path: string,
    questions: readonly object[],
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>[]> {
    const answer = await this.#postAgain(path, questions.map((one) => JSON.stringify(one)).join('\n'), signal);
    if (answer.status !== 200) throw this.client.refusal({ ...answer, text: errorOf(answer.text) });
    const read = answer.text.trim().split('\n').map(jsonOf);
    if (read.length === questions.length && read.every((one) => typeof one === 'object' && one !== null)) {
      return read as Readonly<Record<string, unknown>>[];
    }
    throw this.client.failure('the answer is no JSON: is this etcd?');
  }

  /** Watches keys until the stream ends. A canceled or compacted watch is a change: list again. */
  async *watch(create: RangeQuestion, signal: AbortSignal): AsyncGenerator<WatchLine> {
    const question = {
      origin: this.#origin,
      path: '/v3/watch',
      method: 'POST',
      headers: await this.#headers(signal),
      body: JSON.stringify({ create_request: create }),
      signal,
      timeoutMs: ASK_MS,
      bytesMax: LINE_BYTES_MAX,
    } as const;
    for await (const line of this.client.lines(question)) {
      if (line.trim() === '') continue;
      const said = watchLineOf(line);
      if (said === null) throw this.client.failure(`a watch that says ${errorOf(line)}`);
      yield said;
    }
  }

  get #origin(): string {
    return this.#settings.endpoints[this.#member] as string;
  }

  /** Tokens are forgotten by a member that was restarted, and after five minutes of silence; nothing was done then. */
  async #postAgain(path: string, body: string, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#post(path, body, signal);
    if (answer.status !== 401 || this.#settings.login === null) return answer;
    this.#token = null;
    return this.#post(path, body, signal);
  }

  async #post(path: string, body: string, signal: AbortSignal): Promise<Answer> {
    return this.client.ask({
      origin: this.#origin,
      path,
      method: 'POST',
      headers: await this.#headers(signal),
      body,
      signal,
      timeoutMs: ASK_MS,
      bytesMax: ANSWER_BYTES_MAX,
    });
  }

  async #headers(signal: AbortSignal): Promise<Record<string, string>> {
    const { login } = this.#settings;
    if (login === null) return {};
    this.#token ??= await this.#logIn(login, signal);
    return { authorization: this.#token };
  }

  async #logIn({ username, password }: NonNullable<EtcdSettings['login']>, signal: AbortSignal): Promise<string> {
    const answer = await this.client.ask({
      origin: this.#origin,
      path: '/v3/auth/authenticate',
      method: 'POST',
      body: JSON.stringify({ name: username, password }),
      signal,
      timeoutMs: ASK_MS,
      bytesMax: ANSWER_BYTES_MAX,
    });
    const { token } = (jsonOf(answer.text) ?? {}) as { token?: unknown };
    if (answer.status === 200 && typeof token === 'string') return token;
    throw this.client.failure(`cannot log in: ${errorOf(answer.text) || `status ${answer.status}`}`);
  }
}

/** Nobody waits any more, which says nothing of the member; one that let the time of the question run out has failed. */
function isGivenUp({ aborted, reason }: AbortSignal): boolean {
  return aborted && (reason as Partial<Error> | undefined)?.name !== 'TimeoutError';
}

/** Keys and values as the gateway wants them. */
export function toBase64(text: string | Buffer): string {
  return Buffer.from(text).toString('base64');
}

/** The first key behind all that begin with `prefix`: the last byte counted up by one. A prefix ends with a slash. */
export function rangeEnd(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) as number) + 1;
  return end;
}

interface RawRange {
  readonly header?: { readonly revision?: unknown; readonly raft_term?: unknown };
  readonly kvs?: readonly { readonly key?: unknown; readonly value?: unknown; readonly mod_revision?: unknown }[];
  readonly more?: unknown;
  readonly count?: unknown;
}

/** Fields that are empty, zero or false are left out by the gateway. Null when the text is not etcd's. */
function rangeOf(text: string): RangeAnswer | null {
  return rangeOfRaw(jsonOf(text) as RawRange | null);
}

function rangeOfRaw(raw: RawRange | null): RangeAnswer | null {
  const revision = raw?.header?.revision;
  if (raw === null || !isNumber(revision)) return null;
  const kvs: KeyValue[] = [];
  for (const { key, value = '', mod_revision: changed } of raw.kvs ?? []) {
    if (typeof key !== 'string' || typeof value !== 'string' || !isNumber(changed)) return null;
    kvs.push({ key, value, revision: changed });
  }
  return {
    revision,
    kvs,
    hasMore: raw.more === true,
    count: isNumber(raw.count) ? raw.count : '0',
    term: String(raw.header?.raft_term),
  };
}

/** Null when the text is not etcd's. */
function transactionOf(text: string): TransactionAnswer | null {
  const raw = jsonOf(text) as (RawRange & { readonly succeeded?: unknown; readonly responses?: unknown }) | null;
  const revision = raw?.header?.revision;
  if (raw === null || !isNumber(revision)) return null;
  if (raw.succeeded === true) return { kind: 'answered', isDone: true, revision };
  const [{ response_range: range = {} } = {}] = (raw.responses ?? []) as { response_range?: object }[];
  const read = rangeOfRaw({ ...range, header: { revision } });
  return read === null ? null : { kind: 'answered', isDone: false, kvs: read.kvs };
}

/** Null: an error, or nothing that etcd says. */
function watchLineOf(line: string): WatchLine | null {
  const { result } = (jsonOf(line) ?? {}) as { result?: RawWatchLine };
  if (typeof result !== 'object' || result === null) return null;
  const { header, created, canceled, compact_revision: compacted, events } = result;
  const revision = isNumber(header?.revision) ? header.revision : '';
  const nothing = { removed: [], keys: [], revision };
  // Whatever made etcd cancel it: what is held may be old.
  if (canceled === true || isNumber(compacted)) return { word: 'changed', ...nothing };
  if (!Array.isArray(events) || events.length === 0)
    return { word: created === true ? 'created' : 'progress', ...nothing };
  const keys = (events as readonly RawEvent[]).map(({ kv }) => kv?.key);
  // What changed is not known if one event does not say it.
  const known = keys.every((key) => typeof key === 'string') ? keys : [];
  return { word: 'changed', removed: (events as readonly RawEvent[]).flatMap(removedKey), keys: known, revision };
}

interface RawWatchLine {
  readonly header?: { readonly revision?: unknown };
  readonly created?: unknown;
  readonly canceled?: unknown;
  readonly compact_revision?: unknown;
  readonly events?: unknown;
}

interface RawEvent {
  readonly type?: unknown;
  readonly kv?: { readonly key?: unknown };
}

function removedKey({ type, kv }: RawEvent): string[] {
  return type === 'DELETE' && typeof kv?.key === 'string' ? [kv.key] : [];
}

function isNumber(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9]{1,19}$/.test(value);
}

/** What etcd says is wrong, `etcdserver: …`; the text itself where it says nothing. */
function errorOf(text: string): string {
  const { error } = (jsonOf(text) ?? {}) as { error?: unknown };
  if (typeof error === 'string') return error;
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : text;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
