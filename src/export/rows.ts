/**
 * What many families go through, made once for each reading: on a page of 10,000 routes, twenty of them have a sample of every
 * version, and their labels are one object, which writers render once.
 */

import type { EndpointStatus, RouteState } from '../model/status.ts';
import type { Labels } from './family.ts';
import type { RouteReading, VersionReading } from './source.ts';

/** A version on a route. */
export interface VersionRow {
  readonly route: RouteReading;
  readonly version: VersionReading;
  /** `route`, `service` and `version`. */
  readonly labels: Labels;
}

/** A version, by one of the routes that lead to it: its limit and its breaker are the same by whatever route requests come. */
export interface ServiceRow {
  readonly version: VersionReading;
  /** `service` and `version`. */
  readonly labels: Labels;
}

/** An endpoint of a version, which may stand on many routes: its numbers are the same there. */
export interface EndpointRow {
  readonly endpoint: EndpointStatus;
  /** `endpoint`, `service` and `version`. */
  readonly labels: Labels;
}

/** Versions of all routes, in their order. */
export function* versionRows(traffic: Iterable<RouteReading>): Generator<VersionRow> {
  for (const route of traffic) {
    for (const version of route.versions) {
      const { service, version: name } = version;
      yield { route, version, labels: { route: route.route, service, version: name } };
    }
  }
}

/** Every version once. */
export function* serviceRows(rows: Iterable<VersionRow>): Generator<ServiceRow> {
  const seen = new Set<string>();
  for (const { version } of rows) {
    const { service, version: name } = version;
    const key = `${service}/${name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield { version, labels: { service, version: name } };
  }
}

/** Every endpoint of every version once. */
export function* endpointRows(routes: Iterable<RouteState>): Generator<EndpointRow> {
  const seen = new Set<string>();
  for (const route of routes) {
    for (const { service, version, endpoints } of route.versions) {
      for (const endpoint of endpoints) {
        const key = `${service}/${version}/${endpoint.address}`;
        if (seen.has(key)) continue;
        seen.add(key);
        yield { endpoint, labels: { endpoint: endpoint.address, service, version } };
      }
    }
  }
}
