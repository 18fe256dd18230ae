/**
 * `sluice simulate`: what becomes of a rollout with a canary that fails so often, or is so slow; over many histories.
 */

import { setImmediate } from 'node:timers/promises';
import { SluiceError } from '../../model/problem.ts';
import type { ForecastTraffic } from '../../model/rollout.ts';
import type {
  SimulatedHistory,
  SimulatedOutcome,
  SimulatedTraffic,
  SimulationAnswer,
  SimulationQuestion,
} from '../../model/threads/load/simulation.ts';
import { readArgs, readChoice, readNumber } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { progressOn } from '../live/progress.ts';

const SEEDS = 20;
const SEEDS_MAX = 1000;
const HOURS = 6;
const ERRORS = 0.001;
/** Users of a route where nothing is said: each sends a request every so often, s. */
const THINK_S = 60;

const USAGE = `sluice simulate [ROUTE] --config FILE --rps N [--errors RATIO] [--canary-errors RATIO] [--p50 MS --p99 MS]
                [--canary-slower FACTOR] [--users N] [--seeds N] [--seed N] [--hours H] [-o json]

Runs a rollout of FILE on virtual time, from its start until it is rolled back, promoted after its bake, or pauses: the gateway's own
verdict, gates and steps over simulated users. Tells how often it ends how, how long that takes, and how many users the canary has
failed until then. sluice plan computes the means of such times; this shows how far single rollouts are from them.

  ROUTE                route of FILE; default the only one with a rollout
  --config FILE        the document
  --rps N              requests per second of both versions together
  --errors RATIO       share of stable's requests that fail; default ${ERRORS}
  --canary-errors RATIO  the same of the canary's; default as stable's
  --p50 MS, --p99 MS   stable's latency; default all requests take 5 ms
  --canary-slower FACTOR  how many times slower the canary is; default 1
  --users N            how many users send them; default as many as send one every ${THINK_S} s
  --seeds N            histories, 1 to ${SEEDS_MAX}; default ${SEEDS}
  --seed N             seed of the first one; the others follow; default 1
  --hours H            end of a history that nothing decides; default ${HOURS}
  -o, --output FORMAT  text, json (with every history); default text
  -h, --help           this text

Failures are independent of one another, and the error budget is untouched. Exit codes: 0 done, 1 FILE is refused or has no such
rollout, 2 wrong usage.
`;

const OPTIONS = {
  config: { type: 'string' },
  rps: { type: 'string' },
  errors: { type: 'string' },
  'canary-errors': { type: 'string' },
  p50: { type: 'string' },
  p99: { type: 'string' },
  'canary-slower': { type: 'string' },
  users: { type: 'string' },
  seeds: { type: 'string' },
  seed: { type: 'string' },
  hours: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

type Values = Readonly<Partial<Record<keyof typeof OPTIONS, string>>>;

/** The command `simulate`. */
export const simulateCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  if (values.config === undefined) throw new SluiceError('SLU_USAGE', 'simulate needs --config');
  const question = questionOf(positionals[0] ?? null, values);
  const answer = await simulated(values.config, question, deps);
  if (answer.kind === 'unknown') {
    deps.stderr.write(`sluice: ${answer.detail}\n`);
    return EXIT.failed;
  }
  const histories = await all(answer.histories, question.seeds.length, deps);
  const summary = summaryOf(histories);
  const { route, stable, canary, isSticky } = answer;
  const told = { route, stable, canary, sticky: isSticky, traffic: question.traffic, ...summary };
  deps.stdout.write(isJson ? `${JSON.stringify({ ...told, histories }, null, 2)}\n` : simulationText(told));
  return EXIT.ok;
}

/** @throws SluiceError SLU_CONFIG_UNREADABLE, SLU_CONFIG_INVALID */
async function simulated(file: string, question: SimulationQuestion, deps: CliDeps): Promise<SimulationAnswer> {
  const config = await deps.config();
  const parsed = config.parse(await config.readText(file), file);
  if (parsed.ok) return config.simulate(parsed.config, question);
  throw new SluiceError('SLU_CONFIG_INVALID', `${file} has ${parsed.problems.length} problem(s)`, {
    problems: parsed.problems,
  });
}

/** @throws SluiceError SLU_USAGE */
function questionOf(route: string | null, values: Values): SimulationQuestion {
  const rps = readNumber('--rps', values.rps, null, [0.01, 100_000]);
  if (rps === null) throw new SluiceError('SLU_USAGE', 'simulate needs --rps');
  const errors = readNumber('--errors', values.errors, ERRORS, [0, 1]);
  const latency = latencyOf(values);
  const slower = readNumber('--canary-slower', values['canary-slower'], 1, [0.01, 1000]);
  if (slower !== 1 && latency === null) throw new SluiceError('SLU_USAGE', '--canary-slower needs --p50 and --p99');
  const traffic: SimulatedTraffic = {
    requestsPerSecond: rps,
    users: Math.ceil(readNumber('--users', values.users, rps * THINK_S, [1, 1e9])),
    stable: { errorRatio: errors, latency },
    canary: {
      errorRatio: readNumber('--canary-errors', values['canary-errors'], errors, [0, 1]),
      latency: latency === null ? null : { p50Ms: slower * latency.p50Ms, p99Ms: slower * latency.p99Ms },
    },
  };
  const count = Math.floor(readNumber('--seeds', values.seeds, SEEDS, [1, SEEDS_MAX]));
  const first = Math.floor(readNumber('--seed', values.seed, 1, [0, 2 ** 31]));
  const hours = readNumber('--hours', values.hours, HOURS, [0.01, 168]);
  return { route, traffic, seeds: Array.from({ length: count }, (_, n) => first + n), limitMs: hours * 3_600_000 };
}

function latencyOf({ p50, p99 }: Values): ForecastTraffic['latency'] {
  if (p50 === undefined && p99 === undefined) return null;
  if (p50 === undefined || p99 === undefined) throw new SluiceError('SLU_USAGE', '--p50 and --p99 go together');
  const p50Ms = readNumber('--p50', p50, 0, [0.01, 3.6e6]);
  return { p50Ms, p99Ms: readNumber('--p99', p99, 0, [p50Ms, 3.6e7]) };
}

/** Every history, one after the other; signals come through between two. */
async function all(
  histories: Iterable<SimulatedHistory>,
  count: number,
  { stderr }: CliDeps,
): Promise<SimulatedHistory[]> {
  const done: SimulatedHistory[] = [];
  const progress = progressOn(stderr);
  progress.show(`0 of ${count} histories`);
  for (const history of histories) {
    done.push(history);
    progress.show(`${done.length} of ${count} histories`);
    await setImmediate();
  }
  progress.clear();
  return done;
}

/** Nearest ranks of some numbers. */
interface Spread {
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
}

/** How histories ended in one way. */
interface Ending {
  readonly outcome: SimulatedOutcome;
  readonly count: number;
  readonly afterSeconds: Spread;
  /** How many at which share of the canary, in percent. */
  readonly atPercent: readonly (readonly [percent: number, count: number])[];
  /** Of the canary, until then. */
  readonly requests: Spread;
  readonly failed: Spread;
  readonly usersFailed: Spread;
}

interface Summary {
  readonly count: number;
  /** The most frequent first. */
  readonly endings: readonly Ending[];
}

/** What came of histories, of which there is at least one. */
export function summaryOf(histories: readonly SimulatedHistory[]): Summary {
  const byOutcome = Map.groupBy(histories, ({ outcome }) => outcome);
  const endings = [...byOutcome].map(([outcome, some]): Ending => {
    const byPercent = Map.groupBy(some, ({ percent }) => percent);
    const atPercent = [...byPercent].map(([percent, these]) => [percent, these.length] as const);
    const spread = (of: (history: SimulatedHistory) => number): Spread => spreadOf(some.map(of));
    return {
      outcome,
      count: some.length,
      afterSeconds: spread(({ afterMs }) => afterMs / 1000),
      atPercent: atPercent.toSorted(([a], [b]) => a - b),
      requests: spread(({ canary }) => canary.requests),
      failed: spread(({ canary }) => canary.failed),
      usersFailed: spread(({ canary }) => canary.usersFailed),
    };
  });
  return { count: histories.length, endings: endings.toSorted((a, b) => b.count - a.count) };
}

function spreadOf(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
  return { p10: at(0.1), p50: at(0.5), p90: at(0.9) };
}

/** A summary as people read it, ending in a newline. */
export function simulationText(told: Told): string {
  const { route, stable, canary, sticky, traffic, count, endings } = told;
  const { requestsPerSecond, users } = traffic;
  const kept = sticky ? 'who keep their version' : 'whose requests are drawn one by one';
  const head = [
    `${route}: canary ${canary} (${versionText(traffic.canary)}) against stable ${stable} (${versionText(traffic.stable)})`,
    `${figure(requestsPerSecond)} requests/s of ${users} users, ${kept}; ${count} histories`,
  ];
  return `${[...head, ...endings.flatMap((ending) => endingLines(ending, count)), LEGEND].join('\n')}\n`;
}

type Told = Pick<Extract<SimulationAnswer, { kind: 'done' }>, 'route' | 'stable' | 'canary'> &
  Summary & { readonly sticky: boolean; readonly traffic: SimulatedTraffic };

const LEGEND = 'Medians; in brackets what the middle 80 % of histories have.';

function endingLines(ending: Ending, count: number): string[] {
  const { outcome, afterSeconds, atPercent, requests, failed, usersFailed } = ending;
  const shares = atPercent.map(([percent, times]) => `${times} at ${figure(percent)} %`).join(', ');
  return [
    '',
    `${outcome}: ${ending.count} of ${count}, after ${spreadText(afterSeconds, timeText)}; ${shares}`,
    `  the canary failed ${spreadText(failed)} of ${spreadText(requests)} requests, of ${spreadText(usersFailed)} users`,
  ];
}

function versionText({ errorRatio, latency }: SimulatedTraffic['stable']): string {
  const errors = `${figure(100 * errorRatio)} % errors`;
  return latency === null ? errors : `${errors}, p50 ${figure(latency.p50Ms)} ms, p99 ${figure(latency.p99Ms)} ms`;
}

function spreadText({ p10, p50, p90 }: Spread, text: (value: number) => string = String): string {
  return p10 === p90 ? text(p50) : `${text(p50)} (${text(p10)} to ${text(p90)})`;
}

function timeText(seconds: number): string {
  if (seconds >= 3600) return `${figure(seconds / 3600)} h`;
  return seconds >= 120 ? `${figure(seconds / 60)} min` : `${figure(seconds)} s`;
}

/** Three digits. */
function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}
