/**
 * What the command line starts and holds: a running gateway as seen from outside.
 */

import type { RestartAnswer } from './threads/handover.ts';

/** How to start a gateway. */
export interface GatewayOptions {
  /** Path of the configuration document, as the user gave it. */
  readonly configFile: string;
  /** File with the keys that documents must be signed with; null: the environment may have them. */
  readonly configKeyFile: string | null;
  /** It does not start with a configuration of before when its sources do not answer. */
  readonly isFreshRequired: boolean;
  /** Least severe level that is logged: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`. */
  readonly logLevel: string;
  /** File that names the process that serves, or null. */
  readonly pidFile: string | null;
  /** It ends with the process that started it, so that no other process can take its place. */
  readonly isTied: boolean;
  /** How long a process that is to take over may take until it could serve, ms. */
  readonly restartTimeoutMs: number;
  /**
   * Ends the process at once: the one that was to hand over has gone while this one got ready. A supervisor starts another one, which needs
   * the sockets that this one holds and does not serve. Absent: it goes on until it is ready, and ends then.
   */
  readonly orphaned?: () => void;
  /**
   * Told when the gateway is about to serve, or has the state of the one before it: from then on it is ended by draining it, which waits
   * until it serves, and no more by ending the process.
   */
  readonly committed?: (gateway: Pick<Gateway, 'drain'>) => void;
}

/** A gateway that is listening. */
export interface Gateway {
  /** `http://host:port`, or `https`, of each listener of the data plane; the main one first. */
  readonly proxyUrls: readonly string[];
  /** `http://host:port` of the admin server. */
  readonly adminUrl: string;
  /** SHA-256 of the configuration it started with, hex. */
  readonly configHash: string;
  /** Reads the configuration again; a refused one leaves the last good one in force. */
  reload(): void;
  /**
   * Starts a process from the same command line that takes over the listening sockets; then this one drains and closes.
   * When that one cannot serve, this one goes on.
   * @param by who asks, for the log
   */
  restart(by: string): RestartAnswer;
  /**
   * Takes what nobody caught in this thread: it is told and counted, and the gateway serves on.
   * @param origin where it comes from, `uncaughtException` or `unhandledRejection`
   */
  defect(error: unknown, origin: string): void;
  /** Fails readiness, lets traffic finish within the configured limits, then closes. Idempotent. */
  drain(): Promise<void>;
  /** The exit code, once everything is closed: 0 after a drain or a restart, 1 when it could not go on. Never rejects. */
  readonly closed: Promise<number>;
}
