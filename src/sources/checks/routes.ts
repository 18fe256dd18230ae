/**
 * Checks what routes say of one another and of the services: names, matches, backend references, user keys.
 */

import { similarTo } from '../../lib/similar.ts';
import type { RouteMatch } from '../../model/config.ts';
import { buildHostnames, buildMatches, DEFAULT_WEIGHT, versionOf } from '../build.ts';
import { didYouMean, type Fault, quote } from '../problems/fault.ts';
import { formatPath, type Path, type Report } from '../problems/report.ts';
import type { RouteInput, ServiceInput } from '../schema.ts';
import type { Draft } from './draft.ts';

/** Reports duplicate names and matches, references to nothing, and weights that send nothing anywhere. */
export function checkRoutes(draft: Draft, report: Report): void {
  const names = new Map<string, Path>();
  const matches = new Map<string, Path>();
  for (const [index, route] of draft.routes.entries()) {
    if (route === null) continue;
    const path: Path = ['routes', index];
    checkName(route, path, names, report);
    checkMatches(route, path, matches, report);
    checkHeaders(route, path, report);
    checkSticky(route, path, report);
    checkBackends(route, path, draft.services, report);
  }
}

function checkName(route: RouteInput, path: Path, names: Map<string, Path>, report: Report): void {
  const first = names.get(route.name);
  if (first === undefined) names.set(route.name, path);
  else {
    const got = `${quote(route.name)}, the name of ${formatPath(first)}`;
    report.add([...path, 'name'], { kind: 'duplicateRoute', expected: 'a route name of its own', got });
  }
}

function checkMatches(route: RouteInput, path: Path, seen: Map<string, Path>, report: Report): void {
  const hostnames = buildHostnames(route);
  for (const [index, match] of buildMatches(route).entries()) {
    const matchPath = route.matches === undefined ? path : [...path, 'matches', index];
    const rest = keyOf(match);
    const keys = (hostnames.length === 0 ? [''] : hostnames).map((hostname) => `${hostname} ${rest}`);
    const twin = keys.map((key) => seen.get(key)).find((first) => first !== undefined);
    if (twin !== undefined) {
      const expected = 'a match that no other route has';
      report.add(matchPath, { kind: 'duplicateMatch', expected, got: `the same as ${formatPath(twin)}` });
    }
    for (const key of keys) if (!seen.has(key)) seen.set(key, matchPath);
  }
}

function keyOf({ path, method, headers }: RouteMatch): string {
  const sorted = headers.map((header) => `${header.name}: ${header.value}`).toSorted();
  return JSON.stringify([path.type, path.value, method, sorted]);
}

function checkHeaders(route: RouteInput, path: Path, report: Report): void {
  for (const [matchIndex, match] of (route.matches ?? []).entries()) {
    const seen = new Set<string>();
    for (const [index, header] of (match.headers ?? []).entries()) {
      const name = header.name.toLowerCase();
      const at = [...path, 'matches', matchIndex, 'headers', index, 'name'];
      if (seen.has(name)) report.add(at, { kind: 'duplicateHeader', expected: 'every header of a match once' });
      seen.add(name);
    }
  }
}

function checkSticky(route: RouteInput, path: Path, report: Report): void {
  if (route.sticky === undefined) return;
  const { header, cookie, clientIp } = route.sticky;
  if (header !== undefined || cookie !== undefined || clientIp === true) return;
  const hint = 'remove sticky to let every request choose by itself';
  report.add([...path, 'sticky'], {
    kind: 'stickyEmpty',
    expected: 'a header, a cookie or clientIp: true',
    got: 'none',
    hint,
  });
}

function checkBackends(route: RouteInput, path: Path, services: Draft['services'], report: Report): void {
  const seen = new Set<string>();
  let weightSum = 0;
  for (const [index, ref] of route.backendRefs.entries()) {
    const refPath = [...path, 'backendRefs', index];
    weightSum += ref.weight ?? DEFAULT_WEIGHT;
    const version = services === null ? (ref.version ?? null) : resolve(ref, refPath, services, report);
    if (version === null) continue;
    const key = `${ref.name}/${version}`;
    if (seen.has(key)) {
      const fault: Fault = { kind: 'duplicateBackend', expected: 'every version once', got: `${key} again` };
      report.add(refPath, fault);
    }
    seen.add(key);
  }
  if (weightSum > 0) return;
  const got = 'weights that are all 0';
  report.add([...path, 'backendRefs'], { kind: 'noWeight', expected: 'a weight above 0', got }, 'key');
}

/** The version a reference means; null, with a report where it is certain, when there is none. */
function resolve(
  ref: RouteInput['backendRefs'][number],
  path: Path,
  services: ReadonlyMap<string, ServiceInput | null>,
  report: Report,
): string | null {
  const service = services.get(ref.name);
  if (service === undefined) {
    report.add([...path, 'name'], unknown('unknownService', 'a service', ref.name, services.keys()));
    return null;
  }
  if (service === null) return ref.version ?? null;
  const versions = Object.keys(service.versions);
  const version = versionOf(ref, service);
  if (version === null) {
    const expected = `a version of ${ref.name}: ${versions.slice(0, 5).join(', ') || 'it has none'}`;
    report.add([...path, 'version'], { kind: 'versionNeeded', expected });
    return null;
  }
  if (versions.includes(version)) return version;
  report.add([...path, 'version'], unknown('unknownVersion', `a version of ${ref.name}`, version, versions));
  return null;
}

function unknown(
  kind: 'unknownService' | 'unknownVersion',
  what: string,
  name: string,
  known: Iterable<string>,
): Fault {
  const hint = (): string => {
    const similar = similarTo(name, known);
    return similar === null ? '' : didYouMean(similar);
  };
  return { kind, expected: `${what} that is defined`, got: quote(name), hint };
}
