/**
 * `sluice decisions`: shows what was decided about rollouts and configurations, or exports it with its evidence.
 */

import { visible } from '../../lib/text/visible.ts';
import { SluiceError } from '../../model/problem.ts';
import type { LoggedDecision } from '../../model/slo.ts';
import { adminOf, asking, refuse } from '../admin/ask/asking.ts';
import { DEFAULT_ADMIN, fetchDecisions, fetchLog } from '../admin/ask/client.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT, type LogTools } from '../deps.ts';

const USAGE = `sluice decisions [--state DIR] [--admin URL] [-o json]
sluice decisions export [--state DIR] [--admin URL]

Shows every decision about a rollout and every revert of a configuration, oldest first. export writes them with the evidence they rest on, one JSON object per
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
export const decisionsCommand: Command = { usage: USAGE, run };

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
    const log = await deps.log();
    if (action === 'export') exportState(log, values.state, deps);
    else show(decisionsIn(log, values.state), isJson, deps);
    return EXIT.ok;
  }
  const adminUrl = adminOf(values.admin, deps);
  return fromGateway(adminUrl, { isExport: action === 'export', isJson }, deps);
}

async function fromGateway(
  adminUrl: string,
  { isExport, isJson }: { readonly isExport: boolean; readonly isJson: boolean },
  deps: CliDeps,
): Promise<number> {
  if (!isExport) {
    const asked = await asking(adminUrl, deps, fetchDecisions);
    if ('exit' in asked) return asked.exit;
    show(asked.answer, isJson, deps);
    return EXIT.ok;
  }
  const asked = await asking(adminUrl, deps, fetchLog);
  if ('exit' in asked) return asked.exit;
  if ('refused' in asked.answer) return refuse(asked.answer.refused, deps);
  deps.stdout.write(asked.answer.log);
  return EXIT.ok;
}

function exportState(log: LogTools, state: string, deps: CliDeps): void {
  let lines: string[] = [];
  for (const line of log.read(state)) {
    lines.push(`${log.format(line)}\n`);
    if (lines.length < LINES_MAX) continue;
    deps.stdout.write(lines.join(''));
    lines = [];
  }
  deps.stdout.write(lines.join(''));
}

/** Every decision of a state directory or an export, oldest first. @throws SluiceError SLU_LOG_UNREADABLE */
export function decisionsIn(log: LogTools, state: string): LoggedDecision[] {
  const decisions: LoggedDecision[] = [];
  for (const line of log.read(state)) {
    if (line.kind !== 'decision') break;
    decisions.push(JSON.parse(line.body) as LoggedDecision);
  }
  return decisions;
}

/** Writes decisions, a line each, or as JSON. */
export function show(decisions: readonly LoggedDecision[], isJson: boolean, deps: CliDeps): void {
  if (isJson) deps.stdout.write(`${JSON.stringify(decisions, null, 2)}\n`);
  else deps.stdout.write(decisions.map((decision) => `${visible(lineOf(decision))}\n`).join(''));
}

function lineOf({ id, at, kind, sentence }: LoggedDecision): string {
  return `${String(id).padStart(4)}  ${at}  ${kind.padEnd(8)}  ${sentence}`;
}
