/**
 * ZooKeeper: a node for each route and service below one, all of them watched.
 *
 * ```
 * <path>/config                             a whole document
 * <path>/routes/<name>                      one route       <path>/services/<name>   one service
 * <path>/weights/<route>                    the weights of a route
 * <path>/signatures/routes/<name>           the signature of one of these, below the same names
 * ```
 * - A watch fires once, so each reading sets it anew; what is known is thrown away by its event, and read again.
 * - A listing is over when everything is known and nothing was thrown away meanwhile: then all of it was true at once, at
 *   the moment of the last answer.
 * - A listing that is asked for while everything is known reads all of it again: watches are not believed for ever.
 * - With its connection a session is over, and so is all that is known. The next listing asks the next server.
 */

import { SluiceError } from '../../../model/problem.ts';
import { byPieceName, type Listing, mountOf, type Piece, type Store, type WatchWord } from '../../follow/source.ts';
import { checkTls, readTls } from '../client.ts';
import { nameOfSource } from '../name.ts';
import type { ZooKeeperSettings } from '../settings.ts';
import { FAULT, faultOf, type NodeData, OPERATION, ZooSession } from './session.ts';

/** Questions on their way at a time: ZooKeeper's own clients have no limit, its servers a thousand. */
const AT_ONCE = 200;
/** Of all documents together; a node holds a MiB at most, unless the server is told otherwise. */
const BYTES_MAX = 48 * 1024 * 1024;
/** Nodes whose children are documents. */
const FOLDERS: ReadonlySet<string> = new Set(['routes', 'services', 'weights']);
/** The node whose children are these folders again. */
const SIGNATURES = 'signatures';
const NODES_MAX = 100_000;
/** Rounds of a listing; each reads what changed during the one before. */
const ROUNDS_MAX = 20;

/** Makes the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openZooKeeper(settings: ZooKeeperSettings): Store {
  const tree = new Tree(settings);
  return {
    kind: 'zookeeper',
    name: tree.name,
    isForeign: true,
    list: (signal) => tree.list(signal),
    watch: (_revision, signal, confirm) => tree.watch(signal, confirm),
    close: () => tree.close(),
  };
}

/** What is known of nodes; null: there is no such node. */
interface Known {
  readonly children: Map<string, readonly string[] | null>;
  readonly data: Map<string, NodeData | null>;
}

class Tree {
  readonly name: string;
  readonly #settings: ZooKeeperSettings;
  #session: ZooSession | null = null;
  #known: Known = { children: new Map(), data: new Map() };
  /** Nodes whose watches fired since the last listing was whole. */
  #changes = 0;
  /** Those of them that fired since they were last asked for: an answer from before is not kept. */
  readonly #fired = new Set<string>();
  #server = 0;
  /** Wakes whoever watches. */
  #wake: (error: Error | null) => void = () => undefined;
  #confirm: () => void = () => undefined;

  constructor(settings: ZooKeeperSettings) {
    this.#settings = settings;
    this.name = nameOfSource(settings);
    checkTls({ name: this.name, tls: settings.tls });
  }

  async list(signal: AbortSignal): Promise<Listing> {
    try {
      const session = this.#session ?? (await this.#open(signal));
      if (this.#changes === 0) this.#forget();
      for (let round = 0; round < ROUNDS_MAX; round++) {
        this.#changes = 0;
        const pieces = await this.#pieces(session, signal);
        if (this.#changes === 0) return { pieces: pieces.toSorted(byPieceName), revision: String(session.zxid) };
      }
      throw new Error(`it changed during each of ${ROUNDS_MAX} readings`);
    } catch (error) {
      this.close();
      this.#server = (this.#server + 1) % this.#settings.servers.length;
      throw this.#failure(error);
    }
  }

  async watch(signal: AbortSignal, confirm: () => void): Promise<WatchWord> {
    if (this.#session === null) throw this.#failure(new Error('the session is over'));
    if (this.#changes > 0) return { kind: 'changed' };
    const { promise, resolve } = Promise.withResolvers<Error | null>();
    this.#wake = resolve;
    this.#confirm = confirm;
    const abort = (): void => resolve(null);
    signal.addEventListener('abort', abort, { once: true });
    const error = await promise;
    signal.removeEventListener('abort', abort);
    this.#wake = () => undefined;
    this.#confirm = () => undefined;
    if (error !== null) throw this.#failure(error);
    return { kind: 'changed' };
  }

  close(): void {
    this.#session?.close();
    this.#session = null;
    this.#forget();
  }

  #forget(): void {
    this.#known = { children: new Map(), data: new Map() };
    this.#fired.clear();
  }

  #failure(cause: unknown): SluiceError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new SluiceError('SLU_SOURCE_UNAVAILABLE', `${this.name}: ${why}`, { cause });
  }

  async #open(signal: AbortSignal): Promise<ZooSession> {
    const { servers, timeoutMs, login, tls } = this.#settings;
    const { host, port } = servers[this.#server] as (typeof servers)[number];
    const options = { host, port, timeoutMs, login, tls: tls && readTls(tls) };
    const onEvent = (path: string): void => this.#onEvent(path);
    const onAlive = (): void => this.#confirm();
    const session = await ZooSession.open(
      { ...options, onEvent, onAlive, onOver: (one, why) => this.#onOver(one, why) },
      signal,
    );
    this.#session = session;
    this.#forget();
    // Another server may be behind the one before: what it answers from now on is of this moment or later.
    const { path } = this.#settings;
    const { fault } = await session.ask(OPERATION.sync, (writer) => writer.text(path));
    if (fault !== 0 && fault !== FAULT.noNode) throw faultOf(fault, path);
    return session;
  }

  #onEvent(path: string): void {
    this.#changes += 1;
    this.#fired.add(path);
    this.#known.children.delete(path);
    this.#known.data.delete(path);
    this.#wake(null);
  }

  #onOver(session: ZooSession, error: Error): void {
    if (this.#session !== session) return;
    this.#session = null;
    this.#forget();
    this.#wake(error);
  }

  // ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #pieces(session: ZooSession, signal: AbortSignal): Promise<Piece[]> {
    const { path } = this.#settings;
    const found = await this.#found(session, '');
    if (found.length > NODES_MAX) throw new Error(`more than ${NODES_MAX} nodes below ${path}`);
    const pieces: Piece[] = [];
    for (let at = 0; at < found.length; at += AT_ONCE) {
      if (signal.aborted) throw new Error('nobody waits any more');
      const some = found.slice(at, at + AT_ONCE).map((rest) => this.#piece(session, rest));
      pieces.push(...(await Promise.all(some)).filter((piece) => piece !== null));
    }
    let bytes = 0;
    for (const data of this.#known.data.values()) bytes += data?.bytes.length ?? 0;
    if (bytes > BYTES_MAX) throw new Error(`more than ${BYTES_MAX} bytes below ${path}`);
    return pieces;
  }

  /** What may be documents below a node, from the path on. @param below empty, or ends with a slash */
  async #found(session: ZooSession, below: string): Promise<string[]> {
    const found: string[] = [];
    const parent = `${this.#settings.path}/${below}`.slice(0, -1);
    for (const name of (await this.#children(session, parent)) ?? []) {
      const rest = `${below}${name}`;
      if (rest === SIGNATURES) found.push(...(await this.#found(session, `${rest}/`)));
      else if (!FOLDERS.has(name)) found.push(rest);
      else for (const child of (await this.#childrenOf(session, rest)) ?? []) found.push(`${rest}/${child}`);
    }
    return found;
  }

  #childrenOf(session: ZooSession, rest: string): Promise<readonly string[] | null> {
    return this.#children(session, `${this.#settings.path}/${rest}`);
  }

  /** Null: the node is gone, which its parent's watch tells, or it is no document. */
  async #piece(session: ZooSession, rest: string): Promise<Piece | null> {
    const path = `${this.#settings.path}/${rest}`;
    const name = `zookeeper ${path}`;
    const place = mountOf(rest === 'endpoints' ? 'endpoints/' : rest, '');
    if (place === null) return null;
    if (place.kind === 'ignored') return { name, mount: place, text: '' };
    const data = await this.#remembered(this.#known.data, path, () => session.data(path));
    const mount = data === null ? null : mountOf(rest, String(data.revision));
    return data === null || mount === null ? null : { name, mount, text: textOf(data.bytes, path) };
  }

  #children(session: ZooSession, path: string): Promise<readonly string[] | null> {
    return this.#remembered(this.#known.children, path, () => session.children(path));
  }

  /** An answer and the event that makes it old may come in one turn: then it is used, and read again in the next round. */
  async #remembered<T>(known: Map<string, T>, path: string, read: () => Promise<T>): Promise<T> {
    const remembered = known.get(path);
    if (remembered !== undefined) return remembered;
    this.#fired.delete(path);
    const value = await read();
    if (!this.#fired.has(path)) known.set(path, value);
    return value;
  }
}

function textOf(data: Buffer, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch (error) {
    throw new Error(`what ${path} holds is not UTF-8 text`, { cause: error });
  }
}
