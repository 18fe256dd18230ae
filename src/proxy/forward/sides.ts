/**
 * The two sides of an exchange: who asks, and what an attempt's connection reports. The latter is handed in, because
 * connections and forwarder refer to one another.
 */

import type { Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';
import type { ClientConnection } from '../http1/connection.ts';
import type { Outlet } from '../wire/wire.ts';

export interface UpstreamEvents {
  /** The exchange has its connection and its head was written. */
  sent(x: Exchange): void;
  /** The attempt failed before the response was complete. */
  failed(x: Exchange, reason: Reason, detail: string): void;
  /**
   * An answer that may be dropped (`isUnwelcome`): `PASSES_ON` all the same, `RESCUES`, or the wait in ms before a retry.
   * What is to come is paid for.
   */
  refuses(x: Exchange, status: number): number;
  /** The answer is dropped, as `refuses` said. */
  refused(x: Exchange, status: number, course: number): void;
  /** One arm of a hedged exchange has the final head: returns the exchange that it answers. */
  won(x: Exchange): Exchange;
  /** The response has been handed to the client completely. */
  completed(x: Exchange): void;
}

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
