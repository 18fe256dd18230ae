/**
 * Breaks a socket off so that its peer can tell this from a regular end.
 *
 * The system's handle refuses a reset while a FIN is under way, and the runtime then forgets it without closing it: its
 * descriptor would stay open for good. Such a socket is closed as it is; its peer was told of an end already.
 */

import { Socket } from 'node:net';
import { tcpOf } from '../wire/tls/handle.ts';
import type { ClientSocket } from './agreement.ts';

/** Closes with RST, or at least closes; a stream of HTTP/2 with RST_STREAM. */
export function resetSocket(socket: ClientSocket): void {
  // Bytes that wait hold the FIN back.
  const isShutting = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isShutting) socket.destroy();
  else (socket instanceof Socket ? tcpOf(socket) : socket).resetAndDestroy();
}
