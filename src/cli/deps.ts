/**
 * What the command line is given: the gateway's functions and the process's surroundings.
 *
 * `main.ts` passes the real ones, tests pass fakes; no command reaches for a global.
 */

import type { Gateway, GatewayOptions } from '../model/gateway.ts';
import type { LogLine } from '../model/threads/state.ts';
import type { ConfigTools } from './config/command.ts';
import type { ReplayTools } from './log/replay.ts';
import type { SloTools } from './slo/tools.ts';

/** Standard output or error. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Of a terminal, in characters. */
  readonly columns?: number;
  readonly rows?: number;
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown;
}

/** Standard input. Without `setRawMode` it is no terminal. */
export interface Input {
  readonly isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** Signals and events of the process. */
export interface ProcessEvents {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** What the commands about the decision log need of the other sections. */
export interface LogTools extends ReplayTools {
  /** Every line of a state directory or an export. @throws SluiceError SLU_LOG_UNREADABLE, also while it is read */
  read(path: string): Iterable<LogLine>;
  /** A line as it is exported, without its end. */
  format(line: LogLine): string;
}

export interface CliDeps {
  /** The release, `0.1.0`. */
  readonly version: string;
  /** Versions of Node.js that run it, as package.json has them. */
  readonly engines: string;
  /** @throws SluiceError SLU_CONFIG_INVALID, SLU_CONFIG_UNREADABLE, SLU_PORT_IN_USE, SLU_LISTEN_FAILED, SLU_WORKER_FAILED */
  startGateway(options: GatewayOptions): Promise<Gateway>;
  /** Loads what commands need of other sections to look at documents; here as below a second call costs nothing. */
  config(): Promise<ConfigTools>;
  /** The same for the decision log. */
  log(): Promise<LogTools>;
  /** The same for SLO files. */
  slo(): Promise<SloTools>;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly events: ProcessEvents;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Exit codes; scripts rely on them. */
export const EXIT = {
  ok: 0,
  /** The thing asked for did not happen. */
  failed: 1,
  /** The command line was not understood. */
  usage: 2,
  /** The admin server could not be reached. */
  unreachable: 3,
  /** Ended by SIGINT or SIGTERM, as shells count it: 128 and the number of the signal. */
  interrupted: 130,
  terminated: 143,
} as const;

/** One command of the command line, loaded; its name is in the table (commands/table.ts). */
export interface Command {
  /** The answer to `--help`. */
  readonly usage: string;
  /** @returns the exit code. @throws SluiceError SLU_USAGE and what `deps` throws */
  run(argv: readonly string[], deps: CliDeps): Promise<number>;
}
