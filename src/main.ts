#!/usr/bin/env node
/**
 * Process entry: hands the real world to the command line and its exit code to the process.
 */

import { readFileSync } from 'node:fs';

// A reload or restart that is asked for while the modules load must not end the process: the configuration is read after it anyway.
process.on('SIGHUP', () => undefined);
process.on('SIGUSR2', () => undefined);

const { runCli } = await import('./cli/cli.ts');
const { configTools, logTools, startGateway } = await import('./gateway.ts');
const release = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

const code = await runCli(process.argv.slice(2), {
  version: release.version,
  startGateway: (options) => startGateway(options, release),
  config: configTools,
  log: logTools,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  events: process,
  exit: (exitCode) => process.exit(exitCode),
});

// Not left to the loop running empty: a log whose reader stalls must not keep a drained process.
process.exit(code);
