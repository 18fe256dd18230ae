/**
 * Opens TCP connections for wires.
 */

import { isIP, isIPv6 } from 'node:net';
import { beginTurn } from '../../lib/clock.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import { type ConnectRequest, errorName, type Handle, newHandle, TCPConnectWrap } from './binding.ts';

const OWN_LIMITS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** Source: RFC 8305 section 8. */
const PACE_MS = 250;
const PACE_MS_MIN = 10;

/** A connection being opened, or its name being resolved. */
export interface Connecting {
  /** Gives up; nobody is told. Without effect once it is done. */
  cancel(): void;
  /** How much of the time from `sinceMs` (clock.ts) on was a TLS handshake, in ms; absent: there is none. */
  handshakeMs?(sinceMs: number): number;
}

/** The connected handle, or null and why not. */
type Done = (handle: Handle | null, code: string) => void;

/** As libuv has it on the systems Sluice runs on. */
const EINVAL = -22;

/**
 * Connects to an IP address (`EINVAL` for anything else).
 * @param port 1 to 65535
 * @param done called later, once: with the connected handle, or with null and a system error (`ECONNREFUSED` …).
 */
export function connectTo(address: string, port: number, done: Done): Connecting {
  const handle = newHandle();
  let isOver = false;
  const finish = (status: number): void => {
    if (isOver) return;
    isOver = true;
    beginTurn();
    if (status === 0) {
      done(handle, '');
      return;
    }
    handle.close();
    done(null, errorName(status));
  };
  handle.setNoDelay(true);
  // The runtime ends the process at an address that is not a text.
  const status = isIP(address) === 0 ? EINVAL : start(handle, address, port, finish);
  // Errors that are known at once are told later all the same: the caller is not ready to hear them yet.
  if (status !== 0) setImmediate(() => finish(status));
  return {
    cancel: () => {
      if (isOver) return;
      isOver = true;
      handle.close();
    },
  };
}

/**
 * Connects to whichever of these addresses takes it first. They are begun in their order, the next one when one failed or
 * after `nextAfterMs` (`paceMs`); those before it go on, so that an address that is only slow is not given up for one
 * that is worse. What is left when one is connected is closed. Time limits are the caller's, by `cancel`.
 * @param addresses not empty. @param done as of `connectTo`; the error is the last one's.
 * Source: RFC 8305 section 5, without its sorting: the order is the resolver's.
 */
export function connectToAny(addresses: readonly string[], port: number, nextAfterMs: number, done: Done): Connecting {
  if (addresses.length === 1) return connectTo(addresses[0] as string, port, done);
  return new Race(addresses, port, nextAfterMs, done);
}

/**
 * How long one address is waited for before the next is begun, in ms: RFC 8305's quarter of a second, or less where not
 * every address would have its turn within `connectMs`; not less than its 10 ms.
 */
export function paceMs(connectMs: number, addressCount: number): number {
  return Math.max(PACE_MS_MIN, Math.min(PACE_MS, connectMs / addressCount));
}

/** Connections to several addresses, of which one is wanted. */
class Race implements Connecting {
  readonly #addresses: readonly string[];
  readonly #port: number;
  readonly #nextAfterMs: number;
  readonly #done: Done;
  readonly #running = new Set<Connecting>();
  #begun = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(addresses: readonly string[], port: number, nextAfterMs: number, done: Done) {
    this.#addresses = addresses;
    this.#port = port;
    this.#nextAfterMs = nextAfterMs;
    this.#done = done;
    this.#next();
  }

  /** Also how it ends: what still runs is closed. */
  cancel(): void {
    this.#begun = this.#addresses.length;
    this.#rest();
    for (const other of this.#running) other.cancel();
    this.#running.clear();
  }

  #next(): void {
    this.#rest();
    const connecting = connectTo(this.#addresses[this.#begun++] as string, this.#port, (handle, code) => {
      this.#running.delete(connecting);
      if (handle !== null) {
        this.cancel();
        this.#done(handle, '');
      } else if (this.#begun < this.#addresses.length) this.#next();
      else if (this.#running.size === 0) this.#done(null, code);
    });
    this.#running.add(connecting);
    if (this.#begun < this.#addresses.length) this.#timer = setTimeout(() => this.#next(), this.#nextAfterMs);
  }

  #rest(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function start(handle: Handle, address: string, port: number, finish: (status: number) => void): number {
  const request: ConnectRequest = new TCPConnectWrap();
  request.oncomplete = finish;
  return isIPv6(address) ? handle.connect6(request, address, port) : handle.connect(request, address, port);
}

/** Whose fault a failed connect is: running out of descriptors or ports is the gateway's own. */
export function connectReason(code: string): Reason {
  if (code === 'ETIMEDOUT') return REASON.connectTimeout;
  return OWN_LIMITS.has(code) ? REASON.shed : REASON.connectRefused;
}
