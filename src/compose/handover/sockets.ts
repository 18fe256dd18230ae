/**
 * Listening sockets that a process is born with: who gave them, and which worker gets which.
 *
 * Two givers: a gateway that hands over to its successor (`SLUICE_HANDOVER`), and a supervisor that opened them before
 * anything ran (systemd's `LISTEN_FDS`, from descriptor 3 on).
 * Source: sd_listen_fds(3).
 */

import { SluiceError } from '../../model/problem.ts';
import type { PassedSockets } from '../../model/threads/handover.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The first descriptor behind the standard ones. */
export const FIRST_FD = 3;
/** Far more than a unit has sockets; bounds what a variable can make us do. */
const FDS_MAX = 1024;

/** A listening socket of a supervisor: whose it is, `owners.ts` tells. */
export interface Activated {
  readonly fd: number;
  /** By which the supervisor calls it; empty: by none. */
  readonly name: string;
}

/**
 * The sockets that a supervisor passed; none when it passed them to another process.
 * @throws SluiceError SLU_LISTEN_FAILED when the variables are not what the protocol says
 */
export function activatedSockets(env: Environment, pid: number): Activated[] {
  if (env['LISTEN_PID'] !== String(pid)) return [];
  const text = env['LISTEN_FDS'] ?? '';
  const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= 1 && count <= FDS_MAX)) throw wrong(`LISTEN_FDS is ${JSON.stringify(text)}`);
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  return Array.from({ length: count }, (_, n) => ({ fd: FIRST_FD + n, name: names[n] ?? '' }));
}

function wrong(what: string): SluiceError {
  return new SluiceError('SLU_LISTEN_FAILED', `The sockets that were passed cannot be counted: ${what}`);
}

/**
 * Deals sockets out to workers, by number and at the beginning of each life.
 *
 * A supervisor's sockets stay open here, and each life of each worker gets duplicates: the queue of such a socket lives
 * on when a worker dies, so somebody must go on accepting from it. Others go over to the workers for good, evenly; a
 * worker that has none, or begins another life, opens its own.
 */
export function dealerOf(
  sockets: PassedSockets,
  workers: number,
  duplicate: (fd: number) => Promise<number>,
): (worker: number) => Promise<readonly number[]> {
  const { isActivated, fds } = sockets;
  if (isActivated) return () => Promise.all(fds.map(duplicate));
  const hands = Array.from({ length: workers }, (_, worker) => fds.filter((_fd, n) => n % workers === worker));
  return (worker) => Promise.resolve(hands[worker]?.splice(0) ?? []);
}
