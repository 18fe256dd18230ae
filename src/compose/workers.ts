/**
 * Composition of the data-plane threads: the file that each runs, the memory that they share, who hears of them.
 */

import type { AccessLogWriter } from '../export/requests/access-log.ts';
import type { Log } from '../lib/log.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { TlsMaterial } from '../model/threads/tls.ts';
import { inlineMore } from '../proxy/threads/inlining.ts';
import type { WorkersOptions } from '../proxy/threads/options.ts';
import { Workers } from '../proxy/threads/workers.ts';
import type { Keys } from './keys.ts';
import type { Watches } from './watches/watches.ts';

/** As source or as built. */
const WORKER_FILE = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** What a gateway's threads are made with. */
export interface WorkersParts {
  readonly listening: Pick<WorkersOptions, 'count' | 'listeners' | 'reusePort'>;
  readonly tls: TlsMaterial;
  readonly memory: Pick<WorkersOptions, 'dials' | 'endpointDials' | 'latencyDials' | 'standings'>;
  readonly snapshot: Snapshot;
  readonly log: Log;
  readonly accessLog: AccessLogWriter;
  readonly keys: Keys;
  readonly watches: Watches;
  /** Told of each that dies. */
  readonly died: (worker: number) => void;
}

/** The threads; none is started yet. */
export function createWorkers({
  listening,
  tls,
  memory,
  snapshot,
  log,
  accessLog,
  keys,
  watches,
  died,
}: WorkersParts): Workers {
  inlineMore();
  let isTold = false;
  return new Workers({
    file: WORKER_FILE,
    ...listening,
    tls,
    ...memory,
    snapshot,
    born: (id, tell) => watches.born(id, tell),
    died: (id, cause) => {
      log.error('worker_died', { worker: id, cause });
      died(id);
    },
    unhurried: (because) => {
      if (!isTold) log.info('long_slices', { because });
      isTold = true;
    },
    exhausted: (code) => log.error('descriptors_exhausted', { code }),
    access: (batch) => {
      accessLog.take(batch);
      if (batch.tapped !== undefined) watches.taps.take(batch.tapped);
    },
    compared: (batch, taken) => watches.mirrors.take(batch, taken),
    keyUnknown: () => keys.wanted(),
  });
}
