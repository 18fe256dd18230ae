/**
 * How the workers and the admin server come to their listening sockets, and what a successor gets of them.
 */

import { closeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Config, ListenAddress } from '../../model/config.ts';
import type { PassedSockets } from '../../model/threads/handover.ts';
import type { WorkersOptions } from '../../proxy/threads/workers.ts';
import { duplicateSocket } from '../../proxy/wire/duplicate.ts';
import { assertFree } from '../../proxy/wire/port.ts';
import type { Origin } from './origin.ts';
import { areFor, dealerOf } from './sockets.ts';
import type { Sockets } from './successor.ts';

/** What the workers are started with. */
export interface Listening extends Pick<WorkersOptions, 'count' | 'host' | 'port' | 'reusePort'> {
  readonly sockets?: (id: number) => Promise<readonly number[]>;
  readonly warnings: readonly string[];
}

/**
 * Plans the workers of a configuration, on the sockets that were passed if they are for its address.
 * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED when somebody else listens there
 */
export async function planListening({ listen, workers }: Config, { proxy }: Origin): Promise<Listening> {
  // Node shares a port on these platforms only; elsewhere one worker has it to itself.
  const canShare = process.platform === 'linux' || process.platform === 'freebsd';
  const wanted = workers === 'auto' ? availableParallelism() : workers;
  const count = canShare ? wanted : 1;
  const isShort = count < wanted && workers !== 'auto';
  const warnings = isShort
    ? [`workers: ${wanted} asked for, but ${process.platform} cannot share a port; one worker serves`]
    : [];
  // One worker too: its successor may have more.
  const plan = { ...listen, count, reusePort: canShare, warnings };
  if (proxy !== null && areFor(proxy, listen)) return { ...plan, sockets: dealerOf(proxy, count, duplicateSocket) };
  letGo(proxy);
  // SO_REUSEPORT would let a second gateway take half of the connections without a word.
  if (listen.port !== 0) await assertFree(listen.host, listen.port);
  return plan;
}

/** The admin server's socket that was passed, if it is for the address; undefined: it opens one. */
export function adminFd(address: ListenAddress, { admin }: Origin): number | undefined {
  if (admin !== null && areFor(admin, address)) return admin.fds[0];
  letGo(admin);
  return undefined;
}

/** Nobody is to connect to a socket that we would never accept from. */
function letGo(sockets: PassedSockets | null): void {
  for (const fd of sockets?.fds ?? []) closeSync(fd);
}

/** Listening sockets as they are now, by descriptor; null: a worker is being replaced. */
export interface OpenSockets {
  readonly proxy: readonly number[] | null;
  readonly admin: number | null;
}

/**
 * What a successor gets: everything that is listened on.
 * @param config as it was when the sockets were opened
 * @returns why nothing can be passed, as text
 */
export function socketsToPass({ listen, admin }: Config, origin: Origin, open: OpenSockets): Sockets | string {
  if (open.admin === null) return `${process.platform} cannot hand listening sockets to another process`;
  const kept = origin.proxy?.isActivated === true ? origin.proxy.fds : open.proxy;
  if (kept === null) return 'A worker is being replaced; try again';
  const passed = (address: ListenAddress, given: PassedSockets | null, fds: readonly number[]): PassedSockets => {
    return { ...address, isActivated: given?.isActivated === true, fds };
  };
  return { proxy: passed(listen, origin.proxy, kept), admin: passed(admin, origin.admin, [open.admin]) };
}
