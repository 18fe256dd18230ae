/**
 * `sluice check`: whether a configuration, this machine and a running gateway are as they should be, before somebody relies on it.
 */

import { adminOf } from '../admin/ask/asking.ts';
import { DEFAULT_ADMIN, fetchStatus, reasonOf } from '../admin/ask/client.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { progressOn } from '../live/progress.ts';
import { canaryCommand } from './canary-command.ts';
import { type Check, checksOf, checksText, summaryOf } from './checks.ts';
import { checkDocument } from './document.ts';
import { checkEnvironment } from './environment.ts';
import { checkGateway } from './gateway.ts';

const FILE = 'gateway.yaml';

const USAGE = `sluice check [FILE] [--pre] [--strict] [--admin URL] [-o json]

Checks a configuration, the machine it is to run on, and the gateway that runs there: a line for each check, √ as it should be, ‼ worth
knowing, × wrong, with what to do about it.

  FILE                 configuration document; default ${FILE}, or what a running gateway has
  --pre                before anything runs: no gateway is asked
  --strict             a warning fails, too
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Connections to endpoints are opened and closed again; nothing is sent. Exit codes: 0 nothing is wrong, 1 something is, 2 wrong usage,
3 no gateway answers although --admin names it.
`;

const OPTIONS = {
  pre: { type: 'boolean' },
  strict: { type: 'boolean' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** Checks of one subject that are commands of their own: `sluice check NAME`. */
const SUBJECTS: Readonly<Record<string, Command>> = { canary: canaryCommand };

/** The command `check`. */
export const checkCommand: Command = { usage: bothUsages(USAGE, canaryCommand.usage), run };

/** What either takes comes first, then what it means. */
function bothUsages(one: string, other: string): string {
  const [[oneTakes = '', ...oneMeans], [otherTakes = '', ...otherMeans]] = [one.split('\n\n'), other.split('\n\n')];
  return [`${oneTakes}\n${otherTakes}`, ...oneMeans, ...otherMeans].join('\n\n');
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const [subject = '', ...rest] = argv;
  const command = Object.hasOwn(SUBJECTS, subject) ? SUBJECTS[subject] : undefined;
  if (command !== undefined) return command.run(rest, deps);
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const progress = progressOn(deps.stderr);
  progress.show('looking');
  const { admin, pre = false } = values;
  const looking = look({ file: positionals[0], admin, isPre: pre }, deps);
  const found = await looking.finally(() => progress.clear());
  if ('exit' in found) return found.exit;
  const { checks } = found;
  const isWrong = checks.some(({ state }) => state === 'fail' || (values.strict === true && state === 'warn'));
  const text = `${checksText(checks)}\n${summaryOf(checks)}\n`;
  deps.stdout.write(isJson ? `${JSON.stringify({ ok: !isWrong, checks }, null, 2)}\n` : text);
  return isWrong ? EXIT.failed : EXIT.ok;
}

interface Asked {
  readonly file: string | undefined;
  readonly admin: string | undefined;
  readonly isPre: boolean;
}

async function look(
  { file, admin, isPre }: Asked,
  deps: CliDeps,
): Promise<{ readonly checks: readonly Check[] } | { readonly exit: number }> {
  const adminUrl = adminOf(admin, deps);
  const answer = isPre ? null : await fetchStatus(adminUrl).catch(reasonOf);
  if (typeof answer === 'string' && admin !== undefined) {
    deps.stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${answer}\n`);
    return { exit: EXIT.unreachable };
  }
  const status = typeof answer === 'string' ? null : answer;
  const tools = await deps.config();
  // A gateway that runs has its document checked already, which may lie on another machine.
  const name = file ?? (status === null ? FILE : null);
  const document = name === null ? { checks: [], config: null } : await checkDocument(name, tools);
  const { config } = document;
  const hash = config === null ? null : tools.hash(config);
  const { engines } = deps;
  const surroundings = { nodeVersion: process.version, engines, config, isRunning: status !== null };
  const environment = await checkEnvironment(surroundings);
  const running = status === null ? noGateway(adminUrl, isPre) : checkGateway(status, hash);
  return { checks: [...document.checks, ...environment, ...running] };
}

function noGateway(adminUrl: string, isPre: boolean): Check[] {
  if (isPre) return [];
  const { warn } = checksOf('gateway');
  return [warn(`no gateway answers at ${adminUrl}`, 'start one, name it by --admin, or ask for --pre')];
}
