/**
 * Picks ports that are free on loopback.
 *
 * A port is tested by listening on it without SO_REUSEPORT, so that another gateway that shares its port is seen too.
 * Between the test and the use somebody else may take it; the gateway then says so itself. In the place of a taken one the
 * next free one is taken: one that the system picks is one that it may give to any client a moment later.
 */

import { type AddressInfo, createServer, type Server } from 'node:net';

const HOST = '127.0.0.1';
/** Ports after a taken one that are tried before the system picks one. */
const NEXT_MAX = 20;
const PORT_MAX = 65_535;

export interface PortWish {
  readonly port: number;
  /** Whether another port will do when this one is taken. */
  readonly isFlexible: boolean;
}

export interface PickedPort {
  readonly port: number;
  /** The wish was taken, this is another. */
  readonly isOther: boolean;
}

/**
 * One port per wish, all different.
 * @returns null in the place of a wish that is taken and not flexible.
 */
export async function pickPorts(wishes: readonly PortWish[]): Promise<readonly (PickedPort | null)[]> {
  const held: Server[] = [];
  const picked: (PickedPort | null)[] = [];
  for (const wish of wishes) {
    const wished = await hold(wish.port);
    const server = wished ?? (wish.isFlexible ? await holdNext(wish.port) : null);
    if (server !== null) held.push(server);
    picked.push(server === null ? null : { port: (server.address() as AddressInfo).port, isOther: wished === null });
  }
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return picked;
}

async function holdNext(port: number): Promise<Server | null> {
  for (let next = port + 1; next <= Math.min(port + NEXT_MAX, PORT_MAX); next++) {
    const server = await hold(next);
    if (server !== null) return server;
  }
  return hold(0);
}

/** Listens on `port`; null when that is not possible, for whatever reason (taken, privileged). */
function hold(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host: HOST, port }, () => resolve(server));
  });
}
