/**
 * What a handshake hands to the session that follows it.
 */

import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { LinkedRoute, LinkedSplit } from '../decide/table.ts';
import type { Endpoint } from '../forward/endpoint.ts';
import type { SessionOrigin } from './aftermath.ts';

/** A client's connection, or one stream of one of HTTP/2. */
export interface ClientSocket extends Duplex {
  /** Breaks it off so that the client can tell. */
  resetAndDestroy(): unknown;
}

/** An upgrade that both sides agreed to. Nobody listens to the two sockets; `upstream` is paused. */
export interface Agreement {
  readonly route: LinkedRoute;
  readonly split: LinkedSplit;
  /** It can be rolled back: it had weight when the request came to it. */
  readonly hadWeight: boolean;
  readonly endpoint: Endpoint;
  readonly client: ClientSocket;
  readonly upstream: Socket;
  readonly protocol: string;
  readonly idleMs: number;
  /** The 101 for the client, and what the upstream sent behind its own. */
  readonly head: string;
  readonly rest: Buffer;
  /** Masking key, for the day the gateway has to say goodbye. */
  readonly key: number;
  /** Null where it does not matter how the session ends. */
  readonly origin: SessionOrigin | null;
}
