/**
 * `sluice slo validate`: an SLO file before anybody relies on it: fields, references, mathematics, and what this traffic allows.
 */

import { formatProblem, SluiceError } from '../../model/problem.ts';
import type { Status } from '../../model/status.ts';
import { asking } from '../admin/ask/asking.ts';
import { fetchStatus } from '../admin/ask/client.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, EXIT } from '../deps.ts';
import { type Feasibility, feasibilityOf, impossibleRules } from './check/feasible.ts';
import { type FileObjective, percentText, titleOf } from './objective.ts';
import { readSloFile, toolsOf } from './read.ts';
import type { SloTools } from './tools.ts';

const OPTIONS = {
  rps: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** One objective, judged. */
interface Judged extends FileObjective {
  readonly feasibility: Feasibility | null;
  readonly warnings: readonly string[];
}

/** @throws SluiceError SLU_USAGE, SLU_CONFIG_UNREADABLE */
export async function validate(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const file = positionals[0];
  if (file === undefined) throw new SluiceError('SLU_USAGE', 'slo validate takes a file');
  if (values.rps !== undefined && values.admin !== undefined) {
    throw new SluiceError('SLU_USAGE', '--rps and --admin exclude each other');
  }
  const rps = readRate(values.rps);
  let status: Status | null = null;
  if (values.admin !== undefined) {
    const asked = await asking(values.admin, deps, fetchStatus);
    if ('exit' in asked) return asked.exit;
    status = asked.answer;
  }
  const tools = await toolsOf(deps);
  const { format, objectives, problems, warnings } = await readSloFile(file, tools);
  const rateOf = (objective: FileObjective): number | null => (status === null ? rps : measured(objective, status));
  const judged = objectives.map((objective) => judge(objective, rateOf(objective), tools.slo));
  const isBad = problems.length > 0 || judged.some(({ feasibility }) => (feasibility?.problem ?? '') !== '');
  if (isJson) {
    const answer = { file, format, valid: !isBad, problems, warnings, objectives: judged };
    deps.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return isBad ? EXIT.failed : EXIT.ok;
  }
  for (const problem of problems) deps.stderr.write(`${formatProblem(problem)}\n`);
  for (const warning of warnings) deps.stderr.write(`warning: ${formatProblem(warning)}\n`);
  for (const one of judged) tell(one, tools.slo, deps);
  const what = `${file}: ${judged.length} objective(s) of the gateway, ${problems.length} problem(s), ${warnings.length} warning(s)`;
  deps.stdout.write(`${what}\n`);
  return isBad ? EXIT.failed : EXIT.ok;
}

/** @throws SluiceError SLU_USAGE */
function readRate(text: string | undefined): number | null {
  if (text === undefined) return null;
  const rps = Number(text);
  if (text.trim() !== '' && Number.isFinite(rps) && rps > 0) return rps;
  throw new SluiceError('SLU_USAGE', `--rps takes requests per second above 0, got ${text}`);
}

/** What an objective comes to at the traffic that a running gateway counted since its start; null: it counted none. */
export function feasibilityNow(objective: Asked, status: Status, slo: SloTools): Feasibility | null {
  const rate = measured(objective, status);
  return rate === null ? null : feasibilityOf(objective, rate, slo);
}

type Asked = Pick<FileObjective, 'scope' | 'name' | 'indicator' | 'targetRatio'>;

function isOfSeconds({ indicator }: Pick<Asked, 'indicator'>): boolean {
  return indicator === 'composite' || indicator === 'business';
}

/** Events per second since the start, as a running gateway counted them; null where it has none. */
function measured(objective: Asked, { routes, uptimeMs }: Status): number | null {
  if (isOfSeconds(objective)) return 1;
  const { scope, name } = objective;
  const requests =
    scope === 'route'
      ? (routes.find((route) => route.name === name)?.requests ?? 0)
      : routes
          .flatMap(({ versions }) => versions)
          .reduce((sum, one) => sum + (one.service === name ? one.requests : 0), 0);
  return requests === 0 ? null : requests / (uptimeMs / 1000);
}

/** Events of objectives about seconds come one a second, whatever the traffic. */
function judge(objective: FileObjective, rps: number | null, slo: SloTools): Judged {
  const rate = isOfSeconds(objective) ? 1 : rps;
  const feasibility = rate === null ? null : feasibilityOf(objective, rate, slo);
  const impossible = impossibleRules(objective, slo.rules).map(
    ({ severity, factor, long }) =>
      `its ${severity} at ${factor}x over ${long} can never fire: that is more than everything`,
  );
  const weak = (feasibility?.alerts ?? []).filter(({ secondsToFire, factor }) => {
    return secondsToFire === null && !impossibleRules(objective, slo.rules).some((rule) => rule.factor === factor);
  });
  const weakly = weak.map(({ severity, factor, long, because }) => {
    return `its ${severity} at ${factor}x over ${long} can never fire: ${because}`;
  });
  return { ...objective, feasibility, warnings: [...impossible, ...weakly] };
}

function tell({ feasibility, warnings, ...objective }: Judged, slo: SloTools, deps: CliDeps): void {
  const within = objective.thresholdMs === null ? '' : ` within ${objective.thresholdMs} ms`;
  deps.stdout.write(`${titleOf(objective)}  ${percentText(objective.targetRatio)} %${within}\n`);
  if (feasibility !== null) {
    const { problem } = feasibility;
    deps.stdout.write(`  ${allowsText(feasibility)}\n`);
    if (problem !== '') deps.stderr.write(`${slo.codeOf('sloTraffic')} ${titleOf(objective)}: ${problem}\n`);
  }
  for (const warning of warnings) deps.stderr.write(`warning: ${titleOf(objective)}: ${warning}\n`);
}

/** `5 events/s: 28 days allow 12 bad ones; an outage fires page (1h) after 52 s` */
export function allowsText({ budgetEvents, requestsPerSecond, alerts }: Feasibility): string {
  const rate = `${Number(requestsPerSecond.toPrecision(4))} events/s`;
  return `${rate}: 28 days allow ${Number(budgetEvents.toPrecision(4))} bad ones${firesText(alerts)}`;
}

function firesText(alerts: Feasibility['alerts']): string {
  const times = alerts.flatMap(({ secondsToFire, severity, long }) =>
    secondsToFire === null ? [] : [`${severity} (${long}) after ${Math.ceil(secondsToFire)} s`],
  );
  return times.length === 0 ? '' : `; an outage fires ${times.join(', ')}`;
}
