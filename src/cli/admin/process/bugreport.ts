/**
 * `sluice bugreport`: writes what a running gateway tells of itself into a file, for whoever is to find out what is wrong.
 */

import { open } from 'node:fs/promises';
import { readArgs, readChoice } from '../../args.ts';
import { type CliDeps, type Command, EXIT } from '../../deps.ts';
import { progressOn } from '../../live/progress.ts';
import { adminOf, asking, refuse } from '../ask/asking.ts';
import { DEFAULT_ADMIN } from '../ask/client.ts';
import { fetchReport } from '../ask/process-client.ts';
import { table } from '../table.ts';

const FILE = 'sluice-report.json';
const OWNER_ONLY = 0o600;

const USAGE = `sluice bugreport [FILE] [--force] [--admin URL] [-o json]

Writes a report of a running gateway into FILE, and says what is in it: versions, machine, status, configuration in force, revisions,
the newest decisions, metrics. Secrets are redacted; names of routes, hosts and addresses are in it: look before you hand it on.

  FILE                 default ${FILE}; only its owner can read it
  --force              also when FILE is there already
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json (of what is in it); default text
  -h, --help           this text

Needs the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 written, 1 refused, or it cannot be written, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  force: { type: 'boolean' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** What each part is, in the order of the report. */
const PARTS: Readonly<Record<string, string>> = {
  sluice: 'the release',
  runtime: 'versions of Node.js and its parts',
  machine: 'platform, processors, memory',
  process: 'memory and resources used',
  status: 'routes, versions, rollouts, objectives, workers, sources',
  config: 'the configuration in force, secrets redacted',
  revisions: 'accepted configurations, without their content',
  decisions: 'the newest decisions with their numbers',
  metrics: 'everything that is counted',
};

/** The command `bugreport`. */
export const bugreportCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const [file = FILE] = positionals;
  const progress = progressOn(deps.stderr);
  progress.show('the gateway makes its report');
  const token = deps.env['SLUICE_ADMIN_TOKEN'];
  const fetched = fetchReportOf(values.admin, token, deps);
  const asked = await fetched.finally(() => progress.clear());
  if ('exit' in asked) return asked.exit;
  const { answer: report } = asked;
  if (isRefused(report)) return refuse(report.refused, deps, report.status);
  const unwritten = await write(file, `${JSON.stringify(report, null, 2)}\n`, values.force === true);
  if (unwritten !== '') return refuse(unwritten, deps);
  const parts = Object.entries(report).map(([name, value]) => {
    return { name, bytes: Buffer.byteLength(JSON.stringify(value)), about: PARTS[name] ?? '' };
  });
  const rows = [['part', 'bytes', ''], ...parts.map(({ name, bytes, about }) => [name, String(bytes), about])];
  const text = `${table(rows).join('\n')}\nwritten to ${file}, readable by its owner alone: look before you hand it on\n`;
  deps.stdout.write(isJson ? `${JSON.stringify({ file, parts }, null, 2)}\n` : text);
  return EXIT.ok;
}

function fetchReportOf(admin: string | undefined, token: string | undefined, deps: CliDeps) {
  return asking(adminOf(admin, deps), deps, (adminUrl) => fetchReport(adminUrl, token));
}

function isRefused(
  report: Awaited<ReturnType<typeof fetchReport>>,
): report is { readonly status: number; readonly refused: string } {
  return typeof report['refused' as keyof typeof report] === 'string';
}

/** Why it was not written; empty: it was. */
async function write(file: string, text: string, isForced: boolean): Promise<string> {
  try {
    const handle = await open(file, isForced ? 'w' : 'wx', OWNER_ONLY);
    try {
      await handle.chmod(OWNER_ONLY);
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    return '';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return `${file} is there already: name another file, or --force`;
    return `${file} cannot be written: ${message}`;
  }
}
