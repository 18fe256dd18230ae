/**
 * What objectives would have said of traffic, as people read it and as JSON.
 */

import type { ObjectiveReport, TrafficObjective, TrafficReport } from '../../../model/threads/load/traffic.ts';
import { percentText, titleOf } from '../objective.ts';

/** Alerts, and times of spent budgets, of an objective that people are shown; JSON has all. */
const SHOWN_MAX = 10;
const COURSE_SHOWN = 12;

/** What is told of a replay. */
export interface Told {
  readonly file: string;
  readonly traffic: string;
  readonly report: TrafficReport;
  /** Objectives about seconds: a record has nothing of endpoints and breakers. */
  readonly skipped: readonly TrafficObjective[];
}

/** Times as ISO 8601, lengths in seconds. */
export function trafficJson({ file, traffic, report, skipped }: Told): unknown {
  const { requests, unclaimed, fromMs, toMs, objectives } = report;
  return {
    file,
    traffic,
    requests,
    unclaimed,
    from: isoOrNull(fromMs),
    to: isoOrNull(toMs),
    objectives: objectives.map(objectiveJson),
    skipped: skipped.map(({ scope, name, indicator }) => ({ scope, name, indicator })),
  };
}

function objectiveJson({ course, alerts, spent, budgetLastsMs, ...rest }: ObjectiveReport): unknown {
  return {
    ...rest,
    budgetLastsSeconds: budgetLastsMs === null ? null : budgetLastsMs / 1000,
    course: course.map(({ atMs, ...point }) => ({ at: iso(atMs), ...point })),
    alerts: alerts.map(({ firedAtMs, resolvedAtMs, ...alert }) => {
      return { ...alert, firedAt: iso(firedAtMs), resolvedAt: isoOrNull(resolvedAtMs) };
    }),
    spent: spent.map(({ fromMs, toMs }) => ({ from: iso(fromMs), to: isoOrNull(toMs) })),
  };
}

/** In lines, ending in a newline. */
export function trafficText({ traffic, report, skipped }: Told): string {
  const { requests, unclaimed, fromMs, toMs, objectives } = report;
  const span = fromMs === null || toMs === null ? '' : `, ${iso(fromMs)} to ${iso(toMs)} (${timeText(toMs - fromMs)})`;
  return [
    `${traffic}: ${requests} requests${span}`,
    ...(unclaimed === 0 ? [] : [`${unclaimed} of them are of no objective`]),
    ...objectives.flatMap((one) => ['', ...objectiveLines(one)]),
    ...(skipped.length === 0 ? [] : ['']),
    ...skipped.map(
      (one) => `${titleOf(one)}  not replayed: it also asks for endpoints and breakers, which no record has`,
    ),
    '',
  ].join('\n');
}

function objectiveLines(one: ObjectiveReport): string[] {
  const { thresholdMs, targetRatio, good, bad, burn, budgetLastsMs, remainingRatio, untimed, users } = one;
  const within = thresholdMs === null ? '' : ` within ${thresholdMs} ms`;
  const head = `${titleOf(one)}  ${percentText(targetRatio)} %${within}: ${fitText(one)}`;
  const notTimed = untimed === 0 ? [] : [`  ${untimed} requests without a duration are left out`];
  if (burn === null) return [head, ...notTimed];
  const lasts = budgetLastsMs === null ? '' : `; 28 days' budget lasts ${timeText(budgetLastsMs)} at that`;
  const left = remainingRatio === null ? '' : `; ${percent(remainingRatio)} left at the end`;
  return [
    head,
    `  ${good + bad} events, ${bad} bad: burn ${figure(burn)}x over all${lasts}${left}`,
    ...(users === null ? [] : [`  ${users.failed} of ${users.all} users met a bad one`]),
    ...notTimed,
    ...alertLines(one),
    ...spentLines(one),
    ...courseLines(one),
  ];
}

function fitText({ fit, bestTargetRatio, good, bad, targetRatio }: ObjectiveReport): string {
  // Down, so that it was met.
  const best = `${percentText(Math.floor((bestTargetRatio ?? 0) * 1e6) / 1e6)} %`;
  switch (fit) {
    case null:
      return 'nothing was counted';
    case 'too-tight':
      return `too tight, the best target that was met is ${best}`;
    case 'too-lax':
      return bad === 0 ? 'too lax, nothing failed' : `too lax, ${best} was met`;
    case 'too-little':
      return `too little traffic to tell: it allows ${figure((good + bad) * (1 - targetRatio))} bad events`;
    case 'fits':
      return bad === 0 ? 'met, nothing failed' : `met, and ${best} as well`;
    default:
      return fit satisfies never;
  }
}

function alertLines({ alerts, alertsMore }: ObjectiveReport): string[] {
  const lines = alerts.slice(0, SHOWN_MAX).map(({ severity, long, short, firedAtMs, resolvedAtMs, sentence }) => {
    const lasted = resolvedAtMs === null ? 'to the end' : `for ${timeText(resolvedAtMs - firedAtMs)}`;
    return `  ${severity} ${long}/${short} at ${iso(firedAtMs)} ${lasted}: ${sentence}`;
  });
  return [...lines, ...moreLine(alerts.length + alertsMore, 'alerts')];
}

function spentLines({ spent }: ObjectiveReport): string[] {
  const lines = spent.slice(0, SHOWN_MAX).map(({ fromMs, toMs }) => {
    return `  budget spent from ${iso(fromMs)} ${toMs === null ? 'to the end' : `to ${iso(toMs)}`}`;
  });
  return [...lines, ...moreLine(spent.length, 'times')];
}

function moreLine(count: number, what: string): string[] {
  return count > SHOWN_MAX ? [`  and ${count - SHOWN_MAX} ${what} more (-o json)`] : [];
}

function courseLines({ course }: ObjectiveReport): string[] {
  const step = Math.ceil(course.length / COURSE_SHOWN);
  return course
    .filter((_, n) => (course.length - 1 - n) % step === 0)
    .map(({ atMs, remainingRatio, burn1h }) => {
      const burn = burn1h === null ? 'nothing counted in 1h' : `burn ${figure(burn1h)}x in 1h`;
      return `  ${iso(atMs)}  ${percent(remainingRatio)} left, ${burn}`;
    });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}

function percent(ratio: number): string {
  // Without the dust of binary fractions around nothing.
  return `${figure(Math.round(ratio * 1e6) / 1e4)} %`;
}

function timeText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds >= 172_800) return `${figure(seconds / 86_400)} d`;
  if (seconds >= 7200) return `${figure(seconds / 3600)} h`;
  return seconds >= 120 ? `${figure(seconds / 60)} min` : `${figure(seconds)} s`;
}

/** Three digits. */
function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}
