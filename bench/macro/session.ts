/**
 * What a run shares, and how gateways are started and ended in it.
 */

import { mkdtempSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { findBinary } from '../../test/support/runner/servers.ts';
import type { Cores } from './accounts/accounts.ts';
import { type Child, type Children, freePort, untilReady } from './children.ts';
import type { Contender, Place, Setup } from './contenders/contender.ts';
import type { Options } from './options.ts';

/** Everything that a run shares. */
export interface Session {
  readonly options: Options;
  /** The run's temporary folder. */
  readonly folder: string;
  readonly children: Children;
  /** Full path of a program. */
  readonly binary: (name: string) => string;
  readonly cores: Cores;
  readonly signal: AbortSignal;
  readonly upstreamPort: number;
  readonly upstream: Child;
  readonly ticksPerSecond: number;
  /** Tells the person that waits. */
  readonly say: (text: string) => void;
}

/** A gateway that is up. */
export interface Gateway {
  readonly contender: Contender;
  readonly place: Place;
  readonly child: Child;
}

/** Gateway on core 0, load and upstream on core 1, where there are two cores and `taskset`. */
export function chooseCores(): Cores {
  const canPin = availableParallelism() >= 2 && findBinary('taskset') !== null;
  return canPin ? { gateway: [0], load: [1] } : { gateway: [], load: [] };
}

/** Cores for gateways with two workers: they share the load's where there is no third. */
export function coresForTwo(cores: Cores): Cores {
  if (cores.gateway.length === 0) return cores;
  return { gateway: [0, 1], load: [availableParallelism() >= 3 ? 2 : 1] };
}

/** Starts a gateway and waits until it serves. */
export async function startGateway(
  session: Session,
  contender: Contender,
  setup: Setup,
  cores: Cores = session.cores,
): Promise<Gateway> {
  const { children, upstreamPort, signal, binary } = session;
  const place: Place = {
    folder: mkdtempSync(join(session.folder, `${contender.name}-`)),
    port: await freePort(),
    adminPort: await freePort(),
    upstreamPort,
    setup,
    binary,
  };
  signal.throwIfAborted();
  const child = children.start(contender.name, cores.gateway, contender.prepare(place));
  await untilReady(child, contender.readyUrl(place), signal);
  return { contender, place, child };
}
