/**
 * Connects to an endpoint the way it is spoken to: TCP, and a handshake on top of it where it has TLS.
 */

import { turnMs } from '../../../lib/clock.ts';
import { REASON, type Reason } from '../../../model/reason.ts';
import { errorName, type Handle, STATE, type WireHandle, WRITE_ERROR } from '../binding.ts';
import { type Connecting, connectReason, connectToAny, paceMs } from '../connect.ts';
import type { EndpointSecurity } from './credentials.ts';

/** Whom to connect to, and what is said first. */
export interface Reached {
  readonly port: number;
  /** Null: plain. */
  readonly security: EndpointSecurity | null;
  /** A header of the PROXY protocol, before TLS; absent: none. */
  readonly preface?: string;
}

/** The connected handle, or null and why not. */
export type ReachedBy = (handle: WireHandle | null, reason: Reason, detail: string) => void;

/**
 * Connects to whichever address takes it first. Time limits are the caller's, by `cancel`.
 * @param addresses not empty. @param connectMs for all of them together
 * @param done called later, once
 */
export function reach(
  { port, security, preface = '' }: Reached,
  addresses: readonly string[],
  connectMs: number,
  done: ReachedBy,
): Connecting {
  let handshake: Connecting | null = null;
  let [beganAtMs, endedAtMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const connecting = connectToAny(addresses, port, paceMs(connectMs, addresses.length), (handle, code) => {
    const fault = handle === null ? code : preface === '' ? '' : announce(handle, preface);
    if (handle === null || fault !== '') done(null, connectReason(fault), `${fault} while connecting`);
    else if (security === null) done(handle, REASON.none, '');
    else {
      beganAtMs = turnMs();
      handshake = security.secure(handle, (secured, detail) => {
        endedAtMs = turnMs();
        if (secured === null) done(null, REASON.tlsFailed, `${detail} in the TLS handshake`);
        else done(secured, REASON.none, '');
      });
    }
  });
  return {
    cancel: () => (handshake ?? connecting).cancel(),
    handshakeMs: (sinceMs) => Math.max(0, Math.min(endedAtMs, turnMs()) - Math.max(beganAtMs, sinceMs)),
  };
}

/** Writes the first bytes of a connection. @returns the system's error; then it is closed; else empty */
function announce(handle: Handle, preface: string): string {
  const result = handle.writeLatin1String(null, preface);
  // There is room for them in any connection that is just open; what waits all the same leaves before what is written next.
  if (typeof result !== 'number') {
    result.handle = handle;
    result.oncomplete = ignore;
  }
  const status = typeof result === 'number' ? result : (STATE[WRITE_ERROR] as number);
  if (status === 0) return '';
  handle.close();
  return errorName(status);
}

function ignore(): void {}
