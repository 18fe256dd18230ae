/**
 * Which listener of the configuration each socket belongs to that was passed to this process.
 *
 * A supervisor's belongs to the listener whose address it is bound to; else to the one by whose name it is called: `listen`,
 * `listeners[0]` and so on, `admin`. All sockets of a listener have one port: a unit calls all its sockets by one name, and a
 * second port that a plain listener served unasked could be that of TLS. A socket that is nobody's ends the start: its
 * clients would wait for ever. A predecessor's belongs to the listener that has the address it was opened for.
 */

import { addressOf, canonicalAddress } from '../../lib/text/address.ts';
import type { Config, ListenAddress } from '../../model/config.ts';
import { SluiceError } from '../../model/problem.ts';
import type { PassedSockets } from '../../model/threads/handover.ts';
import type { Origin } from './origin.ts';
import type { Activated } from './sockets.ts';

export const LISTEN = 'listen';
export const ADMIN = 'admin';

/** Sockets by whose they are. */
export interface Owned {
  readonly proxy: PassedSockets | null;
  readonly admin: PassedSockets | null;
  /** By further listener. */
  readonly others: readonly (PassedSockets | null)[];
  /** Nobody listens at their addresses any more. */
  readonly unwanted: readonly PassedSockets[];
}

/** Where a socket is bound; null: it is no socket of IP. */
export type BoundTo = (fd: number) => ListenAddress | null;

interface Owner {
  readonly name: string;
  readonly address: ListenAddress;
}

interface Bound extends Activated {
  readonly at: ListenAddress;
  /** The same as text. */
  readonly where: string;
}

const REMEDY =
  'configure a listener at its address, name it after its listener (FileDescriptorName=, in a socket unit of its own), or do not pass it';

/**
 * Gives each socket to its listener.
 * @throws SluiceError SLU_LISTEN_FAILED when a supervisor's is nobody's
 */
export function ownedBy(config: Config, origin: Origin, boundTo: BoundTo): Owned {
  const { listen, listeners = [], admin } = config;
  const main: Owner = { name: LISTEN, address: listen };
  const further = listeners.map((address, n): Owner => ({ name: `listeners[${n}]`, address }));
  const looking: Owner = { name: ADMIN, address: admin };
  const given = give(origin.activated, [main, ...further, looking], boundTo);
  const left = new Set([origin.proxy, origin.admin, ...origin.others].filter((sockets) => sockets !== null));
  const take = ({ name, address }: Owner, from: readonly (PassedSockets | null)[]): PassedSockets | null => {
    const activated = given.get(name);
    if (activated !== undefined) {
      const { host, port } = address;
      const names = activated.map((socket) => socket.name);
      return { host, port, isActivated: true, names, fds: activated.map(({ fd }) => fd) };
    }
    const own = from.find((sockets) => sockets !== null && left.has(sockets) && isSame(sockets, address)) ?? null;
    if (own !== null) left.delete(own);
    return own;
  };
  return {
    proxy: take(main, [origin.proxy]),
    admin: take(looking, [origin.admin]),
    others: further.map((owner) => take(owner, origin.others)),
    unwanted: [...left],
  };
}

/** A supervisor's sockets by the names of their listeners. */
function give(sockets: readonly Activated[], owners: readonly Owner[], boundTo: BoundTo): Map<string, Bound[]> {
  const given = new Map<string, Bound[]>(owners.map(({ name }) => [name, []]));
  const rest: Bound[] = [];
  for (const socket of sockets) {
    const at = boundTo(socket.fd);
    if (at === null) throw nobodys({ ...socket, where: 'no socket of IP' }, 'nothing can listen there');
    const bound = { ...socket, at, where: addressOf(at.host, at.port) };
    const owner = owners.find(({ address }) => isBoundFor(at, address));
    ((owner && given.get(owner.name)) ?? rest).push(bound);
  }
  for (const socket of rest) {
    const mates = given.get(socket.name);
    if (mates === undefined) {
      const names = owners.map(({ name }) => name).join(', ');
      throw nobodys(socket, `no listener has this address, and its name is none of ${names}`);
    }
    const other = mates.find(({ at }) => at.port !== socket.at.port);
    if (other !== undefined) {
      throw nobodys(socket, `${socket.name} has descriptor ${other.fd} (${other.where}) already`);
    }
    mates.push(socket);
  }
  const [first, second] = given.get(ADMIN) ?? [];
  if (second !== undefined) throw nobodys(second, `the admin server has one socket, descriptor ${first?.fd}`);
  return new Map([...given].filter(([, bound]) => bound.length > 0));
}

function nobodys({ fd, name, where }: Omit<Bound, 'at'>, because: string): SluiceError {
  const called = name === '' ? 'without a name' : `named ${JSON.stringify(name)}`;
  const message = `Descriptor ${fd} of the supervisor (${where}, ${called}) belongs to no listener: ${because}; ${REMEDY}`;
  return new SluiceError('SLU_LISTEN_FAILED', message);
}

/** Sockets at every interface of either family are for a listener at every interface: `ListenStream=80` is `[::]:80`. */
function isBoundFor(at: ListenAddress, { host, port }: ListenAddress): boolean {
  if (at.port !== port) return false;
  const [bound, wanted] = [canonicalAddress(at.host) ?? at.host, canonicalAddress(host) ?? host.toLowerCase()];
  if (wanted === 'localhost') return bound === '127.0.0.1' || bound === '::1';
  return bound === wanted || (isEvery(bound) && isEvery(wanted));
}

function isEvery(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isSame(sockets: PassedSockets, { host, port }: ListenAddress): boolean {
  return sockets.host === host && sockets.port === port;
}
