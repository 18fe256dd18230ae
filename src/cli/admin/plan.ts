/**
 * `sluice plan`: what a rollout's policy can find at this traffic, how fast, and at what harm.
 */

import { SluiceError } from '../../model/problem.ts';
import type { Forecast, ForecastAnswer, ForecastFinding, ForecastQuestion, ForecastStep } from '../../model/rollout.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { adminOf, asking } from './ask/asking.ts';
import { DEFAULT_ADMIN, fetchForecast } from './ask/client.ts';
import { table } from './table.ts';

const USAGE = `sluice plan [ROUTE] [--config FILE] [--rps N] [--errors RATIO] [--p50 MS --p99 MS] [--admin URL]

Tells for every step of a rollout which faults of a canary it finds within its time, how fast, and how many requests they spoil
until then; how long a healthy canary takes; with which weight to start; and what the objective forbids but no step can tell.

  ROUTE                only this route; default every route with a rollout
  --config FILE        the rollouts of this document; default those of the running gateway
  --rps N              requests per second of the route; default as the gateway measured, needed with --config
  --errors RATIO       share of stable's requests that fail, as in 0.001; default likewise
  --p50 MS, --p99 MS   stable's latency, to forecast slowness as well; default likewise
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Times are means. Exit codes: 0 nothing speaks against the plan, 1 there are warnings, or no forecast, 2 wrong usage,
3 cannot reach the admin server.
`;

const OPTIONS = {
  config: { type: 'string' },
  rps: { type: 'string' },
  errors: { type: 'string' },
  p50: { type: 'string' },
  p99: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `plan`. */
export const planCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const { rps = null, errors = null, p50 = null, p99 = null } = values;
  const question: ForecastQuestion = { route: positionals[0] ?? null, rps, errors, p50, p99 };
  if (values.config !== undefined && values.admin !== undefined) {
    throw new SluiceError('SLU_USAGE', '--config and --admin exclude each other');
  }
  if (values.config !== undefined) return tell(await fromDocument(values.config, question, deps), isJson, deps);
  const asked = await asking(adminOf(values.admin, deps), deps, (adminUrl) => fetchForecast(adminUrl, question));
  return 'exit' in asked ? asked.exit : tell(asked.answer, isJson, deps);
}

/** @throws SluiceError SLU_CONFIG_UNREADABLE, SLU_CONFIG_INVALID */
async function fromDocument(file: string, question: ForecastQuestion, deps: CliDeps): Promise<ForecastAnswer> {
  const config = await deps.config();
  const parsed = config.parse(await config.readText(file), file);
  if (parsed.ok) return config.forecast(parsed.config, question);
  throw new SluiceError('SLU_CONFIG_INVALID', `${file} has ${parsed.problems.length} problem(s)`, {
    problems: parsed.problems,
  });
}

function tell(answer: ForecastAnswer, isJson: boolean, deps: CliDeps): number {
  if (answer.kind !== 'done') {
    deps.stderr.write(`sluice: ${answer.detail}\n`);
    return EXIT.failed;
  }
  const { forecasts } = answer;
  deps.stdout.write(isJson ? `${JSON.stringify({ forecasts }, null, 2)}\n` : forecasts.map(forecastText).join('\n'));
  return forecasts.some(({ warnings }) => warnings.length > 0) ? EXIT.failed : EXIT.ok;
}

/** One forecast as people read it, ending in a newline. */
export function forecastText({ sentence, steps, warnings }: Forecast): string {
  const faults = steps[0]?.findings.map(({ fault }) => faultText(fault)) ?? [];
  const rows = [['step', 'canary/s', 'stay', 'finds from', ...faults], ...steps.map(stepRow)];
  const notes = warnings.map((warning) => `warning: ${warning}`);
  const legend =
    faults.length === 0 ? [] : ['time to the rollback / canary requests spoiled; (in brackets): later than the stay'];
  return `${[sentence, ...table(rows), ...legend, ...notes].join('\n')}\n`;
}

function stepRow({ percent, canaryRps, staySeconds, smallestErrorRatio, findings }: ForecastStep): string[] {
  return [
    `${figure(percent)} %`,
    figure(canaryRps),
    timeText(staySeconds),
    smallestErrorRatio === null ? 'nothing' : `${figure(100 * smallestErrorRatio)} %`,
    ...findings.map(findingText),
  ];
}

function faultText(fault: ForecastFinding['fault']): string {
  return 'errorRatio' in fault ? `${figure(100 * fault.errorRatio)} % errors` : `${fault.slowdown} x slower`;
}

function findingText({ seconds, harmed, isInTime }: ForecastFinding): string {
  if (seconds === null || harmed === null) return 'never';
  const text = `${timeText(seconds)} / ${Math.max(1, Math.round(harmed))}`;
  return isInTime ? text : `(${text})`;
}

const UNITS: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
];

function timeText(seconds: number | null): string {
  if (seconds === null) return 'for ever';
  for (const [unit, name] of UNITS) if (seconds >= 2 * unit) return `${figure(seconds / unit)} ${name}`;
  return `${figure(seconds)} s`;
}

/** Two digits that matter. */
function figure(value: number): string {
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(2))}`;
}
