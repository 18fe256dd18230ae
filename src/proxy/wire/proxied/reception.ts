/**
 * Reads the header of the PROXY protocol off connections that were just accepted, before TLS and HTTP.
 *
 * Exactly the header is read: the kernel is asked for no more bytes than it still lacks, so whoever gets the connection finds
 * what follows where it is. Who may send one is the listener's business; a connection whose header is none is closed without
 * a word, counted, and named in the access log, of which a few lines a second are enough.
 *
 * ```
 * accepted ─▸ reading ─┬▸ the header is whole: the listener goes on with the connection
 *                      └▸ malformed, too slow, gone, the worker ends: closed
 * ```
 */

import { beginTurn, turnMs } from '../../../lib/clock.ts';
import type { Timed } from '../../../lib/deadlines.ts';
import { REASON } from '../../../model/reason.ts';
import { CELL } from '../../../model/tallies.ts';
import { PROXY_HEADER, type ProxyHeaderResult } from '../../../model/threads/proxied.ts';
import type { Peer } from '../../decide/decide.ts';
import type { Lane } from '../../lane.ts';
import type { AccessLog } from '../../record/access-log.ts';
import { type Handle, READ, STATE, type WireHandle } from '../binding.ts';
import { HeaderParser } from './parser.ts';
import type { Proxied } from './proxied.ts';
import { HEADER_BYTES_MAX } from './v2.ts';

/** Lines of refused connections per second and worker. */
const LINES_PER_SECOND = 10;
const SECOND_MS = 1000;

/** What all of a thread's are read into, one after another; copied at once. */
const memory = Buffer.allocUnsafeSlow(HEADER_BYTES_MAX);

/** What is needed of a lane. */
export type ReceptionLane = Pick<Lane, 'deadlines' | 'recorder' | 'table'> & {
  readonly accessLog: Pick<AccessLog, 'refusedConnection'>;
};

/** Called once: with what the header says, or with null when the connection is closed. */
type Over = (proxied: Proxied | null) => void;

/** The same, with what came of it. */
type Left = (result: ProxyHeaderResult, proxied: Proxied | null) => void;

/** The connections of one worker whose headers are being read. */
export class Reception {
  readonly #lane: ReceptionLane;
  readonly #guests = new Set<Guest>();
  #linesSinceMs = Number.NEGATIVE_INFINITY;
  #lines = 0;

  constructor(lane: ReceptionLane) {
    this.#lane = lane;
  }

  /** Connections whose header is being read. */
  get size(): number {
    return this.#guests.size;
  }

  /** Begins to read. @param address of whom the connection comes from, for the access log */
  receive(handle: Handle, address: string, over: Over): void {
    const { deadlines, table } = this.#lane;
    const guest = new Guest(handle, turnMs() + table.timeouts.headMs, (result, proxied) => {
      this.#guests.delete(guest);
      deadlines.remove(guest);
      this.#count(result, address);
      over(proxied);
    });
    this.#guests.add(guest);
    deadlines.add(guest);
    guest.begin();
  }

  /** Closes a connection that may not be made, or of whose peer nothing is known any more: it has gone, as checks do. */
  refuse(handle: Handle, { address, sourcePort }: Pick<Peer, 'address' | 'sourcePort'>): void {
    handle.close();
    this.#count(sourcePort === 0 ? PROXY_HEADER.gone : PROXY_HEADER.untrusted, address);
  }

  /** Closes all of them. */
  destroy(): void {
    for (const guest of [...this.#guests]) guest.leave(PROXY_HEADER.gone);
  }

  #count(result: ProxyHeaderResult, address: string): void {
    const { recorder, accessLog } = this.#lane;
    recorder.countedHere(CELL.proxyHeaders + result);
    if (result < PROXY_HEADER.malformed) return;
    recorder.refused(REASON.proxyHeader);
    if (this.#mayTell()) accessLog.refusedConnection(REASON.proxyHeader, address, turnMs());
  }

  #mayTell(): boolean {
    const now = turnMs();
    if (now - this.#linesSinceMs >= SECOND_MS) {
      this.#linesSinceMs = now;
      this.#lines = 0;
    }
    return ++this.#lines <= LINES_PER_SECOND;
  }
}

/** One connection. */
class Guest implements Timed {
  readonly deadlineAtMs: number;
  slot = -1;
  readonly #handle: Handle;
  readonly #over: Left;
  readonly #parser = new HeaderParser();
  #isOver = false;

  constructor(handle: Handle, deadlineAtMs: number, over: Left) {
    this.#handle = handle;
    this.deadlineAtMs = deadlineAtMs;
    this.#over = over;
  }

  begin(): void {
    const handle = this.#handle;
    handle.useUserBuffer(this.#room);
    handle.onread = () => this.#hear(STATE[READ] as number);
    if (handle.readStart() !== 0) this.leave(PROXY_HEADER.gone);
  }

  expire(): void {
    this.leave(PROXY_HEADER.timedOut);
  }

  /** Closes the connection. */
  leave(result: ProxyHeaderResult): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handle.onread = ignore;
    this.#handle.close();
    this.#over(result, null);
  }

  get #room(): Buffer {
    return memory.subarray(0, this.#parser.lacks);
  }

  /** @returns where the next read goes; never more than the header still lacks. */
  #hear(count: number): Buffer | undefined {
    if (this.#isOver || count === 0) return undefined;
    beginTurn();
    if (count < 0) {
      this.leave(PROXY_HEADER.gone);
      return undefined;
    }
    const parser = this.#parser;
    parser.take(memory.subarray(0, count));
    if (parser.fault !== '') this.leave(PROXY_HEADER.malformed);
    else if (parser.proxied !== null) this.#handOver(parser.proxied);
    else return this.#room;
    return undefined;
  }

  #handOver(proxied: Proxied): void {
    const { version, ends } = proxied;
    this.#isOver = true;
    this.#handle.readStop();
    this.#handle.onread = ignore;
    const named = version === 1 ? PROXY_HEADER.v1 : PROXY_HEADER.v2;
    this.#over(ends === null ? PROXY_HEADER.nobody : named, proxied);
  }
}

/** A handle between two owners reads nothing. */
function ignore(this: WireHandle): undefined {}
