/**
 * `sluice run`: serves until it is told to stop.
 */

import { LOG_LEVELS } from '../lib/log.ts';
import type { Gateway } from '../model/gateway.ts';
import { readArgs, readChoice } from './args.ts';
import { type CliDeps, type Command, EXIT } from './deps.ts';

const USAGE = `sluice run [--config FILE] [--log-level LEVEL]

Serves the configuration until SIGTERM or SIGINT, which drain; a second one ends it at once.
The file is watched: an edit takes effect without a restart. SIGHUP reads it again.

  -c, --config FILE    configuration document; default gateway.yaml
  --log-level LEVEL    ${LOG_LEVELS.join(', ')}; default info; the log is JSON on stderr
  --with-parent        drain when the process that started this one, with an IPC channel, goes away
  -h, --help           this text

Exit codes: 0 drained, 1 could not start or go on, 2 wrong usage.
`;

const OPTIONS = {
  config: { type: 'string', short: 'c' },
  'log-level': { type: 'string' },
  'with-parent': { type: 'boolean' },
} as const;

/** The command `run`. */
export const runCommand: Command = { name: 'run', about: 'serve a configuration', usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const configFile = values.config ?? 'gateway.yaml';
  const logLevel = readChoice('--log-level', values['log-level'] ?? 'info', LOG_LEVELS);
  const held: Held = { gateway: null, mustReload: false };
  const release = obey(held, deps, values['with-parent'] === true);
  try {
    const gateway = await deps.startGateway({ configFile, logLevel });
    held.gateway = gateway;
    if (held.mustReload) gateway.reload();
    announce(gateway, configFile, deps);
    return await gateway.closed;
  } finally {
    release();
  }
}

/** The gateway once it serves, and what was asked of it before. */
interface Held {
  gateway: Gateway | null;
  mustReload: boolean;
}

function announce(gateway: Gateway, configFile: string, deps: CliDeps): void {
  deps.stdout.write(
    `sluice ${deps.version}\n` +
      `proxy   ${gateway.proxyUrl}\n` +
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
    if (held.gateway === null) {
      deps.stdout.write('ended before it served\n');
      deps.exit(EXIT.ok);
      return;
    }
    deps.stdout.write('draining; a second signal ends it at once\n');
    drain(held.gateway, deps);
  };
  const orphaned = () => {
    if (!isStopping) stop();
  };
  const reload = () => {
    if (held.gateway === null) held.mustReload = true;
    else held.gateway.reload();
  };
  const listeners: [string, () => void][] = [
    ['SIGTERM', stop],
    ['SIGINT', stop],
    ['SIGHUP', reload],
    ...(withParent ? [['disconnect', orphaned] as [string, () => void]] : []),
  ];
  for (const [event, listener] of listeners) deps.events.on(event, listener);
  return () => {
    for (const [event, listener] of listeners) deps.events.off(event, listener);
  };
}

function drain(gateway: Gateway, deps: CliDeps): void {
  gateway.drain().catch((error: unknown) => {
    deps.stderr.write(`sluice: draining failed: ${error instanceof Error ? error.message : String(error)}\n`);
    deps.exit(EXIT.failed);
  });
}
