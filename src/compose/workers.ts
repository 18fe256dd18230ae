/**
 * Composition of the data-plane threads: the file that each runs, the memory that they share, who hears of them.
 */

import type { AccessLogWriter } from '../export/access-log.ts';
import type { Log } from '../lib/log.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { Workers, type WorkersOptions } from '../proxy/threads/workers.ts';
import type { Keys } from './keys.ts';

/** As source or as built. */
const WORKER_FILE = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/** What a gateway's threads are made with. */
export interface WorkersParts {
  readonly listening: Pick<WorkersOptions, 'count' | 'host' | 'port' | 'reusePort' | 'sockets'>;
  readonly memory: Pick<WorkersOptions, 'dials' | 'endpointDials' | 'latencyDials'>;
  readonly snapshot: Snapshot;
  readonly log: Log;
  readonly accessLog: AccessLogWriter;
  readonly keys: Keys;
}

/** The threads; none is started yet. */
export function createWorkers({ listening, memory, snapshot, log, accessLog, keys }: WorkersParts): Workers {
  return new Workers({
    file: WORKER_FILE,
    ...listening,
    ...memory,
    snapshot,
    died: (id, cause) => log.error('worker_died', { worker: id, cause }),
    exhausted: (code) => log.error('descriptors_exhausted', { code }),
    access: (batch) => accessLog.take(batch),
    keyUnknown: () => keys.wanted(),
  });
}
