/**
 * Weights in ZooKeeper: the node `<path>/weights/<route>`, set at the version that was read, or made if there was none.
 *
 * ```
 * read     sync ▸ getData                          what the ensemble has agreed on, not what one server has seen of it
 * write    sync ▸ getData ─┬─ of another revision                              conflict
 *                          ├─ setData at its version    BadVersion, NoNode:    conflict
 *                          └─ none: create2             NodeExists:            conflict
 * ```
 * A revision is the transaction that changed the node last, which no other state of it ever has: versions count from 0 again in a
 * node that was deleted and made anew. A node is made with the rights of the one above it, and so are those above that are missing.
 * Servers that give no session are passed over, each after its part of the time, beginning with the one that gave the last; a write
 * is sent to one, once. What is certain by ZooKeeper's answer is said to be: an error of its API means that nothing was done.
 * Source: ZooKeeper Programmer's Guide, "Consistency Guarantees", "Access Control"; `zookeeper.jute` (tested with 3.8.0).
 */

import { SluiceError } from '../../../model/problem.ts';
import { checkTls, readTls } from '../client.ts';
import { nameOfSource } from '../name.ts';
import type { ZooKeeperSettings } from '../settings.ts';
import type { JuteReader, JuteWriter } from '../zookeeper/jute.ts';
import { FAULT, faultOf, type NodeData, OPERATION, readData, readStat, ZooSession } from '../zookeeper/session.ts';
import {
  type Kept,
  NO_REVISION,
  presentOf,
  STORE_MS,
  WEIGHTS_BYTES_MAX,
  type WeightsStore,
  type Written,
} from './writer.ts';

/** Of a session, and longest wait for one. */
const SESSION_MS = 6000;
/** Place of the server that gave the last session: each write opens one, and would wait anew for those before it that are silent. */
const lastServers = new WeakMap<ZooKeeperSettings, number>();

/** Opens the store; nothing is asked yet. @throws SluiceError `SLU_SOURCE_UNAVAILABLE` (certificates) */
export function openZooKeeperWeights(settings: ZooKeeperSettings): WeightsStore {
  const ensemble = new Ensemble(settings);
  const pathOf = (route: string): string => `${settings.path}/weights/${route}`;
  return {
    documentOf: (route) => `zookeeper ${pathOf(route)}`,
    read: async (route, signal) => {
      for (let left = settings.servers.length - 1; ; left--) {
        try {
          return keptOf(await unlessAborted(signal, async () => look(await ensemble.session(), pathOf(route))));
        } catch (error) {
          if (left <= 0 || signal.aborted) throw ensemble.failure(error);
        }
      }
    },
    write: async (route, text, revision, signal) => {
      let mayBeDone = false;
      const send: Send = async (session, operation, body) => {
        signal.throwIfAborted();
        // Until there is an answer that says otherwise.
        mayBeDone = true;
        const answer = await session.ask(operation, body);
        mayBeDone = !isCertain(answer.fault);
        return answer;
      };
      try {
        const setting = { path: pathOf(route), text, revision, send };
        return await unlessAborted(signal, async () => set(await ensemble.session(), setting));
      } catch (error) {
        return { kind: mayBeDone ? 'unconfirmed' : 'refused', because: ensemble.failure(error).message };
      }
    },
    close: () => ensemble.close(),
  };
}

/** A session that is opened when it is needed, and goes on until it is over. */
class Ensemble {
  readonly #name: string;
  readonly #settings: ZooKeeperSettings;
  readonly #closing = new AbortController();
  /** The last one; it may be over. */
  #session: ZooSession | null = null;
  #opening: Promise<ZooSession> | null = null;
  #server: number;

  constructor(settings: ZooKeeperSettings) {
    this.#settings = settings;
    this.#server = lastServers.get(settings) ?? 0;
    this.#name = nameOfSource(settings);
    checkTls({ name: this.#name, tls: settings.tls });
  }

  /** Whoever asks while one is opened shares it. @throws Error of the server that was asked last: none gives a session */
  session(): Promise<ZooSession> {
    if (this.#session?.isOver === false) return Promise.resolve(this.#session);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  failure(cause: unknown): SluiceError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new SluiceError('SLU_SOURCE_UNAVAILABLE', `${this.#name}: ${why}`, { cause });
  }

  close(): void {
    this.#closing.abort();
    this.#session?.close();
    // One that was opened in this very moment.
    this.#opening?.then(
      (session) => session.close(),
      () => undefined,
    );
  }

  async #open(): Promise<ZooSession> {
    const { servers, login, tls } = this.#settings;
    // The server of a session that is over may be away, or frozen.
    if (this.#session !== null) this.#turn();
    const nothing = (): void => undefined;
    // The next ones want some of the time that an operator waits for.
    const waitMs = Math.min(SESSION_MS, Math.floor(STORE_MS / servers.length));
    const watching = { onEvent: nothing, onAlive: nothing, onOver: nothing };
    for (let left = servers.length - 1; ; left--) {
      const { host, port } = servers[this.#server] as (typeof servers)[number];
      try {
        const options = { host, port, timeoutMs: SESSION_MS, login, tls: tls && readTls(tls), ...watching };
        this.#session = await ZooSession.open(options, this.#closing.signal, waitMs);
        lastServers.set(this.#settings, this.#server);
        return this.#session;
      } catch (error) {
        this.#turn();
        if (left <= 0 || this.#closing.signal.aborted) throw error;
      }
    }
  }

  #turn(): void {
    this.#server = (this.#server + 1) % this.#settings.servers.length;
  }
}

/** Asks for a change of the document, unless nobody waits any more. */
type Send = (
  session: ZooSession,
  operation: number,
  body: (writer: JuteWriter) => unknown,
) => ReturnType<ZooSession['ask']>;

interface Setting {
  readonly path: string;
  readonly text: string;
  readonly revision: string;
  readonly send: Send;
}

/** @throws Error when it is not written, or nobody knows */
async function set(session: ZooSession, setting: Setting): Promise<Written> {
  const { path, revision } = setting;
  const present = await look(session, path);
  const kept = keptOf(present);
  if (kept.revision !== revision) return { kind: 'conflict', present: kept };
  const { fault, body } = present === null ? await make(session, setting) : await replace(session, setting, present);
  const isStale = present === null ? fault === FAULT.nodeExists : STALE.has(fault);
  if (isStale) return { kind: 'conflict', present: await presentOf(async () => keptOf(await look(session, path))) };
  if (fault !== 0) throw faultOf(fault, path, 'written');
  // In front of it is the path of a node that was made.
  if (present === null) body.text();
  const stat = readStat(body);
  if (present === null || stat.created === present.created) return { kind: 'written', revision: String(stat.revision) };
  throw new Error(`${path} was deleted and made anew in the moment of the write, which replaced what was new`);
}

/** Of a node that was there a moment ago. */
const STALE: ReadonlySet<number> = new Set([FAULT.badVersion, FAULT.noNode]);

/** Whether an error says that nothing was done. */
function isCertain(fault: number): boolean {
  return fault <= FAULT.api;
}

function replace(session: ZooSession, { path, text, send }: Setting, { version }: NodeData): ReturnType<Send> {
  return send(session, OPERATION.setData, (writer) => writer.text(path).text(text).int(version));
}

async function make(session: ZooSession, { path, text, send }: Setting): ReturnType<Send> {
  const rights = await rightsOf(session, above(path));
  return send(session, OPERATION.create2, nodeWriter(path, text, rights));
}

/** Null: there is no such node. */
async function look(session: ZooSession, path: string): Promise<NodeData | null> {
  // Requests of a session are answered in their order: the node is read by a server that has caught up.
  const [synced, { fault, body }] = await Promise.all([
    session.ask(OPERATION.sync, (writer) => writer.text(path)),
    session.ask(OPERATION.getData, (writer) => writer.text(path).boolean(false)),
  ]);
  if (synced.fault !== 0) throw faultOf(synced.fault, path);
  if (fault === FAULT.noNode) return null;
  if (fault !== 0) throw faultOf(fault, path);
  const data = readData(body);
  if (data.bytes.length <= WEIGHTS_BYTES_MAX) return data;
  throw new Error(`${path} has ${data.bytes.length} bytes, more than ${WEIGHTS_BYTES_MAX}`);
}

function keptOf(data: NodeData | null): Kept {
  if (data === null) return { text: null, revision: NO_REVISION };
  return { text: data.bytes.toString('utf8'), revision: String(data.revision) };
}

// ── rights ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What somebody may do with a node. */
interface Right {
  /** Bits of reading, writing, creating, deleting and administering. */
  readonly permissions: number;
  readonly scheme: string;
  readonly id: string;
}

/** Rights of a node; one that is missing is made with those of the node above it. */
async function rightsOf(session: ZooSession, path: string): Promise<readonly Right[]> {
  const { fault, body } = await session.ask(OPERATION.getAcl, (writer) => writer.text(path));
  if (fault === 0) return readRights(body, path);
  if (fault !== FAULT.noNode || path === '/') throw faultOf(fault, path);
  const rights = await rightsOf(session, above(path));
  const made = await session.ask(OPERATION.create2, nodeWriter(path, '', rights));
  if (made.fault === 0) return rights;
  // Somebody was faster, and may have given others.
  if (made.fault === FAULT.nodeExists) return rightsOf(session, path);
  throw faultOf(made.fault, path, 'written');
}

/** Whoever may not administer a node is told nothing of passwords, not even their hash: such a right is nobody's. */
const HIDDEN = /:x$/;

function readRights(body: JuteReader, path: string): readonly Right[] {
  const rights = Array.from({ length: Math.max(0, body.int()) }, () => ({
    permissions: body.int(),
    scheme: body.text(),
    id: body.text(),
  }));
  if (!rights.some(({ scheme, id }) => scheme === 'digest' && HIDDEN.test(id))) return rights;
  throw new Error(
    `the rights of ${path}, which a node below it is to have, are not shown to a user who may not administer it: ` +
      'give that right, or make the node by hand',
  );
}

function nodeWriter(path: string, text: string, rights: readonly Right[]): (writer: JuteWriter) => void {
  return (writer) => {
    writer.text(path).text(text).int(rights.length);
    for (const { permissions, scheme, id } of rights) writer.int(permissions).text(scheme).text(id);
    // A node of the kind that lasts.
    writer.int(0);
  };
}

function above(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')));
}

/** What an action gives, unless nobody waits any more before; then it goes on, unheard. */
async function unlessAborted<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(new Error('no answer in the time that was left'));
  if (signal.aborted) throw new Error('nobody waits any more');
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([aborted.promise, action()]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
