/**
 * `sluice run`: serves until it is told to stop.
 */

import { LOG_LEVELS } from '../lib/log.ts';
import type { Gateway } from '../model/gateway.ts';
import { SluiceError } from '../model/problem.ts';
import { readArgs, readChoice } from './args.ts';
import { type CliDeps, type Command, EXIT } from './deps.ts';

const RESTART_TIMEOUT_S = 60;
const RESTART_TIMEOUT_S_MAX = 3600;

const USAGE = `sluice run [--config FILE] [--config-key-file FILE] [--log-level LEVEL] [--pid-file FILE]
           [--restart-timeout S] [--require-fresh] [--with-parent]

Serves the configuration until SIGTERM or SIGINT, which drain; a second one ends it at once.
The file is watched: an edit takes effect without a restart. SIGHUP reads it again.
SIGUSR2 starts the program anew from the same command line; it takes over without a gap, or this one stays.

  -c, --config FILE    configuration document; default gateway.yaml
  --config-key-file FILE  keys that every document must be signed with, <id>:<hex> per line; default $SLUICE_CONFIG_KEYS
  --log-level LEVEL    ${LOG_LEVELS.join(', ')}; default info; the log is JSON on stderr
  --pid-file FILE      names the process that serves, also after a restart
  --restart-timeout S  seconds that a process that is to take over has to get ready; default ${RESTART_TIMEOUT_S}
  --require-fresh      do not start with the configuration of before when sources do not answer
  --with-parent        drain when the process that started this one, with an IPC channel, goes away
  -h, --help           this text

Exit codes: 0 drained or succeeded by another process, 1 could not start or go on, 2 wrong usage.
`;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  'config-key-file': { type: 'string' },
  'log-level': { type: 'string' },
  'with-parent': { type: 'boolean' },
  'require-fresh': { type: 'boolean' },
  'pid-file': { type: 'string' },
  'restart-timeout': { type: 'string' },
} as const;

/** What ends a process that does not listen to it, rejections that nobody handles among them. */
const UNCAUGHT = 'uncaughtException';

/** The command `run`. */
export const runCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const configFile = values.config ?? 'gateway.yaml';
  const logLevel = readChoice('--log-level', values['log-level'] ?? 'info', LOG_LEVELS);
  const restartTimeoutMs = readTimeoutMs(values['restart-timeout']);
  const isTied = values['with-parent'] === true;
  const held: Held = { gateway: null, committed: null, mustReload: false };
  const release = obey(held, deps, isTied);
  let contained: ((error: unknown, origin: unknown) => void) | null = null;
  try {
    const pidFile = values['pid-file'] ?? null;
    const configKeyFile = values['config-key-file'] ?? null;
    const isFreshRequired = values['require-fresh'] === true;
    const options = { configFile, configKeyFile, isFreshRequired, logLevel, pidFile, isTied, restartTimeoutMs };
    const committed = (gateway: Drained): void => {
      held.committed = gateway;
    };
    const gateway = await deps.startGateway({ ...options, orphaned: () => leave(deps), committed });
    held.gateway = gateway;
    held.committed = gateway;
    contained = (error, origin) => gateway.defect(error, String(origin));
    deps.events.on(UNCAUGHT, contained);
    if (held.mustReload) gateway.reload();
    announce(gateway, configFile, deps);
    return await gateway.closed;
  } finally {
    if (contained !== null) deps.events.off(UNCAUGHT, contained);
    release();
  }
}

function leave(deps: CliDeps): void {
  deps.stderr.write('sluice: ended, as the gateway that was to hand over has gone before it did\n');
  deps.exit(EXIT.failed);
}

function readTimeoutMs(text: string | undefined): number {
  const seconds = text === undefined ? RESTART_TIMEOUT_S : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (seconds >= 1 && seconds <= RESTART_TIMEOUT_S_MAX) return seconds * 1000;
  const range = `whole seconds from 1 to ${RESTART_TIMEOUT_S_MAX}`;
  throw new SluiceError('SLU_USAGE', `--restart-timeout takes ${range}, got ${text}`);
}

type Drained = Pick<Gateway, 'drain'>;

/** The gateway once it serves, and what was asked of it before. */
interface Held {
  gateway: Gateway | null;
  /** The same from when others count on it. */
  committed: Drained | null;
  mustReload: boolean;
}

function announce(gateway: Gateway, configFile: string, deps: CliDeps): void {
  deps.stdout.write(
    `sluice ${deps.version}\n` +
      `${gateway.proxyUrls.map((url) => `proxy   ${url}\n`).join('')}` +
      `admin   ${gateway.adminUrl}\n` +
      `config  ${configFile} #${gateway.configHash.slice(0, 8)}\n`,
  );
}

/** Ties the process's signals to the gateway, from before it starts: an early one must not end it halfway. */
function obey(held: Held, deps: CliDeps, withParent: boolean): () => void {
  let isStopping = false;
  const stop = () => {
    if (isStopping) {
      deps.stderr.write('sluice: ended at once by the second signal\n');
      deps.exit(EXIT.failed);
      return;
    }
    isStopping = true;
    if (held.committed === null) {
      deps.stdout.write('ended before it served\n');
      deps.exit(EXIT.ok);
      return;
    }
    deps.stdout.write('draining; a second signal ends it at once\n');
    drain(held.committed, deps);
  };
  const orphaned = () => {
    if (!isStopping) stop();
  };
  const reload = () => {
    if (held.gateway === null) held.mustReload = true;
    else held.gateway.reload();
  };
  const restart = () => {
    // Who starts is no older than what it would start.
    if (held.gateway === null) deps.stderr.write('sluice: no restart: this process does not serve yet\n');
    else held.gateway.restart('SIGUSR2');
  };
  const listeners: [string, () => void][] = [
    ['SIGTERM', stop],
    ['SIGINT', stop],
    ['SIGHUP', reload],
    ['SIGUSR2', restart],
    ...(withParent ? [['disconnect', orphaned] as [string, () => void]] : []),
  ];
  for (const [event, listener] of listeners) deps.events.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) deps.events.off(event, listener);
  };
}

function drain(gateway: Drained, deps: CliDeps): void {
  gateway.drain().catch((error: unknown) => {
    deps.stderr.write(`sluice: draining failed: ${error instanceof Error ? error.message : String(error)}\n`);
    deps.exit(EXIT.failed);
  });
}
