/**
 * Checks what routes say of one another and of the services: names, backend references, user keys, retries.
 */

import { backendRefsOf } from '../../build/route.ts';
import { sure } from '../../build/values.ts';
import { DEFAULT_RATE, DEFAULT_WEIGHT } from '../../defaults.ts';
import { type Fault, quote } from '../../problems/fault.ts';
import type { Path, Report } from '../../problems/report.ts';
import { parseDuration } from '../../scalars/duration.ts';
import type { RouteInput, StickyInput } from '../../schema.ts';
import { type Draft, isSound } from '../draft.ts';
import { checkUnique } from '../lists.ts';
import { resolveVersion } from '../references.ts';

/** Reports duplicate names, references to nothing, and weights that send nothing anywhere. */
export function checkRoutes(draft: Draft, report: Report): void {
  const names = new Map<string, Path>();
  for (const [index, route] of draft.routes.entries()) {
    if (route === null) continue;
    const path: Path = ['routes', index];
    checkName(route, path, names, report);
    if (draft.fleet === undefined) checkScopes(route, path, report);
    if (draft.color !== null && draft.color?.jwt === undefined) checkTokenKeys(route, path, report);
    if (isSound(draft, index)) continue;
    if (route.sticky !== undefined) checkUserKey(route.sticky, [...path, 'sticky'], report);
    checkBackends(route, path, draft.services, report);
    checkRateLimits(route, path, report);
    checkUnique(route.retry?.codes ?? [], [...path, 'retry', 'codes'], report, (code) => code);
    const protocols = route.upgrade?.protocols ?? [];
    checkUnique(protocols, [...path, 'upgrade', 'protocols'], report, (protocol) => protocol.toLowerCase());
  }
}

function checkName(route: RouteInput, path: Path, names: Map<string, Path>, report: Report): void {
  const first = names.get(route.name);
  if (first === undefined) names.set(route.name, path);
  else {
    const got = `${quote(route.name)}, the name of ${report.nameOf(first)}`;
    report.add([...path, 'name'], { kind: 'duplicateRoute', expected: 'a route name of its own', got });
  }
}

/** Reports a user key without a source, or with two for one place. */
export function checkUserKey(sticky: StickyInput, path: Path, report: Report): void {
  const { header, cookie, clientIp, clientIdentity, jwt } = sticky;
  const firsts = [header !== undefined && 'header', clientIdentity === true && 'clientIdentity', jwt === true && 'jwt'];
  const named = firsts.filter((name) => name !== false);
  if (named.length > 1) {
    const expected = 'one of header, clientIdentity and jwt';
    report.add([...path, named.at(-1) as string], { kind: 'identityTwice', expected, got: named.join(' and ') });
  }
  if (named.length > 0 || cookie !== undefined || clientIp === true) return;
  const hint = `name one, or remove ${path.at(-1)}`;
  report.add(path, {
    kind: 'stickyEmpty',
    expected: 'a header, a cookie, clientIp: true, clientIdentity: true or jwt: true',
    got: 'none',
    hint,
  });
}

function checkRateLimits({ rateLimits = [], sticky }: RouteInput, path: Path, report: Report): void {
  const names = rateLimits.map(({ name = DEFAULT_RATE.name }) => name);
  checkUnique(names, [...path, 'rateLimits'], report, (name) => name);
  for (const [index, { per }] of rateLimits.entries()) {
    if (sure(parseDuration(per)) % 1000 === 0) continue;
    const expected = 'whole seconds, as answers tell clients';
    report.add([...path, 'rateLimits', index, 'per'], { kind: 'duration', expected });
  }
  if (sticky !== undefined || !rateLimits.some(({ by }) => by === 'user')) return;
  const hint = 'it says which header, cookie or address tells users apart';
  report.add([...path, 'sticky'], { kind: 'missing', expected: 'sticky, which a limit by user needs', hint });
}

/** There is no fleet. */
function checkScopes({ rateLimits = [] }: RouteInput, path: Path, report: Report): void {
  for (const [index, { scope }] of rateLimits.entries()) {
    if (scope !== 'fleet') continue;
    const expected = 'gateway, as there is no fleet that could count together';
    const hint = 'fleet says over which Redis the gateways do';
    report.add([...path, 'rateLimits', index, 'scope'], { kind: 'missing', expected, hint });
  }
}

function checkTokenKeys({ sticky, experiments = [] }: RouteInput, path: Path, report: Report): void {
  const expected = 'color.jwt, which says whose tokens count';
  const check = (key: StickyInput | undefined, place: Path): void => {
    if (key?.jwt === true) report.add([...place, 'jwt'], { kind: 'missing', expected, got: 'none' });
  };
  check(sticky, [...path, 'sticky']);
  for (const [index, { key }] of experiments.entries()) check(key, [...path, 'experiments', index, 'key']);
}

function checkBackends(route: RouteInput, path: Path, services: Draft['services'], report: Report): void {
  if (!checkPresence(route, path, report)) return;
  const seen = new Set<string>();
  let weightSum = 0;
  for (const [index, ref] of backendRefsOf(route).entries()) {
    const refPath = [...path, 'backendRefs', index];
    weightSum += ref.weight ?? DEFAULT_WEIGHT;
    const version = resolveVersion(ref, refPath, services, report);
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

/** Whether there are references to check: a route redirects or sends somewhere, never both and never neither. */
function checkPresence(route: RouteInput, path: Path, report: Report): boolean {
  const redirects = (route.filters ?? []).some(({ type }) => type === 'RequestRedirect');
  const sends = route.backendRefs !== undefined;
  if (!redirects && !sends) {
    const hint = 'only a route with a RequestRedirect filter has none';
    report.add([...path, 'backendRefs'], { kind: 'missing', expected: 'a list', hint });
  }
  if (redirects && sends) {
    const expected = 'no backendRefs beside a RequestRedirect filter';
    const hint = 'a redirect is answered by the gateway: nothing is sent on';
    report.add([...path, 'backendRefs'], { kind: 'redirectBackends', expected, hint }, 'key');
  }
  return sends;
}
