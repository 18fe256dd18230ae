/**
 * Finds the version that a reference to a service means, and reports references to nothing.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { backendRefsOf, versionOf } from '../build/route.ts';
import { didYouMean, type Fault, quote } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import type { BackendRefInput, RouteInput } from '../schema.ts';
import type { Draft } from './draft.ts';

/** The version a reference at `path` means; null, with a report where it is certain, when there is none. */
export function resolveVersion(
  ref: Pick<BackendRefInput, 'name' | 'version'>,
  path: Path,
  services: Draft['services'],
  report: Report,
): string | null {
  if (services === null) return ref.version ?? null;
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

/** By route: they are asked for several times at every change of one. */
const servicesByRoute = new WeakMap<RouteInput, readonly string[]>();

/** Names of the services that a route sends to, copies and fallbacks included. */
export function servicesOf(route: RouteInput): readonly string[] {
  const known = servicesByRoute.get(route) ?? namesOf(route);
  servicesByRoute.set(route, known);
  return known;
}

function namesOf(route: RouteInput): string[] {
  const mirrors = (route.filters ?? []).flatMap(({ requestMirror }) => requestMirror?.backendRef.name ?? []);
  const fallbacks = (route.fallback ?? []).flatMap(({ service }) => service?.name ?? []);
  return [...backendRefsOf(route).map((ref) => ref.name), ...mirrors, ...fallbacks];
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
