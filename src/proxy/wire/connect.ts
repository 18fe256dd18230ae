/**
 * Opens TCP connections for wires.
 */

import { isIP, isIPv6 } from 'node:net';
import { beginTurn } from '../../lib/clock.ts';
import { REASON, type Reason } from '../../model/reason.ts';
import { type ConnectRequest, errorName, type Handle, newHandle, TCPConnectWrap } from './binding.ts';

const OWN_LIMITS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);

/** A connection being opened, or its name being resolved. */
export interface Connecting {
  /** Gives up; nobody is told. Without effect once it is done. */
  cancel(): void;
}

/** As libuv has it on the systems Sluice runs on. */
const EINVAL = -22;

/**
 * Connects to an IP address (`EINVAL` for anything else).
 * @param port 1 to 65535
 * @param done called later, once: with the connected handle, or with null and a system error (`ECONNREFUSED` …).
 */
export function connectTo(
  address: string,
  port: number,
  done: (handle: Handle | null, code: string) => void,
): Connecting {
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
 * Connects to the first of these addresses that takes it, one after the other.
 * @param addresses not empty. @param done as of `connectTo`; the error is the last one's.
 */
export function connectToAny(
  addresses: readonly string[],
  port: number,
  done: (handle: Handle | null, code: string) => void,
): Connecting {
  let current: Connecting | null = null;
  const tryNext = (index: number): void => {
    current = connectTo(addresses[index] as string, port, (handle, code) => {
      if (handle === null && index + 1 < addresses.length) tryNext(index + 1);
      else done(handle, code);
    });
  };
  tryNext(0);
  return { cancel: () => current?.cancel() };
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
