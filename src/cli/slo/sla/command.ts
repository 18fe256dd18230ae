/**
 * `sluice sla`: a contract against what was measured, once or as a report every so often.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { formatProblem, SluiceError } from '../../../model/problem.ts';
import { adminOf, asking } from '../../admin/ask/asking.ts';
import { DEFAULT_ADMIN, fetchDecisions, fetchStatus } from '../../admin/ask/client.ts';
import { readArgs, readChoice } from '../../args.ts';
import { type CliDeps, type Command, EXIT } from '../../deps.ts';
import { millisecondsOf } from '../check/openslo.ts';
import { type Commitments, readContract } from './contract.ts';
import { type Checked, checkContract, type Measured } from './judge.ts';

const USAGE = `sluice sla FILE [--every DURATION] [--admin URL] [-o text|json]

Checks the commitments of FILE against what a running gateway measured: p99, error ratio, availability, release window,
rollback time and saturation of routes. A report names what is broken and why, the objective, and ids of requests.

  --every DURATION     a report every so often, as in 60m, until it is interrupted, its p99 and errors of the requests since the last
                       one; default once, of those since the start of the process
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json (a line for each report); default text
  -h, --help           this text

Exit codes: 0 everything that was measured is kept, 1 something is broken in the last report, or FILE has problems,
2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  every: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `sla`. */
export const slaCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const [file] = positionals;
  if (file === undefined) throw new SluiceError('SLU_USAGE', 'sla takes a file');
  const everyMs = values.every === undefined ? null : millisecondsOf(values.every);
  if (values.every !== undefined && (everyMs === null || everyMs === 0)) {
    throw new SluiceError('SLU_USAGE', `--every takes a duration such as 60m, got ${values.every}`);
  }
  const text = await (await deps.config()).readText(file);
  const { commitments, problems } = readContract(text, file, await deps.slo());
  for (const problem of problems) deps.stderr.write(`${formatProblem(problem)}\n`);
  if (problems.length > 0) return EXIT.failed;
  const adminUrl = adminOf(values.admin, deps);
  let before: Measured | null = null;
  const report = async (): Promise<number> => {
    const { code, measured } = await reportOnce(commitments, before, { adminUrl, isJson, deps });
    before = measured;
    return code;
  };
  return everyMs === null ? report() : again(report, everyMs, deps);
}

async function reportOnce(
  commitments: readonly Commitments[],
  before: Measured | null,
  { adminUrl, isJson, deps }: { readonly adminUrl: string; readonly isJson: boolean; readonly deps: CliDeps },
): Promise<{ readonly code: number; readonly measured: Measured | null }> {
  const asked = await asking(adminUrl, deps, (url) => Promise.all([fetchStatus(url), fetchDecisions(url)]));
  if ('exit' in asked) return { code: asked.exit, measured: before };
  const [status, decisions] = asked.answer;
  const checked = checkContract(commitments, status, decisions, before);
  const broken = checked.filter(({ state }) => state === 'broken').length;
  if (isJson) deps.stdout.write(`${JSON.stringify({ kept: broken === 0, commitments: checked })}\n`);
  else {
    for (const one of checked) deps.stdout.write(`${textOf(one)}\n`);
    deps.stdout.write(
      broken === 0 ? 'the contract is kept\n' : `the contract is broken: ${broken} of ${checked.length}\n`,
    );
  }
  return { code: broken === 0 ? EXIT.ok : EXIT.failed, measured: status };
}

function textOf({ route, commitment, state, reason, slo, requestIds }: Checked): string {
  const about = slo === '' || state !== 'broken' ? '' : `; objective ${slo}`;
  const requests = requestIds.length === 0 ? '' : `; requests ${requestIds.join(', ')}`;
  return `${state.padEnd(8)}${commitment} of route ${route}: ${reason}${about}${requests}`;
}

/** A gateway that is away for one report may be back for the next. */
async function again(report: () => Promise<number>, everyMs: number, { events }: CliDeps): Promise<number> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  for (const signal of ['SIGINT', 'SIGTERM']) events.on(signal, end);
  let code = await report();
  try {
    while (!stop.signal.aborted) {
      await sleep(everyMs, undefined, { signal: stop.signal });
      code = await report();
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM']) events.off(signal, end);
  }
  return code;
}
