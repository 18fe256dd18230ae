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
import type { Origin } from './origin.ts';
import { areFor, dealerOf } from './sockets.ts';
import type { Sockets } from './successor.ts';

/** What the workers are started with. */
export interface Listening extends Pick<WorkersOptions, 'count' | 'listeners' | 'reusePort'> {
  readonly warnings: readonly string[];
}

/**
 * Plans the workers of a configuration, on the sockets that were passed if they are for its addresses.
 * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED when somebody else listens there
 */
export async function planListening(config: Config, { proxy, others }: Origin): Promise<Listening> {
  const { listen, listeners = [], workers } = config;
  // Node shares a port on these platforms only; elsewhere one worker has it to itself.
  const canShare = process.platform === 'linux' || process.platform === 'freebsd';
  const wanted = workers === 'auto' ? availableParallelism() : workers;
  const count = canShare ? wanted : 1;
  const isShort = count < wanted && workers !== 'auto';
  const warnings = isShort
    ? [`workers: ${wanted} asked for, but ${process.platform} cannot share a port; one worker serves`]
    : [];
  // One worker too: its successor may have more.
  const given = new Set(others);
  const planned = [await planOne(listen, proxy, count)];
  for (const listener of listeners) {
    const passed = [...given].find((sockets) => areFor(sockets, listener)) ?? null;
    if (passed !== null) given.delete(passed);
    planned.push(await planOne(listener, passed, count));
  }
  for (const unwanted of given) letGo(unwanted);
  return { listeners: planned, count, reusePort: canShare, warnings };
}

async function planOne(
  listener: ListenerConfig,
  passed: PassedSockets | null,
  count: number,
): Promise<WorkersListener> {
  const { host, port, proxyProtocol } = listener;
  const planned = { host, port, http2: speaksHttp2(listener), ...(proxyProtocol && { proxyProtocol }) };
  if (passed !== null && areFor(passed, { host, port })) {
    return { ...planned, sockets: dealerOf(passed, count, duplicateSocket) };
  }
  letGo(passed);
  // SO_REUSEPORT would let a second gateway take half of the connections without a word.
  if (port !== 0) await assertFree(host, port);
  return planned;
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
  /** Of each listener, the main one first. */
  readonly proxy: readonly (readonly number[])[] | null;
  readonly admin: number | null;
}

/**
 * What a successor gets: everything that is listened on.
 * @param config as it was when the sockets were opened
 * @returns why nothing can be passed, as text
 */
export function socketsToPass(config: Config, origin: Origin, open: OpenSockets): Sockets | string {
  const { listen, listeners = [], admin } = config;
  if (open.admin === null) return `${process.platform} cannot hand listening sockets to another process`;
  const isActivated = origin.proxy?.isActivated === true;
  if (open.proxy === null && (!isActivated || listeners.length > 0)) return 'A worker is being replaced; try again';
  const [main = [], ...rest] = open.proxy ?? [];
  const kept = isActivated ? (origin.proxy?.fds ?? []) : main;
  const passed = (
    { host, port }: ListenAddress,
    given: PassedSockets | null,
    fds: readonly number[],
  ): PassedSockets => {
    return { host, port, isActivated: given?.isActivated === true, fds };
  };
  return {
    proxy: passed(listen, origin.proxy, kept),
    admin: passed(admin, origin.admin, [open.admin]),
    others: listeners.map((listener, n) => passed(listener, null, rest[n] ?? [])),
  };
}
