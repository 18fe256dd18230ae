/**
 * `sluice decisions`: shows what was decided about rollouts, or exports it with its evidence.
 */

import { SluiceError } from '../../model/problem.ts';
import type { Decision } from '../../model/slo.ts';
import { DEFAULT_ADMIN, fetchDecisions, fetchLog, reasonOf } from '../admin/client.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';

const USAGE = `sluice decisions [--state DIR] [-o json]
sluice decisions export [--state DIR]

Shows every decision about a rollout, oldest first. export writes them with the evidence they rest on, one JSON object per
line, for sluice verify and sluice replay.

  --state DIR          the gateway's state directory, also while it runs; default: ask the gateway
  --admin URL          its admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text; not of export
  -h, --help           this text

A gateway with a state directory exports from there only. Exit codes: 0 done, 1 the log cannot be read, 2 wrong usage,
3 cannot reach the admin server.
`;

const OPTIONS = {
  state: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** Lines that are written at a time. */
const LINES_MAX = 1000;

/** The command `decisions`. */
export const decisionsCommand: Command = {
  name: 'decisions',
  about: 'show or export what was decided about rollouts',
  usage: USAGE,
  run,
};

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const [action] = positionals;
  if (action !== undefined && action !== 'export') {
    throw new SluiceError('SLU_USAGE', `decisions takes export or nothing, got ${action}`);
  }
  if (action === 'export' && values.output !== undefined) {
    throw new SluiceError('SLU_USAGE', 'export writes one JSON object per line, whatever the output');
  }
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  if (values.state !== undefined) {
    if (action === 'export') exportState(values.state, deps);
    else show(decisionsIn(values.state, deps), isJson, deps);
    return EXIT.ok;
  }
  const adminUrl = values.admin ?? deps.env['SLUICE_ADMIN'] ?? DEFAULT_ADMIN;
  return fromGateway(adminUrl, { isExport: action === 'export', isJson }, deps);
}

async function fromGateway(
  adminUrl: string,
  { isExport, isJson }: { readonly isExport: boolean; readonly isJson: boolean },
  deps: CliDeps,
): Promise<number> {
  try {
    if (!isExport) {
      show(await fetchDecisions(adminUrl), isJson, deps);
      return EXIT.ok;
    }
    const answer = await fetchLog(adminUrl);
    if ('refused' in answer) {
      deps.stderr.write(`sluice: ${answer.refused}\n`);
      return EXIT.failed;
    }
    deps.stdout.write(answer.log);
    return EXIT.ok;
  } catch (error) {
    deps.stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${reasonOf(error)}\n`);
    return EXIT.unreachable;
  }
}

function exportState(state: string, deps: CliDeps): void {
  let lines: string[] = [];
  for (const line of deps.log.read(state)) {
    lines.push(`${deps.log.format(line)}\n`);
    if (lines.length < LINES_MAX) continue;
    deps.stdout.write(lines.join(''));
    lines = [];
  }
  deps.stdout.write(lines.join(''));
}

function decisionsIn(state: string, deps: CliDeps): Decision[] {
  const decisions: Decision[] = [];
  for (const line of deps.log.read(state)) {
    if (line.kind !== 'decision') break;
    decisions.push(JSON.parse(line.body) as Decision);
  }
  return decisions;
}

function show(decisions: readonly Decision[], isJson: boolean, deps: CliDeps): void {
  if (isJson) deps.stdout.write(`${JSON.stringify(decisions, null, 2)}\n`);
  else deps.stdout.write(decisions.map((decision) => `${lineOf(decision)}\n`).join(''));
}

function lineOf({ id, at, kind, sentence }: Decision): string {
  return `${String(id).padStart(4)}  ${at}  ${kind.padEnd(8)}  ${sentence}`;
}
