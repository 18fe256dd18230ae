/**
 * `sluice replay`: what the recorded evidence leads to, under the policy of then or another one.
 */

import type { Config } from '../../model/config.ts';
import { formatProblem, SluiceError } from '../../model/problem.ts';
import type { Decision } from '../../model/slo.ts';
import type { RevertDecision } from '../../model/threads/revision.ts';
import type { LogLine } from '../../model/threads/state.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';

/** A decision as a replay came to it. */
export interface ReplayedReport {
  readonly decision: Decision;
  /** Since the tape began. */
  readonly afterMs: number;
  /** Canary requests, and bad ones, until then. */
  readonly canaryFinished: number;
  readonly canaryBad: number;
}

/** What is told of one tape. */
export interface TapeReport {
  readonly watch: string;
  readonly route: string;
  readonly ticks: number;
  readonly durationMs: number;
  /** On the whole tape. */
  readonly canary: { readonly finished: number; readonly bad: number };
  readonly recorded: readonly Decision[];
  readonly replayed: readonly ReplayedReport[];
  /** Index of the first decision that differs; null when none does. */
  readonly differsAt: number | null;
}

/** A revert of a configuration, judged again. */
export interface RevertReport {
  readonly recorded: RevertDecision;
  /** Null: no evidence was kept. */
  readonly isSame: boolean | null;
}

export interface ReplayReport {
  readonly tapes: readonly TapeReport[];
  readonly reverts: readonly RevertReport[];
  readonly ticks: number;
  readonly segmentsUnused: number;
}

/** What judges again. */
export interface ReplayTools {
  /** @param policies a configuration whose rollouts judge; null: the policies of then. @throws SluiceError SLU_LOG_UNREADABLE */
  replay(lines: Iterable<LogLine>, policies: Config | null): ReplayReport;
}

const USAGE = `sluice replay LOG [--policy FILE] [-o json]

Judges recorded evidence again. Without a policy the decisions must come out the same, to the last bit. With one: what it
would have decided, when, and how many bad canary requests that would have cost.

  LOG                  a file that sluice decisions export made, or a state directory
  --policy FILE        a configuration; the rollout and slo of each route there judge the route's evidence
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

A replay has only the traffic that was. Behind the first decision that differs, users were where the recorded policy had
them, and where it rolled back the evidence ends: the cost of a policy that waits longer is a lower bound. Slowness was
counted at the recorded thresholds: another latencyTolerance or latencyFloor changes nothing here.

Reverts of configurations are judged again from the evidence that is with them, by no policy.
Exit codes: 0 replayed, 1 it cannot be, or without a policy a decision differs, 2 wrong usage.
`;

const OPTIONS = { policy: { type: 'string' }, output: { type: 'string', short: 'o' } } as const;

/** The command `replay`. */
export const replayCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const format = readChoice('--output', values.output, ['text', 'json']);
  const [log] = positionals;
  if (log === undefined) throw new SluiceError('SLU_USAGE', 'replay takes a log');
  const policies = values.policy === undefined ? null : await readPolicies(values.policy, deps);
  const tools = await deps.log();
  const report = tools.replay(tools.read(log), policies);
  deps.stdout.write(
    format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : formatReplay(report, policies !== null),
  );
  const isOther = report.reverts.some(({ isSame }) => isSame === false);
  const differs = isOther || (policies === null && report.tapes.some(({ differsAt }) => differsAt !== null));
  return differs ? EXIT.failed : EXIT.ok;
}

async function readPolicies(file: string, deps: CliDeps): Promise<Config> {
  const tools = await deps.config();
  const parsed = tools.parse(await tools.readText(file), file);
  if (!parsed.ok) {
    const problems = parsed.problems.map(formatProblem).join('\n');
    throw new SluiceError('SLU_CONFIG_INVALID', `${file} is no policy:\n${problems}`);
  }
  if (parsed.config.routes.some(({ rollout }) => rollout !== null)) return parsed.config;
  throw new SluiceError('SLU_CONFIG_INVALID', `${file} has no route with a rollout`);
}

/** The replay in lines, ending in a newline. */
export function formatReplay({ tapes, reverts, ticks, segmentsUnused }: ReplayReport, isOther: boolean): string {
  const identical = tapes.filter(({ differsAt }) => differsAt === null).length;
  const unused = segmentsUnused === 0 ? '' : `, ${segmentsUnused} segments unused: those before them were let go`;
  return [
    ...tapes.flatMap(tapeLines),
    ...reverts.map(revertLine),
    `${tapes.length} tapes, ${ticks} looks${unused}`,
    ...(isOther ? costLines(tapes) : []),
    `identical  ${identical} of ${tapes.length}`,
    '',
  ].join('\n');
}

function revertLine({ recorded: { route, at, sentence }, isSame }: RevertReport): string {
  const came = isSame === null ? 'without evidence' : isSame ? 'identical' : 'comes out otherwise';
  return `${route}  revert ${at}  ${came}: ${sentence}`;
}

function tapeLines(tape: TapeReport): string[] {
  const { route, watch, recorded, replayed, differsAt, durationMs, canary } = tape;
  const head = `${route}  tape ${watch}  ${seconds(durationMs)}, ${canary.bad} of ${canary.finished} canary requests bad`;
  if (differsAt === null) return [`${head}  ${recorded.length} decisions, identical`];
  return [
    `${head}  ${differsAt} decisions identical, then:`,
    ...recorded.slice(differsAt).map(({ at, sentence }) => `  recorded  ${at}  ${sentence}`),
    ...replayed.slice(differsAt).map(({ decision, afterMs, canaryBad }) => {
      return `  replayed  ${decision.at}  after ${seconds(afterMs)}, ${canaryBad} bad: ${decision.sentence}`;
    }),
  ];
}

/** What both policies cost, over all tapes. */
function costLines(tapes: readonly TapeReport[]): string[] {
  const sum = (of: (tape: TapeReport) => number): number => tapes.reduce((all, tape) => all + of(tape), 0);
  const isRollback = ({ kind }: Decision): boolean => kind === 'rollback';
  const recorded = sum((tape) => tape.recorded.filter(isRollback).length);
  const replayed = sum((tape) => tape.replayed.filter(({ decision }) => isRollback(decision)).length);
  const bad = sum(({ canary }) => canary.bad);
  const badReplayed = sum(badOf);
  const later = tapes.filter((tape) => tape.recorded.some(isRollback) && badOf(tape) === tape.canary.bad).length;
  const least = replayed < recorded && later > 0 ? ' at least' : '';
  return [
    `recorded   ${recorded} rollbacks, ${bad} bad canary requests`,
    `replayed   ${replayed} rollbacks, ${badReplayed} bad canary requests${least}`,
  ];
}

/** Bad canary requests up to the first rollback; all of the tape without one. */
function badOf({ replayed, canary }: TapeReport): number {
  return replayed.find(({ decision }) => decision.kind === 'rollback')?.canaryBad ?? canary.bad;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
