/**
 * What reloads do to requests and streams: the same load with reloads and without, in turn, while streams are open.
 *
 * `npm run bench:reload -- --reloads 1000 --routes 100 --rate 300 --seconds 4`. Changes come from the file, from Consul and from
 * etcd. In the turns without reloads as much is written as often, to where the gateway does not look: the stores and the disk
 * have the same work. Ends with 1 when a request failed, a stream was cut, or the 99th percentile is worse than it may be.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { needServers } from '../../test/support/runner/servers.ts';
import { type Scene, startScene } from '../../test/support/stores/scenes/reloads.ts';
import { Children, stopOnSignals } from '../macro/children.ts';
import { letLoose, measurePairs, moveAside, PAIRS_MIN, reportPairs, startUpstream } from './pairs.ts';

/** What the 99th percentile may be with reloads, times that without. */
const RATIO_MAX = 1.2;
/** Of each kind. */
const STREAMS = 8;
/** Reloads that do not come are not waited for. */
const PAIRS_MAX = 200;

const { values } = parseArgs({
  options: {
    reloads: { type: 'string', default: '1000' },
    routes: { type: 'string', default: '100' },
    rate: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '4' },
  },
});

needServers(['nginx', 'consul', 'etcd', 'taskset', 'chrt']);
moveAside();
const children = new Children();
const abort = new AbortController();
stopOnSignals(abort, children);
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
try {
  const port = await startUpstream(children, folder, abort.signal);
  const scene = await startScene({ routes: Number(values.routes), streams: STREAMS, port });
  letLoose(scene.gateway.child.pid as number);
  try {
    process.exitCode = await run(scene);
  } finally {
    for (const stream of scene.streams) stream.end();
    await scene.end();
  }
} finally {
  await children.stopAll();
  rmSync(folder, { recursive: true });
}

async function run({ gateway, stores, lives, streams, write, writeAside }: Scene): Promise<number> {
  const before = lives.count;
  const pairs = await measurePairs({
    proxyUrl: gateway.proxyUrl,
    stores,
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    begin: async (isCalm) => {
      let isOver = false;
      const writing = (isCalm ? writeAside : write)(() => isOver);
      return () => {
        isOver = true;
        return writing;
      };
    },
    isEnough: (count) => {
      const isReloaded = lives.count - before >= Number(values.reloads);
      return (isReloaded && count >= PAIRS_MIN) || count >= PAIRS_MAX || abort.signal.aborted;
    },
    more: () => `${lives.count - before} reloads`,
  });
  const ratio = reportPairs('with reloads', pairs);
  const cut = streams.filter((stream) => !stream.isWhole()).map(({ kind }) => kind);
  console.log(`${lives.count - before} reloads; at most ${RATIO_MAX} times the 99th percentile is wanted`);
  console.log(`${streams.length} streams (events, WebSocket, HTTP/2), ${cut.length} cut ${cut.join(', ')}`.trimEnd());
  return cut.length === 0 && ratio <= RATIO_MAX && !abort.signal.aborted ? 0 : 1;
}
