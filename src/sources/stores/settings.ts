/**
 * How each source is reached, defaults filled in. Tokens and passwords are in here: never log or show a whole one.
 */

/** Certificates of a connection; paths of files. */
export interface TlsSettings {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  readonly serverName: string | null;
}

export interface DirectorySettings {
  readonly kind: 'directory';
  readonly path: string;
}

/** How an agent is reached, whatever it is asked for. */
export interface ConsulReach {
  /** `http://host:port`. */
  readonly address: string;
  readonly token: string | null;
  readonly datacenter: string | null;
  readonly consistency: 'default' | 'consistent' | 'stale';
  readonly waitMs: number;
  readonly tls: TlsSettings | null;
}

export interface ConsulSettings extends ConsulReach {
  readonly kind: 'consul';
  /** Without a slash at either end. */
  readonly prefix: string;
}

export interface EtcdSettings {
  readonly kind: 'etcd';
  readonly endpoints: readonly string[];
  /** Ends with a slash. */
  readonly prefix: string;
  readonly login: { readonly username: string; readonly password: string } | null;
  readonly heartbeatMs: number;
  readonly tls: TlsSettings | null;
}

export interface HttpSettings {
  readonly kind: 'http';
  readonly url: string;
  readonly token: string | null;
  readonly intervalMs: number;
  readonly tls: TlsSettings | null;
}

export interface ZooKeeperSettings {
  readonly kind: 'zookeeper';
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** Begins with a slash and ends without one. */
  readonly path: string;
  readonly login: { readonly username: string; readonly password: string } | null;
  /** Of the session. */
  readonly timeoutMs: number;
  /** Null: it is spoken to in plain text. */
  readonly tls: TlsSettings | null;
}

export type SourceSettings = DirectorySettings | ConsulSettings | EtcdSettings | HttpSettings | ZooKeeperSettings;

/** How all of them are followed. */
export interface FollowSettings {
  /** Longest wait for every source at the start. */
  readonly startTimeoutMs: number;
  /** How long a sudden loss must last to be believed. */
  readonly shrinkConfirmMs: number;
  /** Time between two comparisons with the source. */
  readonly compareMs: number;
  /** More changes at once are warned of. */
  readonly changesWarn: number;
}

/** Whether a start whose sources do not answer may go on with the configuration that was in force last. */
export interface StaleStartSettings {
  readonly isAllowed: boolean;
  /** Longest time since sources confirmed that configuration. */
  readonly ageMsMax: number;
}
