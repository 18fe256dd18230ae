/**
 * The process that is to take over, as the old one has it: started from the same command line, heard, killed, let go.
 *
 * It is no child in any sense but the system's: its standard streams are the old one's, and it outlives it.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import {
  type FromSuccessor,
  HANDOVER_VARIABLE,
  HANDOVER_VERSION,
  type Passed,
  type PassedSockets,
  type ToSuccessor,
} from '../../model/threads/handover.ts';
import { FIRST_FD } from './sockets.ts';

/** Variables that were meant for the old process alone. */
const OWN_VARIABLES = ['LISTEN_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'NODE_CHANNEL_FD'];

/** What is told of a successor. */
export interface SuccessorEvents {
  heard(message: FromSuccessor): void;
  /** It is gone, or never was; called once. */
  exited(because: string): void;
}

export interface Successor {
  /** 0 when it could not be started; then `exited` follows. */
  readonly pid: number;
  send(message: ToSuccessor): void;
  kill(): void;
  /** Lets it live on without us. */
  release(): void;
}

/** How this process was started, and with what it starts the next. */
export interface CommandLine {
  readonly program: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly pid: number;
}

/** Sockets by whose they are, with descriptors of this process. */
export interface Sockets {
  readonly proxy: PassedSockets;
  readonly admin: PassedSockets;
  readonly others: readonly PassedSockets[];
}

/** Starts the successor with the sockets as its descriptors from 3 on. */
export function startSuccessor(
  line: CommandLine,
  { proxy, admin, others }: Sockets,
  events: SuccessorEvents,
): Successor {
  const fds: number[] = [];
  const numbered = (sockets: PassedSockets): PassedSockets => {
    return { ...sockets, fds: sockets.fds.map((fd) => FIRST_FD + fds.push(fd) - 1) };
  };
  const passed: Passed = {
    v: HANDOVER_VERSION,
    parent: line.pid,
    proxy: numbered(proxy),
    admin: numbered(admin),
    others: others.map(numbered),
  };
  const env: Record<string, string | undefined> = { ...line.env };
  for (const name of OWN_VARIABLES) delete env[name];
  env[HANDOVER_VARIABLE] = JSON.stringify(passed);
  const child = spawn(line.program, [...line.argv], {
    env,
    stdio: ['inherit', 'inherit', 'inherit', ...fds, 'ipc'],
    serialization: 'json',
  });
  return heardBy(child, events);
}

function heardBy(child: ChildProcess, events: SuccessorEvents): Successor {
  let isGone = false;
  const gone = (because: string): void => {
    if (isGone) return;
    isGone = true;
    events.exited(because);
  };
  child.on('message', (message) => events.heard(understood(message)));
  child.on('error', (error) => {
    if (child.pid === undefined) gone(`it could not be started: ${error.message}`);
  });
  child.on('exit', (code, signal) => gone(signal === null ? `it ended with code ${code}` : `it ended by ${signal}`));
  return {
    pid: child.pid ?? 0,
    send: (message) => {
      // Whom nothing can be told any more is gone, which is told.
      if (child.connected) child.send(message, () => undefined);
    },
    kill: () => void child.kill('SIGKILL'),
    release: () => {
      if (child.connected) child.disconnect();
      child.unref();
    },
  };
}

/** What the successor says, or that it is not understood. */
function understood(message: unknown): FromSuccessor {
  const { v, kind } = (typeof message === 'object' ? (message ?? {}) : {}) as Partial<FromSuccessor>;
  const isKnown = kind === 'prepared' || kind === 'serving' || kind === 'failed' || kind === 'unread';
  if (v === HANDOVER_VERSION && isKnown) return message as FromSuccessor;
  const because = `it speaks version ${String(v)} of the hand-over, this process version ${HANDOVER_VERSION}`;
  return { v: HANDOVER_VERSION, kind: 'failed', because };
}
