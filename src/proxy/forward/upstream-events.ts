/**
 * What an attempt's connection reports. Handed in, because connections and forwarder refer to one another.
 */

import type { Reason } from '../../model/reason.ts';
import type { Exchange } from '../exchange.ts';

export interface UpstreamEvents {
  /** The exchange has its connection and its head was written. */
  sent(x: Exchange): void;
  /** The attempt failed before the response was complete. */
  failed(x: Exchange, reason: Reason, detail: string): void;
  /** The route retries the answer's status, budget permitting: the wait before it in ms, or -1 to pass the answer on. */
  refuses(x: Exchange): number;
  /** The answer is dropped, as `refuses` said. */
  refused(x: Exchange, waitMs: number): void;
  /** One arm of a hedged exchange has the final head: returns the exchange that it answers. */
  won(x: Exchange): Exchange;
  /** The response has been handed to the client completely. */
  completed(x: Exchange): void;
}
