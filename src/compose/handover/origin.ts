/**
 * Where this process comes from: started anew, by a supervisor that listens for it, or by a gateway that hands over to it.
 */

import type { PassedSockets } from '../../model/threads/handover.ts';
import { HANDOVER_VARIABLE } from '../../model/threads/handover.ts';
import { type Channel, Heir, passedTo } from './heir.ts';
import { activatedSockets } from './sockets.ts';

export interface Origin {
  /** Null when there is nobody to take over from. */
  readonly heir: Heir | null;
  /** Listening sockets that were passed; null: none. */
  readonly proxy: PassedSockets | null;
  readonly admin: PassedSockets | null;
  /** Of the data plane's further listeners. */
  readonly others: readonly PassedSockets[];
}

/** Variables that are meant for one process, and not for those that it starts. */
const TAKEN = [HANDOVER_VARIABLE, 'LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES'];

/**
 * Reads, and takes out of the environment, what was passed to this process.
 * @throws SluiceError SLU_RESTART_FAILED, SLU_LISTEN_FAILED when it is not understood
 */
export function originOf(env: Record<string, string | undefined>, channel: Channel, pid: number): Origin {
  const passed = passedTo(env, channel);
  const given = passed ?? activatedSockets(env, pid);
  for (const name of TAKEN) delete env[name];
  return {
    heir: passed === null ? null : new Heir(passed, channel),
    proxy: given?.proxy ?? null,
    admin: given?.admin ?? null,
    others: passed?.others ?? [],
  };
}
