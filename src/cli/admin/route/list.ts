/**
 * `sluice route ls` and `get`: what the routes of a running gateway are, and how they fare.
 *
 * The two are asked for together; a route that only one of the answers has is of a configuration that came in between.
 */

import { similarTo } from '../../../lib/text/similar.ts';
import { visibleLines } from '../../../lib/text/visible.ts';
import { SluiceError } from '../../../model/problem.ts';
import type { RouteStatus, SloStatus, Status, VersionStatus } from '../../../model/status.ts';
import type { RouteListing } from '../../../model/threads/explain.ts';
import { didYouMean, readArgs, readChoice } from '../../args.ts';
import { type CliDeps, EXIT } from '../../deps.ts';
import { type Asked, adminOf, asking, refuse } from '../ask/asking.ts';
import { fetchRoutes, fetchStatus } from '../ask/client.ts';
import { linesOf } from '../status.ts';
import { table } from '../table.ts';

const OPTIONS = { admin: { type: 'string' }, output: { type: 'string', short: 'o' } } as const;
const MS_PER_S = 1000;

interface Known {
  readonly listings: readonly RouteListing[];
  readonly status: Status;
}

function ask(admin: string | undefined, deps: CliDeps): Promise<Asked<Known>> {
  return asking(adminOf(admin, deps), deps, async (adminUrl) => {
    const [listings, status] = await Promise.all([fetchRoutes(adminUrl), fetchStatus(adminUrl)]);
    return { listings, status };
  });
}

/** One route as the list has it. */
export interface ListedRoute extends RouteListing, Pick<RouteStatus, 'requests' | 'bad' | 'errorRatio' | 'p99Ms'> {
  readonly versions: readonly Pick<VersionStatus, 'service' | 'version' | 'weight'>[];
  /** State of its rollout; null: it has none. */
  readonly rollout: string | null;
  /** Of the objective that has least left; null: it has none, or none has counted anything. */
  readonly remainingRatio: number | null;
}

/** Runs the command with the arguments after `ls`. @returns the exit code. @throws SluiceError */
export async function listCommand(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const asked = await ask(values.admin, deps);
  if ('exit' in asked) return asked.exit;
  const routes = listed(asked.answer);
  deps.stdout.write(isJson ? `${JSON.stringify({ routes }, null, 2)}\n` : visibleLines(listText(routes)));
  return EXIT.ok;
}

/** In the order of the configuration. */
export function listed({ listings, status }: Known): ListedRoute[] {
  const routes = new Map(status.routes.map((route) => [route.name, route]));
  const left = leastLeft(status.slos);
  return listings.flatMap((listing) => {
    const route = routes.get(listing.name);
    if (route === undefined) return [];
    const { requests, bad, errorRatio, p99Ms } = route;
    const versions = route.versions.map(({ service, version, weight }) => ({ service, version, weight }));
    const rollout = route.rollout?.state ?? null;
    const remainingRatio = left.get(listing.name) ?? null;
    return [{ ...listing, requests, bad, errorRatio, p99Ms, versions, rollout, remainingRatio }];
  });
}

/** By route: part of the budget that is left of the objective that has least of it. */
function leastLeft(slos: readonly SloStatus[]): ReadonlyMap<string, number> {
  const left = new Map<string, number>();
  for (const { scope, name, remainingRatio } of slos) {
    if (scope !== 'route' || remainingRatio === null) continue;
    left.set(name, Math.min(left.get(name) ?? remainingRatio, remainingRatio));
  }
  return left;
}

/** As people read it, ending in a newline. */
export function listText(routes: readonly ListedRoute[]): string {
  const header = ['route', 'weights', 'requests', 'errors', 'p99', 'rollout', 'budget left', 'matches'];
  return `${table([header, ...routes.map(cellsOf)]).join('\n')}\n`;
}

function cellsOf(route: ListedRoute): string[] {
  const { name, versions, requests, errorRatio, p99Ms, rollout, remainingRatio, matches } = route;
  const isOfOne = new Set(versions.map(({ service }) => service)).size === 1;
  const weights = versions.map(({ service, version, weight }) => {
    return `${isOfOne ? '' : `${service} `}${version} ${Number(weight.toPrecision(4))}`;
  });
  const more = matches.length > 1 ? `  and ${matches.length - 1} more` : '';
  return [
    name,
    weights.join(', '),
    String(requests),
    percent(errorRatio),
    p99Ms === null ? '-' : `${p99Ms.toPrecision(3)} ms`,
    rollout ?? '-',
    percent(remainingRatio),
    `${matches[0] ?? '-'}${more}`,
  ];
}

function percent(ratio: number | null): string {
  return ratio === null ? '-' : `${Number((ratio * 100).toPrecision(3))} %`;
}

/** Runs the command with the arguments after `get`. @returns the exit code. @throws SluiceError */
export async function getCommand(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const [name] = positionals;
  if (name === undefined) throw new SluiceError('SLU_USAGE', 'get takes a route; sluice route ls lists them');
  const asked = await ask(values.admin, deps);
  if ('exit' in asked) return asked.exit;
  const { listings, status } = asked.answer;
  const listing = listings.find((one) => one.name === name);
  const route = status.routes.find((one) => one.name === name);
  if (listing === undefined || route === undefined) {
    const names = listings.map((one) => one.name);
    return refuse(`there is no route ${name}${didYouMean(similarTo(name, names))}`, deps);
  }
  const slos = status.slos.filter((slo) => slo.scope === 'route' && slo.name === name);
  const lines = [...listingLines(listing), ...linesOf(status, name)];
  deps.stdout.write(
    isJson ? `${JSON.stringify({ listing, route, slos }, null, 2)}\n` : visibleLines(`${lines.join('\n')}\n`),
  );
  return EXIT.ok;
}

/** What a route is, before how it fares. */
export function listingLines(listing: RouteListing): string[] {
  const { matches, filters, rateLimits, experiments, priority, requestTimeoutMs } = listing;
  const does = [
    ...filters.map((name) => `filter ${name}`),
    ...rateLimits.map((name) => `rate limit ${name}`),
    ...experiments.map((id) => `experiment ${id}`),
  ];
  return [
    ...matches.map((match, n) => `${n === 0 ? 'matches  ' : '         '}${match}`),
    ...(does.length === 0 ? [] : [`does     ${does.join(', ')}`]),
    `limits   priority ${priority}, an answer within ${requestTimeoutMs / MS_PER_S} s`,
  ];
}
