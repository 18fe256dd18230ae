/**
 * What the control plane and a worker say to one another, besides the shared memory.
 */

import type { Snapshot, SnapshotChange } from '../snapshot.ts';
import type { TalliesBuffers } from '../tallies.ts';
import type { AccessBatch } from './access.ts';
import type { ColorKeys } from './color.ts';

/** Handed to a worker when it starts. */
export interface WorkerSetup {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** False where the platform has no SO_REUSEPORT: then there is one worker. */
  readonly reusePort: boolean;
  /** Seed of the worker's random choices. */
  readonly seed: number;
  readonly dials: SharedArrayBuffer;
  /** Capacities of the endpoints (`model/threads/capacity.ts`). */
  readonly endpointDials: SharedArrayBuffer;
  /** Thresholds of the rollouts (`model/latency.ts`). */
  readonly latencyDials: SharedArrayBuffer;
  /** What rate limits have counted (`model/overload.ts`), of all workers together. */
  readonly rates: SharedArrayBuffer;
  readonly tallies: TalliesBuffers;
  readonly snapshot: Snapshot;
  /** Listening sockets that exist already, for this worker alone; none: it opens one. */
  readonly fds: readonly number[];
  /** It listens when it is told to, and not before. */
  readonly waits: boolean;
}

export type ToWorker =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** Makes the next snapshot of the one that it has. */
  | { readonly kind: 'change'; readonly change: SnapshotChange }
  /** To one that waits: listen. `port`: as in the setup, or what the first worker got. */
  | { readonly kind: 'listen'; readonly port: number }
  /** Believe colors by these keys, instead of what was said before. */
  | { readonly kind: 'color-keys'; readonly keys: ColorKeys }
  /** A batch of the access log was taken. */
  | { readonly kind: 'access-taken' }
  /** Write so large a share of these versions' requests to the access log, by cell, instead of what was said before. */
  | { readonly kind: 'access-more'; readonly shares: ReadonlyMap<number, number> }
  /** About to drain: answer with `Connection: close`, so that clients leave in peace while new ones are still served. */
  | { readonly kind: 'lame-duck' }
  /** Another process serves on the same sockets: stop accepting, and answer with `Connection: close`. */
  | { readonly kind: 'leave' }
  /** Stop accepting, finish what is under way, say `drained`. */
  | { readonly kind: 'drain' }
  /** End every connection and leave. */
  | { readonly kind: 'stop' };

export type FromWorker =
  /** It waits for `listen`. */
  | { readonly kind: 'ready' }
  /** `fds`: its listening sockets; empty where the system has no such numbers. */
  | { readonly kind: 'listening'; readonly port: number; readonly fds: readonly number[] }
  | { readonly kind: 'linked'; readonly revision: number }
  /** A change was for another snapshot than it has: it needs the whole. */
  | { readonly kind: 'missed' }
  | { readonly kind: 'access'; readonly batch: AccessBatch }
  /** A token names a key that is not in the set. */
  | { readonly kind: 'key-unknown' }
  | { readonly kind: 'drained' }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
