/**
 * `sluice faults`: what goes wrong on purpose, and its end before its time.
 */

import { SluiceError } from '../../model/problem.ts';
import type { FaultStatus } from '../../model/threads/faults.ts';
import { readArgs } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { DEFAULT_ADMIN, fetchStatus, reasonOf, sendFaultStop } from './ask/client.ts';

const USAGE = `sluice faults [stop] [--reason TEXT] [--admin URL]

Shows the faults that routes inject on purpose (routes[].faults); stop ends every one that is active or scheduled.

  --reason TEXT        for the log
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -h, --help           this text

Stopping needs the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 done, 1 refused, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = { admin: { type: 'string' }, reason: { type: 'string' } } as const;

/** The command `faults`. */
export const faultsCommand: Command = { usage: USAGE, run };

/** A loud line for each fault that is active; nothing for others. */
export function faultLines(faults: readonly FaultStatus[]): string[] {
  const active = faults.filter(({ state }) => state === 'active');
  return active.map(({ id, sentence, until }) => `FAULT    ${id} on purpose until ${until}: ${sentence}`);
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const [action] = positionals;
  if (action !== undefined && action !== 'stop') throw new SluiceError('SLU_USAGE', 'faults takes stop, or nothing');
  const adminUrl = values.admin ?? deps.env['SLUICE_ADMIN'] ?? DEFAULT_ADMIN;
  try {
    if (action === undefined) {
      const { faults } = await fetchStatus(adminUrl);
      const lines = faults.map(
        ({ id, state, sentence, from, until }) => `${id}  ${state}  ${from} to ${until}  ${sentence}`,
      );
      deps.stdout.write(`${lines.join('\n') || 'no faults are configured'}\n`);
      return EXIT.ok;
    }
    const answer = await sendFaultStop(adminUrl, {
      reason: values.reason ?? '',
      token: deps.env['SLUICE_ADMIN_TOKEN'],
    });
    if ('refused' in answer) {
      const hint = answer.status === 401 ? '; set SLUICE_ADMIN_TOKEN' : '';
      deps.stderr.write(`sluice: ${answer.refused}${hint}\n`);
      return EXIT.failed;
    }
    deps.stdout.write(`stopped ${answer.stopped.join(', ')}\n`);
    return EXIT.ok;
  } catch (error) {
    deps.stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${reasonOf(error)}\n`);
    return EXIT.unreachable;
  }
}
