/**
 * What the data-plane threads are started with.
 */

import type { MessagePort } from 'node:worker_threads';
import type { Snapshot } from '../../model/snapshot.ts';
import type { ToWorker } from '../../model/threads/messages.ts';
import type { ProxyProtocolMode } from '../../model/threads/proxied.ts';
import type { AccessBatch } from '../../model/threads/requests/access.ts';
import type { ComparedBatch } from '../../model/threads/requests/compared.ts';
import type { TlsMaterial } from '../../model/threads/tls.ts';

/** A sign of life is due every 50 ms; garbage collection and a debugger's snapshot may take seconds. */
export const HUNG_MS = 10_000;

/** An address of the data plane. */
export interface WorkersListener {
  readonly host: string;
  readonly port: number;
  /** Default: HTTP/1.1 only. */
  readonly http2?: boolean;
  /** Listening sockets that exist already, for the life of a worker that begins now; none: it opens one. */
  readonly sockets?: (id: number) => Promise<readonly number[]>;
  readonly proxyProtocol?: ProxyProtocolMode | undefined;
}

export interface WorkersOptions {
  /** The file that runs in each thread. */
  readonly file: URL;
  readonly count: number;
  /** Where to listen: the main listener first, then the others. */
  readonly listeners: readonly WorkersListener[];
  /** Whether several sockets may have the port, of these workers and of later ones. Default: where there are several. */
  readonly reusePort?: boolean;
  /** Default: nothing speaks TLS. */
  readonly tls?: TlsMaterial;
  readonly dials: SharedArrayBuffer;
  readonly endpointDials: SharedArrayBuffer;
  readonly latencyDials: SharedArrayBuffer;
  readonly standings: SharedArrayBuffer;
  readonly snapshot: Snapshot;
  /** A worker died and will be replaced. */
  died(id: number, cause: string): void;
  /** A worker has begun in this place. @param tell says something to it, and gives it ports, while it lives */
  born?(id: number, tell: (message: ToWorker, ports: readonly MessagePort[]) => void): void;
  /** Takes a batch of a worker's access log. */
  access?(batch: AccessBatch): void;
  /** Takes answers to be compared. @param taken to be called when they have been, or are dropped */
  compared?(batch: ComparedBatch, taken: () => void): void;
  /** A token of some request names a key that is not known. */
  keyUnknown?(): void;
  /** A worker's requests may have to wait for other threads on its core. Said by each. */
  unhurried?(because: string): void;
  /** No descriptor is left: connections are accepted and closed without a word, or not opened. Said now and then. */
  exhausted?(code: string): void;
  /** How long a worker's event loop may stand still. Default `HUNG_MS`. */
  readonly hungMs?: number;
}
