/**
 * How the workers and the admin server come to their listening sockets, and what a successor gets of them.
 */

import { closeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Config, ListenAddress } from '../../model/config.ts';
import type { PassedSockets } from '../../model/threads/handover.ts';
import { speaksHttp2 } from '../../model/threads/load/http2.ts';
import type { ListenerConfig } from '../../model/threads/tls.ts';
import type { WorkersListener, WorkersOptions } from '../../proxy/threads/options.ts';
import { duplicateSocket } from '../../proxy/wire/duplicate.ts';
import { assertFree } from '../../proxy/wire/port.ts';
import type { Owned } from './owners.ts';
import { dealerOf } from './sockets.ts';
import type { Sockets } from './successor.ts';

/** What the workers are started with. */
export interface Listening extends Pick<WorkersOptions, 'count' | 'listeners' | 'reusePort'> {
  readonly warnings: readonly string[];
}

/**
 * Plans the workers of a configuration, on the sockets that were passed for its addresses; lets go of those that are for none.
 * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED when somebody else listens there
 */
export async function planListening(config: Config, { proxy, others, unwanted }: Owned): Promise<Listening> {
  const { listen, listeners = [], workers } = config;
  // Node shares a port on these platforms only; elsewhere one worker has it to itself.
  const canShare = process.platform === 'linux' || process.platform === 'freebsd';
  const wanted = workers === 'auto' ? availableParallelism() : workers;
  const count = canShare ? wanted : 1;
  const isShort = count < wanted && workers !== 'auto';
  const warnings = isShort
    ? [`workers: ${wanted} asked for, but ${process.platform} cannot share a port; one worker serves`]
    : [];
  // Nobody is to connect to a socket that we would never accept from.
  for (const fd of unwanted.flatMap(({ fds }) => fds)) closeSync(fd);
  // One worker too: its successor may have more.
  const planned = [await planOne(listen, proxy, count)];
  for (const [n, listener] of listeners.entries()) planned.push(await planOne(listener, others[n] ?? null, count));
  return { listeners: planned, count, reusePort: canShare, warnings };
}

async function planOne(
  listener: ListenerConfig,
  passed: PassedSockets | null,
  count: number,
): Promise<WorkersListener> {
  const { host, port, proxyProtocol } = listener;
  const planned = { host, port, http2: speaksHttp2(listener), ...(proxyProtocol && { proxyProtocol }) };
  if (passed !== null) return { ...planned, sockets: dealerOf(passed, count, duplicateSocket) };
  // SO_REUSEPORT would let a second gateway take half of the connections without a word.
  if (port !== 0) await assertFree(host, port);
  return planned;
}

/** Listening sockets as they are now, by descriptor; null: a worker is being replaced. */
export interface OpenSockets {
  /** Of each listener, the main one first. */
  readonly proxy: readonly (readonly number[])[] | null;
  readonly admin: number | null;
}

/**
 * What a successor gets: everything that is listened on.
 * @param config as it was when the sockets were opened
 * @param owned whose the sockets were that this process was given
 * @returns why nothing can be passed, as text
 */
export function socketsToPass(config: Config, owned: Owned, open: OpenSockets): Sockets | string {
  const { listen, listeners = [], admin } = config;
  if (open.admin === null) return `${process.platform} cannot hand listening sockets to another process`;
  const given = [owned.proxy, ...listeners.map((_listener, n) => owned.others[n] ?? null)];
  if (open.proxy === null && given.some((sockets) => sockets?.isActivated !== true)) {
    return 'A worker is being replaced; try again';
  }
  const [proxy, ...others] = [listen, ...listeners].map((address, n) => {
    return passedOn(address, given[n] ?? null, open.proxy?.[n] ?? []);
  }) as [PassedSockets, ...PassedSockets[]];
  return { proxy, others, admin: passedOn(admin, owned.admin, [open.admin]) };
}

/** A supervisor's own sockets, as workers have duplicates of them; else those that are `open`. */
function passedOn({ host, port }: ListenAddress, given: PassedSockets | null, open: readonly number[]): PassedSockets {
  return given?.isActivated === true ? { ...given, host, port } : { host, port, isActivated: false, fds: open };
}
