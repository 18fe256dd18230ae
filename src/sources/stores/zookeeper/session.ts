/**
 * One session with one ZooKeeper server, over one connection, for as long as both last.
 *
 * ```
 * connecting ─ connect answered, logged in ─▶ open ─ silence, end, nonsense, close() ─▶ over
 * ```
 * Every reading leaves a watch, which fires once. Events and answers come in the order in which the server did things, so
 * that what was read and not told to have changed is still so. A session is never taken up again after its connection: its
 * watches would have to be set anew, and what they missed be asked for, which is what a new session does.
 * Source: ZooKeeper Programmer's Guide, "Watches", "Sessions"; `zookeeper.jute` (tested with 3.8.0).
 */

import type { Socket } from 'node:net';
import { nowMs } from '../../../lib/clock.ts';
import type { TlsOptions } from '../client.ts';
import { dial } from './dial.ts';
import { JuteReader, JuteWriter } from './jute.ts';

/** Kinds of requests. */
export const OPERATION = {
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  sync: 9,
  ping: 11,
  getChildren: 12,
  create2: 15,
  close: -11,
  auth: 100,
} as const;
const XID = { event: -1, ping: -2, auth: -4 } as const;
/** Those up to `api` are about what was asked, which certainly was not done; those above it are the server's own. */
export const FAULT = {
  api: -100,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  nodeExists: -110,
  authFailed: -115,
  notReadOnly: -119,
  quotaExceeded: -125,
} as const;
const FRAME_BYTES_MAX = 16 * 1024 * 1024;
const PASSWORD_BYTES = 16;

export interface SessionOptions {
  readonly host: string;
  readonly port: number;
  /** Asked for. What the server grants is looked at three times: silence of more than two thirds of it, with a ping since, ends the session. */
  readonly timeoutMs: number;
  readonly login: { readonly username: string; readonly password: string } | null;
  /** Null: without TLS. */
  readonly tls: TlsOptions | null;
  /** A node that was read is another now, or gone, or there. */
  readonly onEvent: (path: string) => void;
  /** The server is there. */
  readonly onAlive: () => void;
  /** Said once, after the session was open. */
  readonly onOver: (session: ZooSession, error: Error) => void;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly fault: number;
  readonly body: JuteReader;
}

/** Of a node, as far as it is looked at. */
export interface Stat {
  /** The transaction that made it. */
  readonly created: bigint;
  /** The transaction that changed it last. */
  readonly revision: bigint;
  /** How often it was set since it was made, which a write compares. */
  readonly version: number;
}

/** What a node holds. */
export interface NodeData extends Stat {
  readonly bytes: Buffer;
}

export class ZooSession {
  readonly #options: SessionOptions;
  readonly #socket: Socket;
  readonly #opened = Promise.withResolvers<void>();
  readonly #waiting = new Map<number, Waiting>();
  #received: Buffer[] = [];
  #receivedBytes = 0;
  #isOpen = false;
  #over: Error | null = null;
  #xid = 0;
  /** Of the newest answer: as far as the server had come. */
  #zxid = 0n;
  #heardAtMs = nowMs();
  /** A ping was sent since. */
  #isAwaited = false;
  #beat: NodeJS.Timeout | null = null;

  private constructor(options: SessionOptions) {
    this.#options = options;
    this.#socket = dial(options, {
      onReady: () => this.#hello(),
      onFailure: (why) => this.#end(why),
    });
    this.#socket.unref();
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#socket.on('close', () => this.#end(this.#isOpen ? 'the connection ended' : wordsOfRefusal(options)));
  }

  /** Opens a session. Rejects with words that say why there is none, within `waitMs`. */
  static async open(
    options: SessionOptions,
    signal: AbortSignal,
    waitMs: number = options.timeoutMs,
  ): Promise<ZooSession> {
    const session = new ZooSession(options);
    const late = setTimeout(() => session.#end(`no answer within ${waitMs} ms`), waitMs).unref();
    const abort = (): void => session.#end('nobody waits any more');
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await session.#opened.promise;
      if (options.login !== null) await session.#logIn(options.login);
      return session;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', abort);
    }
  }

  get isOver(): boolean {
    return this.#over !== null;
  }

  get zxid(): bigint {
    return this.#zxid;
  }

  /** Names of the nodes below one; null: there is no such node. Leaves a watch in both cases. */
  async children(path: string): Promise<readonly string[] | null> {
    const answer = await this.#read(OPERATION.getChildren, path);
    return answer === null ? null : answer.texts();
  }

  /** What a node holds; null: there is no such node. Leaves a watch in both cases. */
  async data(path: string): Promise<NodeData | null> {
    const answer = await this.#read(OPERATION.getData, path);
    return answer === null ? null : readData(answer);
  }

  /** Sends a request; `body` writes what follows its header. Rejects when the session ends before the answer. */
  ask(operation: number, body: (writer: JuteWriter) => unknown, xid: number = ++this.#xid): Promise<Answer> {
    if (this.#over !== null) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => {
      this.#waiting.set(xid, { resolve, reject });
      const writer = new JuteWriter().int(xid).int(operation);
      body(writer);
      this.#socket.write(writer.frame());
    });
  }

  /** Ends it; nothing is said afterwards. Idempotent. */
  close(): void {
    if (this.#over !== null) return;
    if (this.#isOpen)
      this.#socket.write(
        new JuteWriter()
          .int(++this.#xid)
          .int(OPERATION.close)
          .frame(),
      );
    this.#isOpen = false;
    this.#end('it was closed');
  }

  /** A node that is not there gets its watch by another question; it may have come meanwhile. */
  async #read(operation: number, path: string): Promise<JuteReader | null> {
    for (;;) {
      const { fault, body } = await this.ask(operation, (writer) => writer.text(path).boolean(true));
      if (fault === 0) return body;
      if (fault !== FAULT.noNode) throw faultOf(fault, path);
      const there = await this.ask(OPERATION.exists, (writer) => writer.text(path).boolean(true));
      if (there.fault === FAULT.noNode) return null;
      if (there.fault !== 0) throw faultOf(there.fault, path);
    }
  }

  #hello(): void {
    const { timeoutMs } = this.#options;
    const writer = new JuteWriter().int(0).long(0n).int(timeoutMs).long(0n).bytes(Buffer.alloc(PASSWORD_BYTES));
    this.#socket.write(writer.boolean(false).frame());
  }

  async #logIn({ username, password }: NonNullable<SessionOptions['login']>): Promise<void> {
    const { fault } = await this.ask(
      OPERATION.auth,
      (writer) => writer.int(0).text('digest').text(`${username}:${password}`),
      XID.auth,
    );
    if (fault === 0) return;
    this.#end('the user name or password is refused');
    throw this.#over ?? faultOf(fault, '/');
  }

  #receive(chunk: Buffer): void {
    this.#heardAtMs = nowMs();
    this.#isAwaited = false;
    this.#received.push(chunk);
    this.#receivedBytes += chunk.length;
    try {
      for (let frame = this.#next(); frame !== null; frame = this.#next()) this.#take(new JuteReader(frame));
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error));
    }
  }

  /** The next whole frame; null: more must come. */
  #next(): Buffer | null {
    if (this.#receivedBytes < 4 || this.#over !== null) return null;
    let all = this.#received[0] as Buffer;
    if (all.length < 4) all = this.#joined();
    const length = all.readInt32BE();
    if (length < 0 || length > FRAME_BYTES_MAX) throw new Error(`a frame of ${length} bytes: is this ZooKeeper?`);
    if (this.#receivedBytes < 4 + length) return null;
    if (all.length < 4 + length) all = this.#joined();
    this.#received = all.length === 4 + length ? [] : [all.subarray(4 + length), ...this.#received.slice(1)];
    this.#receivedBytes -= 4 + length;
    return all.subarray(4, 4 + length);
  }

  #joined(): Buffer {
    const all = Buffer.concat(this.#received);
    this.#received = [all];
    return all;
  }

  #take(frame: JuteReader): void {
    if (!this.#isOpen) {
      this.#welcome(frame);
      return;
    }
    const xid = frame.int();
    const zxid = frame.long();
    const fault = frame.int();
    if (zxid > this.#zxid) this.#zxid = zxid;
    if (xid === XID.ping) this.#options.onAlive();
    else if (xid === XID.event) {
      // Type and state; what counts is the node.
      frame.int();
      frame.int();
      this.#options.onEvent(frame.text());
    } else {
      const waiting = this.#waiting.get(xid);
      this.#waiting.delete(xid);
      waiting?.resolve({ fault, body: frame });
    }
  }

  #welcome(frame: JuteReader): void {
    frame.int();
    const timeoutMs = frame.int();
    if (timeoutMs <= 0) throw new Error('no session is given');
    this.#isOpen = true;
    this.#beat = setInterval(() => this.#look(timeoutMs), timeoutMs / 3).unref();
    this.#opened.resolve();
  }

  /** It may be this process that stood still: a server that was not asked is not silent, and what it said may wait to be read. */
  #look(timeoutMs: number): void {
    if (this.#isAwaited && this.#isSilent(timeoutMs)) setImmediate(() => this.#giveUp(timeoutMs));
    this.#isAwaited = true;
    this.#socket.write(new JuteWriter().int(XID.ping).int(OPERATION.ping).frame());
  }

  /** After what has come already was read. */
  #giveUp(timeoutMs: number): void {
    if (this.#isSilent(timeoutMs)) this.#end(`no answer within ${Math.round(nowMs() - this.#heardAtMs)} ms`);
  }

  #isSilent(timeoutMs: number): boolean {
    return nowMs() - this.#heardAtMs > (timeoutMs * 2) / 3;
  }

  #end(why: string): void {
    if (this.#over !== null) return;
    const error = new Error(why);
    this.#over = error;
    if (this.#beat !== null) clearInterval(this.#beat);
    // What was written before, a farewell above all, still goes out.
    this.#socket.destroySoon();
    this.#opened.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#received = [];
    if (this.#isOpen) this.#options.onOver(this, error);
  }
}

/** A server that does not serve, having no majority, ends connections, and so does a port for TLS of what is none. */
function wordsOfRefusal({ tls }: SessionOptions): string {
  return `the server gives no session${tls === null ? ': is its port one for TLS?' : ''}`;
}

/** What `getData` answers. The bytes are a copy: the frame is not kept for their sake. */
export function readData(body: JuteReader): NodeData {
  const bytes = Buffer.from(body.bytes());
  return { bytes, ...readStat(body) };
}

/** What follows a node in an answer. */
export function readStat(body: JuteReader): Stat {
  const created = body.long();
  const revision = body.long();
  // When it was made, and when it was changed.
  body.long();
  body.long();
  return { created, revision, version: body.int() };
}

/** An error of the server in words. @param deed what was to be done to the node */
export function faultOf(fault: number, path: string, deed: 'read' | 'written' = 'read'): Error {
  if (fault === FAULT.noAuth) return new Error(`${path} may not be ${deed}: give a user name and password that may`);
  if (fault === FAULT.authFailed) return new Error('the user name or password is refused');
  if (fault === FAULT.notReadOnly) return new Error('the server is read-only while it is cut off from the others');
  if (fault === FAULT.quotaExceeded) return new Error(`${path} would exceed a quota of ZooKeeper`);
  return new Error(`error ${fault} at ${path}`);
}
