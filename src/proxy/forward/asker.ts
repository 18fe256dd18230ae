/**
 * Who asks: the other side of an exchange, towards the client.
 */

import type { ClientConnection } from '../http1/connection.ts';
import type { Outlet } from '../wire/wire.ts';

/** What an exchange needs of whoever asked: a client's connection, or what stands in for one. */
export interface Asker
  extends Pick<
    ClientConnection,
    | 'lane'
    | 'lines'
    | 'body'
    | 'waitAtMost'
    | 'touch'
    | 'willKeepAlive'
    | 'upstreamReady'
    | 'resumeReading'
    | 'exchangeDone'
    | 'reject'
    | 'cutOff'
  > {
  readonly out: Outlet;
}
