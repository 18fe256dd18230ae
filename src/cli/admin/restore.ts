/**
 * `sluice restore`: brings versions of a route back that are offline because they drifted from its objectives.
 */

import { visible } from '../../lib/text/visible.ts';
import { SluiceError } from '../../model/problem.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { adminOf, asking, refuse } from './ask/asking.ts';
import { DEFAULT_ADMIN, sendRestore } from './ask/client.ts';

const USAGE = `sluice restore ROUTE [--reason TEXT] [--admin URL] [-o json]

Brings the versions of a route back that are offline because they drifted from its objectives (slo.drift).

  --reason TEXT        for the log
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Needs the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 done, 1 refused, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  admin: { type: 'string' },
  reason: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `restore`. */
export const restoreCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const [route] = positionals;
  if (route === undefined) throw new SluiceError('SLU_USAGE', 'restore takes a route');
  const wishes = { route, reason: values.reason ?? '', token: deps.env['SLUICE_ADMIN_TOKEN'] };
  const asked = await asking(adminOf(values.admin, deps), deps, (adminUrl) => sendRestore(adminUrl, wishes));
  if ('exit' in asked) return asked.exit;
  const { answer } = asked;
  if ('refused' in answer) return refuse(answer.refused, deps, answer.status);
  const { changes } = answer;
  const text = changes.map(({ sentence }) => `${visible(sentence)}\n`).join('');
  deps.stdout.write(isJson ? `${JSON.stringify({ changes }, null, 2)}\n` : text);
  return EXIT.ok;
}
