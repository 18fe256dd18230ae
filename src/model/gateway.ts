/**
 * What the command line starts and holds: a running gateway as seen from outside.
 */

/** How to start a gateway. */
export interface GatewayOptions {
  /** Path of the configuration document, as the user gave it. */
  readonly configFile: string;
  /** Least severe level that is logged: `trace`, `debug`, `info`, `warn`, `error`, `fatal` or `silent`. */
  readonly logLevel: string;
}

/** A gateway that is listening. */
export interface Gateway {
  /** `http://host:port` of the data plane. */
  readonly proxyUrl: string;
  /** `http://host:port` of the admin server. */
  readonly adminUrl: string;
  /** SHA-256 of the configuration it started with, hex. */
  readonly configHash: string;
  /** Reads the configuration again; a refused one leaves the last good one in force. */
  reload(): void;
  /** Fails readiness, lets traffic finish within the configured limits, then closes. Idempotent. */
  drain(): Promise<void>;
  /** The exit code, once everything is closed: 0 after a drain, 1 when it could not go on. Never rejects. */
  readonly closed: Promise<number>;
}
