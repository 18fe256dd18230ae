/**
 * `sluice reload`: has a running gateway read its configuration and its sources again, and says what came of it.
 */

import { formatProblem } from '../../../model/problem.ts';
import { readArgs, readChoice } from '../../args.ts';
import { type CliDeps, type Command, EXIT } from '../../deps.ts';
import { adminOf, asking, refuse } from '../ask/asking.ts';
import { DEFAULT_ADMIN } from '../ask/client.ts';
import { type ReloadDone, sendReload } from '../ask/process-client.ts';

const USAGE = `sluice reload [--admin URL] [-o json]

Has a running gateway read its configuration document, its sources and its certificates again, as SIGHUP does, and tells what came of
it once every worker has it. A configuration that is refused leaves the one before in force.

  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Needs the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 accepted or unchanged, and every source answered, 1 refused, or a source did not answer, 2 wrong usage,
3 cannot reach the admin server.
`;

const OPTIONS = { admin: { type: 'string' }, output: { type: 'string', short: 'o' } } as const;

/** The command `reload`. */
export const reloadCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const token = deps.env['SLUICE_ADMIN_TOKEN'];
  const asked = await asking(adminOf(values.admin, deps), deps, (adminUrl) => sendReload(adminUrl, token));
  if ('exit' in asked) return asked.exit;
  const { answer } = asked;
  if ('refused' in answer) return refuse(answer.refused, deps, answer.status);
  if (isJson) deps.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
  else tell(answer, deps);
  return answer.outcome === 'refused' || answer.unanswered.length > 0 ? EXIT.failed : EXIT.ok;
}

function tell({ outcome, number, hash, problems, unanswered }: ReloadDone, { stdout, stderr }: CliDeps): void {
  for (const problem of problems) stderr.write(`${formatProblem(problem)}\n`);
  for (const { source, because } of unanswered) stderr.write(`sluice: ${source} did not answer: ${because}\n`);
  const stays = outcome === 'refused' ? `refused, ${problems.length} problems: the one before stays, ` : `${outcome}: `;
  stdout.write(`${stays}revision ${number} #${hash.slice(0, 8)}\n`);
}
