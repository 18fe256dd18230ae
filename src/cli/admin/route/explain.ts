/**
 * `sluice route explain`: which route takes a request, why, and why the others do not.
 */

import { visibleLines } from '../../../lib/text/visible.ts';
import { SluiceError } from '../../../model/problem.ts';
import type { ExplainedVersion, RouteAnswer, RouteExplanation, RouteQuestion } from '../../../model/threads/explain.ts';
import { readArgs, readChoice } from '../../args.ts';
import { type CliDeps, EXIT } from '../../deps.ts';
import { adminOf, asking } from '../ask/asking.ts';
import { fetchRouteAnswer } from '../ask/client.ts';

const OPTIONS = {
  header: { type: 'string', short: 'H', multiple: true },
  from: { type: 'string' },
  config: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;
const ARGUMENTS = 2;

/** Runs the command with the arguments after `explain`. @returns the exit code. @throws SluiceError */
export async function explainCommand(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, ARGUMENTS);
  const [method, url] = positionals;
  if (method === undefined || url === undefined) throw new SluiceError('SLU_USAGE', 'explain takes a method and a URL');
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const headers = (values.header ?? []).map(readHeader);
  const question: RouteQuestion = { method, url, headers, from: values.from ?? '127.0.0.1' };
  if (values.config !== undefined && values.admin !== undefined) {
    throw new SluiceError('SLU_USAGE', '--config and --admin exclude each other');
  }
  if (values.config !== undefined) return tell(await fromDocument(values.config, question, deps), isJson, deps);
  const asked = await asking(adminOf(values.admin, deps), deps, (adminUrl) => fetchRouteAnswer(adminUrl, question));
  return 'exit' in asked ? asked.exit : tell(asked.answer, isJson, deps);
}

function readHeader(text: string): readonly [string, string] {
  const colon = text.indexOf(':');
  if (colon > 0) return [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  throw new SluiceError('SLU_USAGE', "--header takes 'NAME: VALUE'");
}

/** @throws SluiceError SLU_CONFIG_UNREADABLE, SLU_CONFIG_INVALID */
async function fromDocument(file: string, question: RouteQuestion, deps: CliDeps): Promise<RouteAnswer> {
  const config = await deps.config();
  const text = await config.readText(file);
  const sourced = config.sources(text, file);
  if (sourced !== null && sourced.problems.length === 0) {
    const detail = `routes of ${file} may be in ${sourced.names.join(', ')}: ask a running gateway (--admin)`;
    return { kind: 'refused', detail };
  }
  const parsed = config.parse(text, file);
  if (parsed.ok) return config.explainRoute(parsed.config, file, question);
  const message = `${file} has ${parsed.problems.length} problem(s)`;
  throw new SluiceError('SLU_CONFIG_INVALID', message, { problems: parsed.problems });
}

function tell(answer: RouteAnswer, isJson: boolean, deps: CliDeps): number {
  if (answer.kind === 'refused') {
    deps.stderr.write(`sluice: ${answer.detail}\n`);
    return EXIT.failed;
  }
  const { explanation } = answer;
  deps.stdout.write(isJson ? `${JSON.stringify(explanation, null, 2)}\n` : visibleLines(routeText(explanation)));
  return explanation.outcome === 'refused' ? EXIT.failed : EXIT.ok;
}

/** An explanation as people read it, ending in a newline. */
export function routeText(told: RouteExplanation): string {
  const { method, host, path, isTrusted, revision, hash, notes } = told;
  const sender = isTrusted ? 'a trusted proxy' : 'a stranger';
  return `${[
    `${method} ${path} of ${host === '' ? 'no host' : host}, from ${sender}; revision ${revision} #${hash.slice(0, 8)}`,
    ...outcomeLines(told),
    ...notes.map((note) => `note: ${note}`),
    ...otherLines(told),
  ].join('\n')}\n`;
}

function outcomeLines({ outcome, status, reason, detail, ...told }: RouteExplanation): string[] {
  const why = detail === '' ? '' : `: ${detail}`;
  const taken = told.route === null ? [] : [`route ${told.route}  by ${told.match}`];
  const does = [
    ...told.filters.map((name) => `filter ${name}`),
    ...told.rateLimits.map((name) => `rate limit ${name}`),
    ...told.experiments.map(({ id, group }) => `experiment ${id}: ${group ?? 'outside'}`),
  ];
  const more = does.length === 0 ? [] : [`  ${does.join(', ')}`];
  if (outcome === 'refused') return [...taken, ...more, `refused with ${status} ${reason}${why}`];
  if (outcome === 'answered') return [...taken, ...more, `answered with ${status} by a filter`];
  return [...taken, ...more, ...versionLines(told)];
}

const CHOSEN_BY = {
  color: 'its color pins it',
  userKey: 'by the user key, as long as the weights stay',
  drawn: 'drawn by weight; the next request may get another',
} as const;

function versionLines({ version, versions }: Pick<RouteExplanation, 'version' | 'versions'>): string[] {
  const total = versions.reduce((sum, { weight }) => sum + weight, 0);
  const share = ({ weight }: ExplainedVersion): string =>
    total === 0 ? '0 %' : `${Number(((weight / total) * 100).toPrecision(3))} %`;
  const rows = versions.map((one) => {
    const isChosen = one.service === version?.service && one.version === version.version;
    const why = isChosen ? `  ◀ ${CHOSEN_BY[version.by]}` : '';
    return `  ${one.service} ${one.version}  ${share(one)}  colors ${one.colors.join(', ')}${why}`;
  });
  return rows;
}

function otherLines({ others, otherHosts, more }: RouteExplanation): string[] {
  const rows = others.map(({ name, match, because }) => `  ${name}  ${match}: ${because}`);
  const uncounted = [
    ...(more === 0 ? [] : [`${more} more of this host`]),
    ...(otherHosts === 0 ? [] : [`${otherHosts} of other hosts`]),
  ];
  if (rows.length + uncounted.length === 0) return [];
  const tail = uncounted.length === 0 ? [] : [`  and ${uncounted.join(', ')}`];
  return ['not taken by', ...rows, ...tail];
}
