#!/usr/bin/env node
/**
 * Process entry: hands the real world to the command line and its exit code to the process.
 *
 * What a command needs is loaded when it asks for it: most of them need no gateway.
 */

import { readFileSync } from 'node:fs';
import { useCompileCache } from './cli/commands/compile-cache.ts';

// A reload or restart that is asked for while the modules load must not end the process: the configuration is read after it anyway.
process.on('SIGHUP', () => undefined);
process.on('SIGUSR2', () => undefined);

useCompileCache(process.env);
const { runCli } = await import('./cli/cli.ts');
const release = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
  engines: { node: string };
};

const code = await runCli(process.argv.slice(2), {
  version: release.version,
  engines: release.engines.node,
  startGateway: async (options) => (await import('./gateway.ts')).startGateway(options, release),
  config: async () => (await import('./compose/config/config-tools.ts')).createConfigTools(process.env),
  log: async () => (await import('./compose/answers/log-tools.ts')).logTools,
  slo: async () => (await import('./compose/answers/slo-tools.ts')).sloTools,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  events: process,
  exit: (exitCode) => process.exit(exitCode),
});

// Not left to the loop running empty: a log whose reader stalls must not keep a drained process.
process.exit(code);
