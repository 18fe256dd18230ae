/**
 * `sluice slo ls` and `get`: the objectives of a running gateway, and one of them with its numbers and the requests that missed it.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { visibleLines } from '../../lib/text/visible.ts';
import { SluiceError } from '../../model/problem.ts';
import type { AlertStatus, SloStatus, Status } from '../../model/status.ts';
import type { RequestSample } from '../../model/threads/requests/samples.ts';
import { adminOf, asking, refuse } from '../admin/ask/asking.ts';
import { fetchStatus } from '../admin/ask/client.ts';
import { digits, leftOf, percent, scoreLine, span } from '../admin/slo-lines.ts';
import { table } from '../admin/table.ts';
import { didYouMean, readArgs, readChoice } from '../args.ts';
import { type CliDeps, EXIT } from '../deps.ts';
import type { Feasibility } from './check/feasible.ts';
import type { SloTools } from './tools.ts';
import { allowsText, feasibilityNow } from './validate.ts';

const OPTIONS = { admin: { type: 'string' }, output: { type: 'string', short: 'o' } } as const;

/** `route/checkout/latency` */
export function objectiveId({ scope, name, indicator }: Pick<SloStatus, 'scope' | 'name' | 'indicator'>): string {
  return `${scope}/${name}/${indicator}`;
}

/** Runs the command with the arguments after `ls`. @returns the exit code. @throws SluiceError */
export async function listObjectives(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const asked = await asking(adminOf(values.admin, deps), deps, fetchStatus);
  if ('exit' in asked) return asked.exit;
  const objectives = asked.answer.slos.map((slo) => ({ id: objectiveId(slo), ...slo }));
  deps.stdout.write(isJson ? `${JSON.stringify({ objectives }, null, 2)}\n` : visibleLines(listText(asked.answer)));
  return EXIT.ok;
}

/** As people read it, ending in a newline; in the order of the configuration. */
export function listText({ slos }: Pick<Status, 'slos'>): string {
  if (slos.length === 0) return 'no route or service has an objective\n';
  const header = ['objective', 'target', 'budget left', 'bad', 'burn 1h', 'alerts', 'rollouts'];
  return `${table([header, ...slos.map(cellsOf)]).join('\n')}\n`;
}

function cellsOf(slo: SloStatus): string[] {
  const { remainingRatio, events, burnRates, alerts, policy } = slo;
  const firing = [...new Set(alerts.filter(({ isFiring }) => isFiring).map(({ severity }) => severity))];
  return [
    objectiveId(slo),
    targetText(slo),
    remainingRatio === null ? '-' : percent(remainingRatio, 3),
    `${events.bad} of ${events.good + events.bad}`,
    burnText(burnRates['1h']),
    firing.join(', ') || '-',
    policy.kind,
  ];
}

function targetText({ targetRatio, thresholdMs }: SloStatus): string {
  return `${percent(targetRatio, 6)}${thresholdMs === null ? '' : ` within ${thresholdMs} ms`}`;
}

function burnText(rate: number | null | undefined): string {
  return typeof rate === 'number' ? `${digits(rate, 3)}x` : '-';
}

/** One objective with everything that is known of it. */
export interface ShownObjective extends SloStatus {
  readonly id: string;
  /** What it comes to at the traffic since the start; null: there was none. */
  readonly feasibility: Feasibility | null;
  /** Requests that missed it, newest first; of routes only. */
  readonly samples: readonly RequestSample[];
}

/** Runs the command with the arguments after `get`. @returns the exit code. @throws SluiceError */
export async function getObjective(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const [name] = positionals;
  if (name === undefined) throw new SluiceError('SLU_USAGE', 'get takes an objective; sluice slo ls lists them');
  const asked = await asking(adminOf(values.admin, deps), deps, fetchStatus);
  if ('exit' in asked) return asked.exit;
  const objectives = shown(name, asked.answer, await deps.slo());
  if (objectives.length === 0) return refuse(unknown(name, asked.answer), deps);
  const text = `${objectives.map((one) => objectiveLines(one).join('\n')).join('\n\n')}\n`;
  deps.stdout.write(isJson ? `${JSON.stringify({ objectives }, null, 2)}\n` : visibleLines(text));
  return EXIT.ok;
}

/** By its id, or all those of a route or service. */
function shown(name: string, status: Status, tools: SloTools): ShownObjective[] {
  const isNamed = (slo: SloStatus): boolean =>
    [slo.name, `${slo.scope}/${slo.name}`, objectiveId(slo)].some((known) => known === name);
  return status.slos.filter(isNamed).map((slo) => ({
    id: objectiveId(slo),
    ...slo,
    feasibility: feasibilityNow(slo, status, tools),
    samples: samplesOf(slo, status),
  }));
}

/** What is late misses an objective about latency first. A gateway of an earlier release tells none. */
export function samplesOf({ scope, name, indicator }: SloStatus, { samples }: Partial<Status>): RequestSample[] {
  const found = scope === 'route' ? samples?.find(({ route }) => route === name) : undefined;
  if (found === undefined) return [];
  return indicator === 'latency' ? [...found.slow, ...found.bad] : [...found.bad];
}

function unknown(name: string, { slos }: Status): string {
  const names = new Set(slos.flatMap((slo) => [slo.name, objectiveId(slo)]));
  const hint = names.size === 0 ? '; no route or service has one' : didYouMean(similarTo(name, names));
  return `there is no objective ${name}${hint}`;
}

/** One objective as people read it. */
export function objectiveLines(slo: ShownObjective): string[] {
  const { id, remainingRatio, events, exhaustedInMs, burnRates, alerts, calendar, errors, policy, feasibility } = slo;
  const counts = `${events.bad} bad of ${events.good + events.bad}${slo.score === null ? '' : ' s'} in 28 days`;
  const left = remainingRatio === null ? 'nothing was counted' : `${leftOf(remainingRatio)}, ${counts}`;
  const isEnding = exhaustedInMs !== null && exhaustedInMs > 0;
  const gone = isEnding ? `; at the burn of the last hour it is gone in ${span(exhaustedInMs)}` : '';
  const burns = Object.entries(burnRates).map(([window, rate]) => `${window} ${burnText(rate)}`);
  const classes = `${errors.client} client, ${errors.transient} transient, ${errors.server} server`;
  return [
    `${id}  ${targetText(slo)}`,
    row('budget', `${left}${gone}`),
    ...(calendar === null ? [] : [row(calendar.unit, calendarText(calendar))]),
    row('burn', burns.join(', ')),
    ...alerts.map((alert) => row('alert', alertText(alert))),
    row('errors', `${classes}; weighted ${digits(errors.weighted, 6)}`),
    ...scoreLine(slo).map((line) => row('score', line.replace(/^score /, ''))),
    row('rollouts', `${policy.kind}: ${policy.sentence}`),
    ...(feasibility === null ? [] : [row('allows', allowsText(feasibility))]),
    ...slo.samples.map((sample) => row('request', sampleText(sample))),
  ];
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(9)} ${text}`;
}

function calendarText({ sinceMs, good, bad, remainingRatio }: NonNullable<SloStatus['calendar']>): string {
  const left =
    remainingRatio === null ? 'nothing was counted' : `${leftOf(remainingRatio)}, ${bad} bad of ${good + bad}`;
  return `${left}, since ${new Date(sinceMs).toISOString()}`;
}

function alertText({ severity, long, short, factor, isFiring, firingForMs }: AlertStatus): string {
  const state = isFiring ? `firing for ${span(firingForMs ?? 0)}` : 'quiet';
  return `${severity} above ${factor}x over ${long} and ${short}: ${state}`;
}

/** `4bf9…  503 connect_refused, 12.3 ms, v2, 2026-11-01T08:01:10.000Z` */
export function sampleText({ requestId, status, reason, latencyMs, version, at }: RequestSample): string {
  const outcome = [status ?? 'no answer', ...(reason === 'none' ? [] : [reason])].join(' ');
  return `${requestId}  ${[outcome, `${digits(latencyMs, 3)} ms`, ...(version === null ? [] : [version]), at].join(', ')}`;
}
