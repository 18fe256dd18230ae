/**
 * A data plane in a process of its own, so that its memory, time and descriptors are its own: one version, the upstream
 * port is given; `http2` behind it has the listener speak HTTP/2 as well.
 *
 * Says `{ port }` once it listens, and answers every message with a reading of itself, taken after a collection.
 */

import { readdirSync, readlinkSync } from 'node:fs';
import { CELL, ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { endpointIdOf, startPlane } from '../plane.ts';
import type { Reading } from './child.ts';

const upstreamPort = Number(process.argv[2]);
const plane = await startPlane({
  routes: [{ versions: [{ name: 'v1', ports: [upstreamPort], weight: 1 }] }],
  limits: { bodyBytesMax: 2 ** 40 },
  // Who waits for readings, and for hundreds of clients, may need long.
  timeouts: { bodyIdleMs: 600_000, firstByteMs: 600_000 },
  http2: process.argv[3] === 'http2',
});

const DESCRIPTORS = '/proc/self/fd';

/** Descriptors that are sockets, also of a handle that is gone; null where none can be looked at. */
function descriptors(): number | null {
  try {
    return readdirSync(DESCRIPTORS).filter(isSocket).length;
  } catch {
    // Another system, or no descriptor is left to look with.
    return null;
  }
}

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(`${DESCRIPTORS}/${descriptor}`).startsWith('socket:');
  } catch {
    // That of the looking itself is closed again.
    return false;
  }
}

/** The listener's and the channel's to the test. */
const ownDescriptors = descriptors() ?? 0;

function openSockets(): number {
  const all = descriptors();
  if (all !== null) return all - ownDescriptors;
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

const endpoint = (word: keyof typeof ENDPOINT): number =>
  plane.tallies.endpoints[endpointIdOf(upstreamPort) * ENDPOINT_WORDS + ENDPOINT[word]] as number;

process.on('message', () => {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  process.send?.({
    rss,
    heapUsed,
    external,
    connections: plane.plane.listener.connections,
    cpuUs: user + system,
    bad: plane.count(1, CELL.bad),
    inFlight: {
      route: plane.count(0, CELL.inFlight),
      version: plane.count(1, CELL.inFlight),
      endpoint: endpoint('inFlight'),
    },
    upstreamOpen: endpoint('open'),
    sockets: openSockets(),
  } satisfies Reading);
});
process.on('disconnect', () => plane.close());
process.send?.({ port: plane.port });
