/**
 * Gives up on an exchange whose time is over, and says whose fault that is.
 *
 * Whose it is shows in the sockets: bytes that wait for the client, or that it still owes, are its own; what is left is
 * the upstream's: a body that waits for a 100 is owed as any other, as nobody has to wait for one (RFC 9110 section 10.1.1).
 * What the client's own deadline ended is its own as well (`attributed`). Before there is a connection to it, a queue that did not move is overload.
 */

import { REASON } from '../../model/reason.ts';
import { WAITING } from '../decide/admission/permit.ts';
import type { Exchange } from '../exchange.ts';
import { hasRunOut } from '../record/streaming.ts';
import { abandon, attemptExpired } from './forwarder.ts';
import { isGathering } from './retry/idempotency/gather.ts';
import { keyedOf } from './retry/idempotency/keyed.ts';

/** @param isReading whether the client could send more of its request. */
export function expireExchange(x: Exchange, isReading: boolean): void {
  if (x.responseStarted) {
    if (hasRunOut(x)) abandon(x, REASON.clientClosed, 'the deadline of the call is over');
    else if (x.client.out.isBackedUp) abandon(x, REASON.clientClosed, 'the client does not read');
    else if (!x.requestDone && isReading)
      abandon(x, REASON.bodyTimeout, 'the request body stalled, or came too slowly');
    else abandon(x, REASON.upstreamTruncated, 'the response stalled');
  } else if (x.upstream === null) expireWaiting(x);
  else if (x.requestDone || !isReading) attemptExpired(x, REASON.responseTimeout, 'no response in time');
  else abandon(x, REASON.bodyTimeout, 'the request body stalled, or came too slowly');
}

/** No connection yet: a queue that did not move is overload, a connection that did not open is the upstream's. */
function expireWaiting(x: Exchange): void {
  if (isGathering(x)) abandon(x, REASON.bodyTimeout, 'the request body stalled, or came too slowly');
  else if (keyedOf(x)?.state === 'asking')
    abandon(x, REASON.idempotencyUnavailable, 'nothing was executed: nobody said who has the key');
  else if (x.permit === WAITING) abandon(x, REASON.shed, 'the version had no place in time');
  else if (x.endpoint?.pool.cancel(x) === true) attemptExpired(x, REASON.shed, 'no free connection in time');
  else attemptExpired(x, REASON.connectTimeout, 'no connection in time');
}
