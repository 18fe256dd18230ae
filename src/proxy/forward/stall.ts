/**
 * Gives up on an exchange whose time is over, and says whose fault that is.
 *
 * Whose it is shows in the sockets: bytes that wait for the client, or that it still owes, are its own; what is left is
 * the upstream's. Before there is a connection to it, a queue that did not move is overload.
 */

import { REASON } from '../../model/reason.ts';
import { WAITING } from '../decide/admission/permit.ts';
import type { Exchange } from '../exchange.ts';
import { abandon, attemptExpired } from './forwarder.ts';

/** @param isReading whether the client could send more of its request. */
export function expireExchange(x: Exchange, isReading: boolean): void {
  if (x.responseStarted) {
    if (x.client.out.isBackedUp) abandon(x, REASON.clientClosed, 'the client does not read');
    else if (!x.requestDone && isReading) abandon(x, REASON.bodyTimeout, 'the request body stalled');
    else abandon(x, REASON.upstreamTruncated, 'the response stalled');
  } else if (x.upstream === null) expireWaiting(x);
  else if (x.requestDone || !isReading || x.awaitsContinue)
    attemptExpired(x, REASON.responseTimeout, 'no response in time');
  else abandon(x, REASON.bodyTimeout, 'the request body stalled');
}

/** No connection yet: a queue that did not move is overload, a connection that did not open is the upstream's. */
function expireWaiting(x: Exchange): void {
  if (x.permit === WAITING) abandon(x, REASON.shed, 'the version had no place in time');
  else if (x.endpoint?.pool.cancel(x) === true) attemptExpired(x, REASON.shed, 'no free connection in time');
  else attemptExpired(x, REASON.connectTimeout, 'no connection in time');
}
