/**
 * Two connections to Redis, one to ask and one to listen, that never keep anybody waiting.
 *
 * - Nothing is queued: without a connection a command is refused at once, with a silent server after `timeoutMs`.
 * - A server that is silent for SILENT_MS is left, and with the connection go the commands that the package keeps for answers.
 * - They connect again by themselves, after 50 ms to 1 s. Errors are told, and thrown by nobody.
 *
 * The package is loaded with the first link, so a gateway without a fleet does not pay for it (docs/adr/0025-ioredis.md).
 */

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis as Client, RedisOptions } from 'ioredis';
import { serverNameOf } from '../../lib/text/server-name.ts';
import { SluiceError } from '../../model/problem.ts';
import type { RedisSettings } from '../../model/threads/fleet.ts';
import type { Commands } from './store.ts';

const CONNECT_MS = 500;
/** Longest time in which nothing is answered that was asked; no shorter than that for one answer. */
const SILENT_MS = 1000;
const RETRY_STEP_MS = 50;
const RETRY_MS_MAX = 1000;

export interface LinkEvents {
  /** Name of the connection on the server. */
  readonly name: string;
  readonly channels: readonly string[];
  readonly message: (channel: string, text: string) => void;
  /** Something is wrong with a connection; it goes on trying. */
  readonly failed: (error: Error) => void;
}

type LinkOptions = RedisOptions & { readonly replyMapping: 'legacy' };

/** What is used of the package. */
export type Redis = Pick<
  Client,
  'evalsha' | 'call' | 'get' | 'publish' | 'subscribe' | 'on' | 'disconnect' | 'connect'
>;

/** An open link. */
export interface Link extends Commands {
  publish(channel: string, text: string): Promise<void>;
  /** Connects the listener anew: nothing has come although somebody speaks. */
  listenAgain(): void;
  /** Lets go of both connections. */
  close(): void;
}

/** A connection to ask only. */
export interface Asking extends Pick<Commands, 'run'> {
  close(): void;
}

/** As `openLink`, without the connection to listen. */
export async function openAsking(
  settings: RedisSettings,
  events: Pick<LinkEvents, 'name' | 'failed'>,
): Promise<Asking> {
  const options = optionsOf(settings, events.name);
  const { Redis } = await import('ioredis');
  const asking = new Redis(options);
  asking.on('error', events.failed);
  renewFiles(asking, settings, events.failed);
  return { run: (script, keys, args) => runScript(asking, script, keys, args), close: () => asking.disconnect() };
}

/**
 * Starts to connect; resolves at once, whether or not there is a server.
 * @throws SluiceError SLU_CONFIG_UNREADABLE when a file of the settings cannot be read
 */
export async function openLink(settings: RedisSettings, events: LinkEvents): Promise<Link> {
  const options = optionsOf(settings, events.name);
  const { Redis } = await import('ioredis');
  const asking = new Redis(options);
  const listening = new Redis({ ...options, autoResubscribe: false });
  for (const client of [asking, listening]) {
    client.on('error', events.failed);
    renewFiles(client, settings, events.failed);
  }
  listening.on('message', events.message);
  listening.on('ready', () => void listening.subscribe(...events.channels).catch(events.failed));
  return {
    run: (script, keys, args) => runScript(asking, script, keys, args),
    // One key a command: a cluster refuses keys of several machines in one.
    get: (keys) => Promise.all(keys.map((key) => asking.get(key))),
    publish: async (channel, text) => void (await asking.publish(channel, text)),
    listenAgain: () => listening.disconnect(true),
    close: () => {
      asking.disconnect();
      listening.disconnect();
    },
  };
}

/**
 * The options that keep a silent or absent server from holding up anybody.
 * @throws SluiceError SLU_CONFIG_UNREADABLE when a file of the settings cannot be read
 */
export function optionsOf(settings: RedisSettings, name: string): LinkOptions {
  const { host, port, database, username, timeoutMs } = settings;
  return {
    host,
    port,
    db: database,
    ...(username !== null && { username }),
    ...filesOf(settings),
    connectionName: name,
    replyMapping: 'legacy',
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    socketTimeout: Math.max(SILENT_MS, timeoutMs),
    connectTimeout: CONNECT_MS,
    retryStrategy: (times) => Math.min(RETRY_MS_MAX, RETRY_STEP_MS * times),
  };
}

/** Certificates and passwords are replaced where they lie: each new connection is made with the files as they are then. */
function renewFiles(client: Client, settings: RedisSettings, failed: LinkEvents['failed']): void {
  client.on('reconnecting', () => {
    try {
      Object.assign(client.options, filesOf(settings));
    } catch (error) {
      failed(error as Error);
    }
  });
}

function filesOf({ host, passwordFile, tls }: RedisSettings): Pick<RedisOptions, 'password' | 'tls'> {
  const password = passwordFile === null ? {} : { password: fileOf(passwordFile).toString('utf8').trimEnd() };
  if (tls === null) return password;
  const { ca, cert, key, serverName } = tls;
  return {
    ...password,
    tls: {
      ...(ca !== null && { ca: fileOf(ca) }),
      ...(cert !== null && { cert: fileOf(cert) }),
      ...(key !== null && { key: fileOf(key) }),
      ...serverNameOf(serverName ?? host, host),
    },
  };
}

function fileOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new SluiceError('SLU_CONFIG_UNREADABLE', `fleet.redis: ${path} cannot be read`, { cause: error });
  }
}

/** By its hash; a server that has never seen it, or has been restarted, is sent the text. */
async function runScript(
  client: Redis,
  script: string,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  const hash = createHash('sha1').update(script).digest('hex');
  try {
    return await client.evalsha(hash, keys.length, ...keys, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return client.call('EVAL', script, keys.length, ...keys, ...args);
  }
}
