/**
 * What the control plane and a worker say to one another, besides the shared memory.
 */

import type { Snapshot, SnapshotChange } from '../snapshot.ts';
import type { TalliesBuffers } from '../tallies.ts';
import type { ColorKeys } from './color.ts';
import type { ActiveFaults } from './faults.ts';
import type { PoolSetup } from './load/pool.ts';
import type { ProfileWish } from './load/saturation.ts';
import type { ProxyProtocolMode } from './proxied.ts';
import type { AccessBatch } from './requests/access.ts';
import type { ComparedBatch } from './requests/compared.ts';
import type { Tap } from './requests/tap.ts';
import type { TlsMaterial } from './tls.ts';

/** Where a worker is to listen. */
export interface ListenerSetup {
  readonly host: string;
  readonly port: number;
  readonly http2: boolean;
  /** Listening sockets that exist already, for this worker alone; none: it opens one. */
  readonly fds: readonly number[];
  readonly proxyProtocol: ProxyProtocolMode | undefined;
}

/** Where a worker listens. */
export interface OpenListener {
  readonly port: number;
  /** Its sockets; empty where the system has no such numbers. */
  readonly fds: readonly number[];
}

/** Handed to a worker when it starts. */
export interface WorkerSetup {
  readonly id: number;
  /** The main one first. */
  readonly listeners: readonly ListenerSetup[];
  /** False where the platform has no SO_REUSEPORT: then there is one worker. */
  readonly reusePort: boolean;
  /** Seed of the worker's random choices. */
  readonly seed: number;
  readonly dials: SharedArrayBuffer;
  /** Capacities of the endpoints (`model/threads/load/capacity.ts`). */
  readonly endpointDials: SharedArrayBuffer;
  /** Thresholds of the rollouts (`model/latency.ts`). */
  readonly latencyDials: SharedArrayBuffer;
  /** What rate limits have counted (`model/overload.ts`), of all workers together. */
  readonly rates: SharedArrayBuffer;
  /** What all workers remember of colored traces (`model/threads/load/downstream.ts`). */
  readonly downstream: SharedArrayBuffer;
  /** Where it shares the limits of versions with the others (`model/threads/load/pool.ts`); null: there are no others. */
  readonly pool: PoolSetup | null;
  /** What it does about the process's limits (`saturation.ts`). */
  readonly pressure: SharedArrayBuffer;
  /** Who is served first (`model/threads/load/standing.ts`). */
  readonly standings: SharedArrayBuffer;
  readonly tallies: TalliesBuffers;
  readonly snapshot: Snapshot;
  readonly tls: TlsMaterial;
  /** It listens when it is told to, and not before. */
  readonly waits: boolean;
}

export type ToWorker =
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  /** Makes the next snapshot of the one that it has. */
  | { readonly kind: 'change'; readonly change: SnapshotChange }
  /** To one that waits: listen. `ports`: as in the setup, or what the first worker got. */
  | { readonly kind: 'listen'; readonly ports: readonly number[] }
  /** Speak TLS with this, instead of what was said before. */
  | { readonly kind: 'tls'; readonly tls: TlsMaterial }
  /** Believe colors by these keys, instead of what was said before. */
  | { readonly kind: 'color-keys'; readonly keys: ColorKeys }
  /** A batch of the access log was taken. */
  | { readonly kind: 'access-taken' }
  /** A batch of answers was compared. */
  | { readonly kind: 'compared-taken' }
  /** Write so large a share of these versions' requests to the access log, by cell, instead of what was said before. */
  | { readonly kind: 'access-more'; readonly shares: ReadonlyMap<number, number> }
  /** Show requests to these taps along with the access log, instead of what was said before. */
  | { readonly kind: 'tap'; readonly taps: readonly Tap[] }
  /** Inject these faults, instead of what was said before. */
  | { readonly kind: 'faults'; readonly active: ActiveFaults }
  /** Look up idempotency keys over this port, instead of the one before. */
  | { readonly kind: 'broker'; readonly port: MessagePort }
  /** Hand spans over to this port, instead of the one before. */
  | { readonly kind: 'tracing'; readonly port: MessagePort }
  /** Profile yourself, and say `profiled`. */
  | { readonly kind: 'profile'; readonly wish: ProfileWish }
  /** Memory is short: collect garbage. */
  | { readonly kind: 'collect' }
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
  /** Its requests may have to wait for other threads that work on its core. */
  | { readonly kind: 'long-slices'; readonly because: string }
  /** In the order of the setup. */
  | { readonly kind: 'listening'; readonly listeners: readonly OpenListener[] }
  | { readonly kind: 'linked'; readonly revision: number }
  /** A change was for another snapshot than it has: it needs the whole. */
  | { readonly kind: 'missed' }
  | { readonly kind: 'access'; readonly batch: AccessBatch }
  /** Answers to be compared. */
  | { readonly kind: 'compared'; readonly batch: ComparedBatch }
  /** A token names a key that is not in the set. */
  | { readonly kind: 'key-unknown' }
  /** The profile as JSON in UTF-8, or why there is none. */
  | { readonly kind: 'profiled'; readonly result: Uint8Array | string }
  | { readonly kind: 'drained' }
  /** It cannot listen there. */
  | { readonly kind: 'failed'; readonly listener: number; readonly code: string; readonly message: string };
