/**
 * A data plane in a process of its own, so that its memory, time and descriptors are its own: one version, the upstream
 * port is given.
 *
 * Says `{ port }` once it listens, and answers every message with a reading of itself, taken after a collection.
 */

import { CELL } from '#src/model/tallies.ts';
import { startPlane } from '../plane.ts';

const upstreamPort = Number(process.argv[2]);
const plane = await startPlane({
  routes: [{ versions: [{ name: 'v1', ports: [upstreamPort], weight: 1 }] }],
  limits: { bodyBytesMax: 2 ** 40 },
});
process.on('message', () => {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const { connections } = plane.plane.listener;
  process.send?.({ rss, heapUsed, external, connections, cpuUs: user + system, bad: plane.count(1, CELL.bad) });
});
process.on('disconnect', () => plane.close());
process.send?.({ port: plane.port });
