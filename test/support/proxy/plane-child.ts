/**
 * A data plane in a process of its own, so that its memory, time and descriptors are its own: one version, the upstream
 * port is given.
 *
 * Says `{ port }` once it listens, and answers every message with a reading of itself, taken after a collection.
 */

import { CELL, ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { startPlane } from '../plane.ts';
import type { Reading } from './child.ts';

const upstreamPort = Number(process.argv[2]);
const plane = await startPlane({
  routes: [{ versions: [{ name: 'v1', ports: [upstreamPort], weight: 1 }] }],
  limits: { bodyBytesMax: 2 ** 40 },
});

const endpoint = (word: keyof typeof ENDPOINT): number =>
  plane.tallies.endpoints[(upstreamPort % 1000) * ENDPOINT_WORDS + ENDPOINT[word]] as number;

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
    sockets: process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length,
  } satisfies Reading);
});
process.on('disconnect', () => plane.close());
process.send?.({ port: plane.port });
