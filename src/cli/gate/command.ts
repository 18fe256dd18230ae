/**
 * `sluice gate`: whether a release may go on, for pipelines: an exit code and the reasons.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { SluiceError } from '../../model/problem.ts';
import type { Status } from '../../model/status.ts';
import { adminOf, asking, refuse } from '../admin/ask/asking.ts';
import { DEFAULT_ADMIN, fetchStatus } from '../admin/ask/client.ts';
import { didYouMean, readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { type Baseline, baselineOf, readBaseline } from './baseline.ts';
import { baselineChecks, budgetChecks, type GateCheck, objectivesOf } from './judge.ts';

const TOLERANCE = 0.1;

const USAGE = `sluice gate [--route NAME]... [--min-budget RATIO] [--baseline FILE [--tolerance RATIO]] [--allow-no-data]
            [--admin URL] [-o text|json|baseline]

Open when every objective has budget left and no alert of it fires, and no route does worse than its baseline; no time series
database is asked. An objective of which nothing was counted does not open the gate.

  --route NAME         only this route, and the services it leads to; may be given several times; default all
  --min-budget RATIO   part of each budget that must be left, as in 0.25; default 0
  --baseline FILE      compare errors and p99 of routes with this; written before by -o baseline
  --tolerance RATIO    share by which they may be worse; default ${TOLERANCE}
  --allow-no-data      what nothing is known of is no reason
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json, baseline; default text
  -h, --help           this text

Exit codes: 0 open, 1 closed, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  route: { type: 'string', multiple: true },
  'min-budget': { type: 'string' },
  baseline: { type: 'string' },
  tolerance: { type: 'string' },
  'allow-no-data': { type: 'boolean' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `gate`. */
export const gateCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const format = readChoice('--output', values.output, ['text', 'json', 'baseline']);
  const leastRatio = readRatio('--min-budget', values['min-budget'], 0, 1);
  const tolerance = readRatio('--tolerance', values.tolerance, TOLERANCE, 1000);
  if (values.tolerance !== undefined && values.baseline === undefined) {
    throw new SluiceError('SLU_USAGE', '--tolerance goes with --baseline');
  }
  const { baseline: file, route: routes = [] } = values;
  const baseline = file === undefined ? null : readBaseline(await (await deps.config()).readText(file), file);
  const asked = await asking(adminOf(values.admin, deps), deps, fetchStatus);
  if ('exit' in asked) return asked.exit;
  const unknown = unknownRoute(routes, asked.answer);
  if (unknown !== null) return refuse(unknown, deps);
  if (format === 'baseline') {
    deps.stdout.write(`${JSON.stringify(baselineOf(asked.answer, routes), null, 2)}\n`);
    return EXIT.ok;
  }
  const checks = [
    ...budgetChecks(objectivesOf(asked.answer, routes), leastRatio),
    ...(await comparedWith(baseline, asked.answer, { routes, tolerance, deps })),
  ];
  return tell(checks, { isLenient: values['allow-no-data'] === true, isJson: format === 'json', deps });
}

async function comparedWith(
  baseline: Baseline | null,
  status: Status,
  {
    routes,
    tolerance,
    deps,
  }: { readonly routes: readonly string[]; readonly tolerance: number; readonly deps: CliDeps },
): Promise<GateCheck[]> {
  if (baseline === null) return [];
  const slo = await deps.slo();
  const known = { ...status, routes: status.routes.filter(({ name }) => routes.length === 0 || routes.includes(name)) };
  return baselineChecks(known, baseline, { tolerance, badNeeded: (total, ratio) => slo.badNeeded(total, ratio) });
}

/** A gate without any check is closed: whoever asks wants to know something. */
function tell(
  checks: readonly GateCheck[],
  { isLenient, isJson, deps }: { readonly isLenient: boolean; readonly isJson: boolean; readonly deps: CliDeps },
): number {
  const reasons = checks.filter(({ state }) => state === 'fail' || (state === 'no-data' && !isLenient));
  const isOpen = checks.length > 0 && reasons.length === 0;
  if (isJson) deps.stdout.write(`${JSON.stringify({ open: isOpen, checks }, null, 2)}\n`);
  else {
    for (const { state, sentence } of checks) deps.stdout.write(`${state.padEnd(8)}${sentence}\n`);
    const why =
      checks.length === 0 ? 'there is nothing to go by' : `${reasons.length} of ${checks.length} checks say no`;
    deps.stdout.write(isOpen ? 'the gate is open\n' : `the gate is closed: ${why}\n`);
  }
  return isOpen ? EXIT.ok : EXIT.failed;
}

function unknownRoute(asked: readonly string[], { routes }: Status): string | null {
  const names = routes.map(({ name }) => name);
  const unknown = asked.find((name) => !names.includes(name));
  return unknown === undefined ? null : `there is no route ${unknown}${didYouMean(similarTo(unknown, names))}`;
}

/** @throws SluiceError SLU_USAGE */
function readRatio(option: string, text: string | undefined, fallback: number, most: number): number {
  if (text === undefined) return fallback;
  const ratio = text.trim() === '' ? Number.NaN : Number(text);
  if (ratio >= 0 && ratio <= most) return ratio;
  throw new SluiceError('SLU_USAGE', `${option} takes a number from 0 to ${most}, got ${text}`);
}
