/**
 * Listening sockets that a process is born with: who gave them, and which worker gets which.
 *
 * Two givers: a gateway that hands over to its successor (`SLUICE_HANDOVER`), and a supervisor that opened them before
 * anything ran (systemd's `LISTEN_FDS`, from descriptor 3 on).
 * Source: sd_listen_fds(3).
 */

import type { ListenAddress } from '../../model/config.ts';
import { SluiceError } from '../../model/problem.ts';
import type { PassedSockets } from '../../model/threads/handover.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The first descriptor behind the standard ones. */
export const FIRST_FD = 3;
/** Far more than a unit has sockets; bounds what a variable can make us do. */
const FDS_MAX = 1024;
/** Name of the socket that is the admin server's. */
const ADMIN_NAME = 'admin';

/** Sockets by whose they are. */
export interface Given {
  readonly proxy: PassedSockets | null;
  readonly admin: PassedSockets | null;
}

/**
 * The sockets that a supervisor passed; null when it passed none, or passed them to another process.
 * @throws SluiceError SLU_LISTEN_FAILED when the variables are not what the protocol says
 */
export function activatedSockets(env: Environment, pid: number): Given | null {
  if (env['LISTEN_PID'] !== String(pid)) return null;
  const text = env['LISTEN_FDS'] ?? '';
  const count = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(count >= 1 && count <= FDS_MAX)) throw wrong(`LISTEN_FDS is ${JSON.stringify(text)}`);
  const names = (env['LISTEN_FDNAMES'] ?? '').split(':');
  const fds = Array.from({ length: count }, (_, n) => FIRST_FD + n);
  const isAdmin = (fd: number): boolean => names[fd - FIRST_FD] === ADMIN_NAME;
  const admin = fds.filter(isAdmin);
  if (admin.length > 1) throw wrong(`${admin.length} sockets are named ${ADMIN_NAME}`);
  return { proxy: activated(fds.filter((fd) => !isAdmin(fd))), admin: activated(admin) };
}

function activated(fds: readonly number[]): PassedSockets | null {
  return fds.length === 0 ? null : { host: '', port: 0, isActivated: true, fds };
}

function wrong(what: string): SluiceError {
  return new SluiceError('SLU_LISTEN_FAILED', `The sockets that were passed cannot be told apart: ${what}`);
}

/** Whether sockets serve an address: a supervisor's serve any, others the one that they were opened for. */
export function areFor(sockets: PassedSockets, { host, port }: ListenAddress): boolean {
  return sockets.isActivated || (sockets.host === host && sockets.port === port);
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
