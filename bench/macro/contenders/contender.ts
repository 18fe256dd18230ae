/**
 * What the bench must know of a gateway: how to configure and start it in front of the upstream.
 */

import type { Server } from '../../../test/support/runner/servers.ts';
import type { ContenderName } from '../options.ts';

/** Where a gateway stands in this run. */
export interface Place {
  /** Folder of this run for configurations and temporary files. */
  readonly folder: string;
  readonly port: number;
  /** A second free port, for gateways with an admin side. */
  readonly adminPort: number;
  readonly upstreamPort: number;
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
  /** Version of the program, for the report. */
  readonly version: (place: Place) => string;
}
