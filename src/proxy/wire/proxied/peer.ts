/**
 * Who the client is, once the header of its connection is read.
 */

import { hash32 } from '../../../lib/hash.ts';
import type { Peer } from '../../decide/decide.ts';
import type { Proxied } from './proxied.ts';

/**
 * The client that the header names takes the place of the peer that sent it, in everything that is said and decided of a
 * connection's client; whether it is trusted is a question of its own address. Where nobody is named, the peer stays: but as
 * the bytes may be anybody's, they are not believed.
 */
export function proxiedPeer(socket: Peer, { ends }: Proxied): Peer {
  if (ends === null) return { ...socket, isTrusted: false };
  const { source, destination } = ends;
  const { address } = source;
  const key = hash32(`${address}:${source.port}`) | 0;
  const isTrusted = socket.trusts(address);
  const [sourcePort, port, local] = [source.port, destination.port, destination.address];
  return { ...socket, address, sourcePort, port, local, isTrusted, key };
}
