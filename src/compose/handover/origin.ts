/**
 * Where this process comes from: started anew, by a supervisor that listens for it, or by a gateway that hands over to it.
 */

import type { Passed, PassedSockets } from '../../model/threads/handover.ts';
import { HANDOVER_VARIABLE } from '../../model/threads/handover.ts';
import { type Channel, Heir, type HeirEvents, passedTo } from './heir.ts';
import { ADMIN, LISTEN } from './owners.ts';
import { type Activated, activatedSockets } from './sockets.ts';

export interface Origin {
  /** Null when there is nobody to take over from. */
  readonly heir: Heir | null;
  /** Sockets of a supervisor, which are to be given to their listeners. */
  readonly activated: readonly Activated[];
  /** Sockets that the gateway before this one opened, by whose they were; null: none. */
  readonly proxy: PassedSockets | null;
  readonly admin: PassedSockets | null;
  /** Of the data plane's further listeners. */
  readonly others: readonly PassedSockets[];
}

/** Variables that are meant for one process, and not for those that it starts. */
const TAKEN = [HANDOVER_VARIABLE, 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'];

export interface OriginDeps {
  readonly channel: Channel;
  readonly pid: number;
  readonly events: HeirEvents;
}

/**
 * Reads, and takes out of the environment, what was passed to this process.
 * @throws SluiceError SLU_RESTART_FAILED, SLU_LISTEN_FAILED when it is not understood
 */
export function originOf(env: Record<string, string | undefined>, { channel, pid, events }: OriginDeps): Origin {
  const passed = passedTo(env, channel);
  const activated = passed === null ? activatedSockets(env, pid) : handedOn(passed);
  for (const name of TAKEN) delete env[name];
  return {
    heir: passed === null ? null : new Heir(passed, channel, events),
    activated,
    proxy: own(passed?.proxy),
    admin: own(passed?.admin),
    others: (passed?.others ?? []).filter(({ isActivated }) => !isActivated),
  };
}

/** Sockets of a supervisor that came by a hand-over, from earlier releases without what it calls them. */
function handedOn({ proxy, admin, others = [] }: Passed): Activated[] {
  const named = ({ isActivated, names, fds }: PassedSockets, fallback: string): Activated[] => {
    return isActivated ? fds.map((fd, n) => ({ fd, name: names?.[n] ?? fallback })) : [];
  };
  return [...named(proxy, LISTEN), ...named(admin, ADMIN), ...others.flatMap((sockets) => named(sockets, ''))];
}

function own(sockets: PassedSockets | undefined): PassedSockets | null {
  return sockets === undefined || sockets.isActivated ? null : sockets;
}
