/**
 * Makes a socket of what was a wire, or was to be one: what carries another protocol needs a stream.
 *
 * A client's wire read into memory shared by all client connections; the socket reads into the lane's own and copies what it
 * read into its stream. Bytes that were received already go first. The runtime's handle is not public:
 * test/unit/proxy/upgrade pins what is relied on.
 */

import { Socket, type SocketConstructorOpts } from 'node:net';
import type { WireHandle } from '../wire/binding.ts';
import { SecureHandle } from '../wire/tls/handle.ts';

const READ_BYTES = 65_536;

/** The option is meant for other handles too; the types know one kind only. */
type Adopting = Omit<SocketConstructorOpts, 'handle'> & { readonly handle: WireHandle };

/** All sockets of a thread read one after another and copy at once, so that one buffer serves all. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Gives the connection to a new socket that stays open half-way.
 *
 * Not to be called from within a read of the wire: what is read next would be stopped for good.
 * @param handle released by its wire, or connected and without one.
 * @param early bytes received and not understood; they come first.
 * @returns the new owner, reading but not flowing.
 */
export function takeOver(handle: WireHandle, early: Buffer): Socket {
  if (handle instanceof SecureHandle) return handle.surrender(early);
  // The socket starts reading itself; a FIN that was seen already is seen again.
  handle.reading = false;
  const options: Adopting = {
    handle,
    allowHalfOpen: true,
    onread: {
      buffer: shared,
      // What `push` says goes back: false stops reading until the stream has room again.
      callback: (count, bytes) => socket.push(Buffer.from(bytes.subarray(0, count))),
    },
  };
  const socket: Socket = new Socket(options as unknown as SocketConstructorOpts);
  if (early.length > 0) socket.unshift(early);
  return socket;
}
