/**
 * What the bench must know of a gateway: how to configure and start it in front of the upstream.
 */

import type { Server } from '../../../test/support/runner/servers.ts';

/** Gateways that can be compared, in the order in which they take turns and stand in the tables. */
export const CONTENDERS = ['nginx', 'haproxy', 'caddy', 'sluice', 'node-undici', 'http-proxy-3', 'fastify'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** What differs between the configurations of one gateway. */
export interface Setup {
  /** Threads or processes that serve. */
  readonly workers: number;
  /** Routes in the table (`../routes.ts`); 1 = one that takes everything. */
  readonly routes: number;
  /** Routes with a canary under judgement, of gateways that judge; default up to ten. */
  readonly judged?: number;
}

export const PLAIN: Setup = { workers: 1, routes: 1 };

/** Most client connections that any scenario opens, with room: from 4/5 of it on Sluice ends idle ones. Every gateway is told it. */
export const CONNECTIONS_MAX = 16_000;
/** Most connections that a gateway may open to the upstream: one for every client of the widest closed loop. */
export const UPSTREAM_CONNECTIONS_MAX = 4_096;

/** Where a gateway stands in this run. */
export interface Place {
  /** Its own folder for configurations and temporary files. */
  readonly folder: string;
  readonly port: number;
  /** A second free port, for gateways with an admin side. */
  readonly adminPort: number;
  readonly upstreamPort: number;
  readonly setup: Setup;
  /** Full path of a program that `needs` named. */
  readonly binary: (name: string) => string;
}

export interface Contender {
  readonly name: ContenderName;
  readonly needs: readonly Server[];
  /** Writes the configuration; returns the command that serves in the foreground. */
  readonly prepare: (place: Place) => readonly string[];
  /** What answers 200 once it serves. */
  readonly readyUrl: (place: Place) => string;
  /** Version of the program, for the report; `binary` gives the full path of what `needs` named. */
  readonly version: (binary: (name: string) => string) => string;
}
