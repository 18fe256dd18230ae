/**
 * Carries what comes over one connection to another one and back, until either is over.
 */

import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** Connects to a port of loopback, in the network that this process is in. A connection that breaks breaks the other. */
export function carry(near: Socket, port: number): void {
  const far = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
  // Not kept when a socket goes from one process to another.
  near.allowHalfOpen = true;
  near.setNoDelay();
  const isOver = (): void => undefined;
  pipeline(near, far, isOver);
  pipeline(far, near, isOver);
}
