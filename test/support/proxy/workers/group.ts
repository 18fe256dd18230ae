/**
 * Data-plane threads of a test, which are stopped with it.
 */

import type { TestContext } from 'node:test';
import type { Snapshot } from '#src/model/snapshot.ts';
import { DIALS_MAX } from '#src/model/tallies.ts';
import { createStandings } from '#src/model/threads/load/standing.ts';
import type { WorkersOptions } from '#src/proxy/threads/options.ts';
import { Workers } from '#src/proxy/threads/workers.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { createLatencyDials } from '#src/snapshot/latency-dials.ts';
import { type PlaneSketch, sketchSnapshot } from '../../plane.ts';

const FILE = new URL('../../../../src/compose/worker.ts', import.meta.url);

export interface Group {
  readonly workers: Workers;
  readonly deaths: { id: number; cause: string }[];
}

/** Of one worker unless `change` says otherwise; nothing is started yet. */
export function groupOf(t: TestContext, sketch: PlaneSketch, change: Partial<WorkersOptions> = {}): Group {
  const deaths: Group['deaths'] = [];
  const dials = new SharedArrayBuffer(DIALS_MAX * 4);
  new Int32Array(dials).fill(1);
  const workers = new Workers({
    file: FILE,
    count: 1,
    listeners: [{ host: '127.0.0.1', port: 0 }],
    dials,
    endpointDials: createEndpointDials().buffer,
    latencyDials: createLatencyDials().buffer,
    standings: createStandings().buffer,
    snapshot: sketchSnapshot(sketch),
    died: (id, cause) => void deaths.push({ id, cause }),
    ...change,
  });
  t.after(() => workers.stop());
  return { workers, deaths };
}

/** The snapshot of a sketch under a revision. */
export function snapshotOf(sketch: PlaneSketch, revision: number): Snapshot {
  return sketchSnapshot(sketch, revision);
}
