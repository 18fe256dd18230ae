/**
 * `sluice faults`: what goes wrong on purpose, and its end before its time.
 */

import { SluiceError } from '../../model/problem.ts';
import type { FaultStatus } from '../../model/threads/faults.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { adminOf, asking, refuse } from './ask/asking.ts';
import { DEFAULT_ADMIN, fetchStatus, sendFaultStop } from './ask/client.ts';

const USAGE = `sluice faults [stop] [--reason TEXT] [--admin URL] [-o json]

Shows the faults that routes inject on purpose (routes[].faults); stop ends every one that is active or scheduled.

  --reason TEXT        for the log
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Stopping needs the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 done, 1 refused, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  admin: { type: 'string' },
  reason: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `faults`. */
export const faultsCommand: Command = { usage: USAGE, run };

/** A loud line for each fault that is active; nothing for others. */
export function faultLines(faults: readonly FaultStatus[]): string[] {
  const active = faults.filter(({ state }) => state === 'active');
  return active.map(({ id, sentence, until }) => `FAULT    ${id} on purpose until ${until}: ${sentence}`);
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const [action] = positionals;
  if (action !== undefined && action !== 'stop') throw new SluiceError('SLU_USAGE', 'faults takes stop, or nothing');
  const adminUrl = adminOf(values.admin, deps);
  return action === 'stop' ? stop(adminUrl, values.reason ?? '', isJson, deps) : list(adminUrl, isJson, deps);
}

async function list(adminUrl: string, isJson: boolean, deps: CliDeps): Promise<number> {
  const asked = await asking(adminUrl, deps, fetchStatus);
  if ('exit' in asked) return asked.exit;
  const { faults } = asked.answer;
  const lines = faults.map(
    ({ id, state, sentence, from, until }) => `${id}  ${state}  ${from} to ${until}  ${sentence}`,
  );
  const text = `${lines.join('\n') || 'no faults are configured'}\n`;
  deps.stdout.write(isJson ? `${JSON.stringify({ faults }, null, 2)}\n` : text);
  return EXIT.ok;
}

async function stop(adminUrl: string, reason: string, isJson: boolean, deps: CliDeps): Promise<number> {
  const wishes = { reason, token: deps.env['SLUICE_ADMIN_TOKEN'] };
  const asked = await asking(adminUrl, deps, () => sendFaultStop(adminUrl, wishes));
  if ('exit' in asked) return asked.exit;
  const { answer } = asked;
  if ('refused' in answer) return refuse(answer.refused, deps, answer.status);
  const { stopped } = answer;
  deps.stdout.write(isJson ? `${JSON.stringify({ stopped }, null, 2)}\n` : `stopped ${stopped.join(', ')}\n`);
  return EXIT.ok;
}
