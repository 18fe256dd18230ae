/**
 * Finds what is allowed in a route but probably not meant. The document must be sound.
 */

import { once } from '../../../lib/once.ts';
import type { RouteMatch } from '../../../model/config.ts';
import { backendRefsOf, buildMatches, buildRetry, requestTimeoutOf, versionOf } from '../../build/route.ts';
import { isListed, listedOf } from '../../build/service.ts';
import { DEFAULT_WEIGHT } from '../../defaults.ts';
import { quote } from '../../problems/fault.ts';
import type { Path, Report } from '../../problems/report.ts';
import { formatDuration } from '../../scalars/duration.ts';
import type { DocumentInput, FilterInput, RouteInput, ServiceInput } from '../../schema.ts';
import { warnOfUnreachable } from '../unreachable.ts';
import type { Built } from '../warnings.ts';

/** Reports warnings about each route of a document. */
export function warnOfRoutes({ document, known, soundRoutes }: Built, report: Report): void {
  warnOfUnreachable(document, report);
  const takers = once(() => takersOf(document));
  const serviceOf = (name: string): ServiceInput | undefined => document.services[name];
  for (const [index, route] of document.routes.entries()) {
    const memory = soundRoutes[index] ?? known.route(route, serviceOf);
    if (memory?.isQuiet === true) continue;
    const before = report.count;
    const context = { route, path: ['routes', index], services: document.services, report };
    warnOfAttempts(context);
    warnOfHedge(context);
    warnOfKeys(context);
    warnOfPatterns(context);
    warnOfSteps(context);
    warnOfRescue(context);
    for (const [filterIndex, filter] of (route.filters ?? []).entries()) {
      const path = [...context.path, 'filters', filterIndex];
      if (filter.requestMirror !== undefined) warnOfMirror(filter.requestMirror, path, context);
      if (filter.requestRedirect !== undefined) warnOfRedirect(filter.requestRedirect, path, context, takers);
    }
    // What is said of a redirect depends on other routes.
    const isAlone = route.filters?.some(({ requestRedirect }) => requestRedirect !== undefined) !== true;
    if (memory !== null) memory.isQuiet = isAlone && report.count === before;
  }
}

interface Context {
  readonly route: RouteInput;
  readonly path: Path;
  readonly services: DocumentInput['services'];
  readonly report: Report;
}

function warnOfAttempts({ route, path, report }: Context): void {
  const requestTimeoutMs = requestTimeoutOf(route);
  const { attemptTimeoutMs, retriesMax, statuses } = buildRetry(route);
  if (Number.isFinite(attemptTimeoutMs) && attemptTimeoutMs > requestTimeoutMs) {
    const expected = `at most the request timeout of ${formatDuration(requestTimeoutMs)}`;
    report.add([...path, 'timeouts', 'backendRequest'], { kind: 'attemptTooLong', expected });
  }
  if (retriesMax > 0 || (statuses.length === 0 && route.retry?.backoff === undefined)) return;
  const expected = 'attempts above 0 beside codes or backoff';
  report.add([...path, 'retry', 'attempts'], { kind: 'retryNever', expected });
}

const STEP_FIELDS = ['dwell', 'requestsMin', 'evidence', 'stepMax', 'onStepMax', 'bake', 'autoStart'] as const;

function warnOfSteps({ route: { rollout }, path, report }: Context): void {
  if (rollout === undefined || rollout.steps !== undefined) return;
  const field = STEP_FIELDS.find((name) => rollout[name] !== undefined);
  if (field === undefined) return;
  const expected = `steps beside ${field}`;
  report.add(
    [...path, 'rollout', field],
    { kind: 'stepsMissing', expected, got: 'none', hint: 'add steps: default' },
    'key',
  );
}

function warnOfRescue({ route: { rollout }, path, report }: Context): void {
  if (rollout?.rescuePinned !== true || rollout.rescue !== false) return;
  report.add([...path, 'rollout', 'rescuePinned'], { kind: 'rescueOff', expected: 'rescue: true beside it' }, 'key');
}

function warnOfHedge({ route, path, services, report }: Context): void {
  if (route.hedge === undefined) return;
  const { hedgeMs, attemptTimeoutMs } = buildRetry(route);
  const endMs = Math.min(attemptTimeoutMs, requestTimeoutOf(route));
  if (hedgeMs >= endMs) {
    const expected = `a time below ${formatDuration(endMs)}, when the attempt ends`;
    report.add([...path, 'hedge', 'after'], { kind: 'hedgeTooLate', expected });
  }
  const counts = backendRefsOf(route).map((ref) => {
    const service = services[ref.name] as ServiceInput;
    const version = service.versions[versionOf(ref, service) ?? ''];
    // Those that are looked up may be many.
    if (version !== undefined && !isListed(version.endpoints)) return Number.POSITIVE_INFINITY;
    return version === undefined ? 0 : listedOf(version).length;
  });
  if (counts.length === 0 || Math.max(...counts) > 1) return;
  const expected = 'a version with a second endpoint';
  report.add([...path, 'hedge'], { kind: 'hedgeAlone', expected, got: 'none' }, 'key');
}

function warnOfKeys({ route, path, services, report }: Context): void {
  if (route.sticky !== undefined) return;
  for (const [index, ref] of backendRefsOf(route).entries()) {
    if (services[ref.name]?.balancer !== 'consistentHash') continue;
    const expected = 'a route with sticky, as the service has consistentHash';
    const hint = 'without it every client connection is a key of its own';
    report.add([...path, 'backendRefs', index, 'name'], { kind: 'hashWithoutKey', expected, hint });
    return;
  }
}

/** Paths begin with a slash, so a pattern whose first character is a letter matches none. */
function warnOfPatterns({ route, path, report }: Context): void {
  for (const [index, match] of (route.matches ?? []).entries()) {
    const { type, value = '' } = match.path ?? {};
    if (type !== 'RegularExpression' || !/^\^?[A-Za-z0-9_-](?![*?{])/.test(value) || value.includes('|')) continue;
    const expected = 'a pattern that begins with /, as every path does';
    report.add([...path, 'matches', index, 'path', 'value'], { kind: 'patternNeverMatches', expected });
  }
}

type MirrorInput = NonNullable<FilterInput['requestMirror']>;

/**
 * Copies to a version of weight 0 are the way to try it without users, and fine; so they are to a canary whose answers are
 * compared, which gets none of the requests that it answers itself.
 */
function warnOfMirror({ backendRef, compare }: MirrorInput, path: Path, { route, services, report }: Context): void {
  const service = services[backendRef.name] as ServiceInput;
  const version = versionOf(backendRef, service);
  const served = backendRefsOf(route).filter((ref) => (ref.weight ?? DEFAULT_WEIGHT) > 0);
  const isServed = served.some((ref) => ref.name === backendRef.name && versionOf(ref, service) === version);
  if (!isServed || (compare !== undefined && served.length > 1)) return;
  const expected = 'a version that the route does not send to';
  const got = quote(`${backendRef.name}/${version}`);
  const hint = 'it would get the copied requests twice';
  report.add([...path, 'requestMirror', 'backendRef'], { kind: 'mirrorToSelf', expected, got, hint });
}

const FOR_SENT_REQUESTS = [
  'sticky',
  'timeouts',
  'retry',
  'hedge',
  'upgrade',
  'streams',
  'rateLimits',
  'fallback',
  'idempotency',
  'experiments',
] as const;

type RedirectInput = NonNullable<FilterInput['requestRedirect']>;

function warnOfRedirect(redirect: RedirectInput, path: Path, context: Context, takers: () => Takers): void {
  const { route, report } = context;
  for (const field of FOR_SENT_REQUESTS) {
    if (route[field] === undefined) continue;
    const expected = `no ${field} beside a redirect`;
    report.add([...context.path, field], { kind: 'redirectIdle', expected, hint: 'nothing is sent on' }, 'key');
  }
  const value = redirect.path?.replaceFullPath ?? redirect.path?.replacePrefixMatch;
  const isElsewhere = [redirect.scheme, redirect.hostname, redirect.port].some((part) => part !== undefined);
  if (value === undefined || isElsewhere) return;
  const looping = buildMatches(route).find((match) => covers(match.path, value));
  if (looping === undefined || isTaken(value, looping.path, route, takers())) return;
  const expected = 'a path that the route does not match';
  const hint = 'the client would be sent round in circles';
  report.add([...path, 'requestRedirect', 'path'], { kind: 'redirectLoop', expected, got: quote(value), hint });
}

/** Whether a match takes a path; of a pattern that is not said. */
function covers({ type, value }: RouteMatch['path'], path: string): boolean {
  if (type === 'RegularExpression') return false;
  if (type === 'Exact' || path === value) return path === value;
  return path.startsWith(value === '/' ? '/' : `${value}/`);
}

/** The routes that have a match of a type and value, by `PathPrefix /a`. */
type Takers = ReadonlyMap<string, ReadonlySet<RouteInput>>;

function takersOf({ routes }: DocumentInput): Takers {
  const takers = new Map<string, Set<RouteInput>>();
  for (const route of routes) {
    for (const { path } of buildMatches(route)) {
      const key = `${path.type} ${path.value}`;
      takers.set(key, (takers.get(key) ?? new Set()).add(route));
    }
  }
  return takers;
}

/** Whether another route has a closer match for a path that `than` takes: then a loop ends there. O(path segments). */
function isTaken(path: string, than: RouteMatch['path'], route: RouteInput, takers: Takers): boolean {
  if (than.type !== 'PathPrefix') return false;
  const keys = [`Exact ${path}`];
  for (let end = path.length; end > than.value.length; end = path.lastIndexOf('/', end - 1)) {
    keys.push(`PathPrefix ${path.slice(0, end)}`);
  }
  return keys.some((key) => {
    const routes = takers.get(key);
    return routes !== undefined && (routes.size > 1 || !routes.has(route));
  });
}
