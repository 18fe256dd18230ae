/**
 * How a client's stream is ended before its time, and what of it is left unread.
 * Source: RFC 9113 sections 5.4.2, 8.1.
 */

import type { ServerHttp2Stream } from 'node:http2';
import type { StreamHome } from './home.ts';
import { CODE } from './outlet.ts';

/** Any error makes the runtime reset with that code; nobody reads this one. */
const CUT_OFF = new Error('cut off');

type Home = Pick<StreamHome<unknown>, 'ownReset'>;

/** What is left unread, and be it the end, would keep the stream from closing. */
export function discard(stream: ServerHttp2Stream): void {
  stream.removeAllListeners('readable');
  stream.resume();
}

/** It is answered, and its client need not send the rest. */
export function waive(stream: ServerHttp2Stream, home: Home): void {
  if (stream.closed || stream.destroyed) return;
  home.ownReset();
  stream.close(CODE.noError);
}

/** Resets the stream with INTERNAL_ERROR. Closing it instead would end it first, as if the answer were whole. */
export function cut(stream: ServerHttp2Stream, home: Home): void {
  if (stream.destroyed) return;
  if (stream.closed) {
    discard(stream);
    return;
  }
  home.ownReset();
  stream.destroy(CUT_OFF);
}
