/**
 * What families that grow go through row by row, with the labels of each row. Rows stay as long as the configuration: their
 * numbers are live, and their labels are rendered once, not at every scrape.
 *
 * A page of 10,000 routes with two versions goes through the versions some twenty times. Cost: about 1 KB for each version on a
 * route, from the first scrape on.
 */

import type { EndpointStatus, RouteState, VersionState } from '../model/status.ts';
import { LabelSet } from './exposition/labels.ts';
import type { RouteReading, SloReading, VersionReading } from './source.ts';

/** All rows that stay. */
export interface Rows {
  readonly traffic: readonly RouteRow[];
  readonly versions: readonly VersionRow[];
  readonly services: readonly ServiceRow[];
  readonly states: readonly StateRow[];
  readonly slos: readonly SloRow[];
}

export interface RouteRow {
  readonly route: RouteReading;
  /** `route`. */
  readonly labels: LabelSet;
}

/** A version on a route. */
export class VersionRow {
  readonly route: RouteReading;
  readonly version: VersionReading;
  /** `route`, `service` and `version`. */
  readonly labels: LabelSet;
  #durationLabels: LabelSet | null = null;

  constructor(route: RouteReading, version: VersionReading) {
    this.route = route;
    this.version = version;
    this.labels = new LabelSet({ route: route.route, service: version.service, version: version.version });
  }

  /** Those of OpenTelemetry's histogram: `http_route`, `route`, `service` and `service_version`. */
  get durationLabels(): LabelSet {
    const { route, httpRoute } = this.route;
    const { service, version } = this.version;
    return (this.#durationLabels ??= new LabelSet({ http_route: httpRoute, route, service, service_version: version }));
  }
}

/** A version, by one of the routes that lead to it: its limit and its breaker are the same by whatever route requests come. */
export interface ServiceRow {
  readonly version: VersionReading;
  /** `service` and `version`. */
  readonly labels: LabelSet;
}

/** Weights and more of a route. */
export interface StateRow {
  readonly state: RouteState;
  /** `route`, `service` and `version`, in the order of `state.versions`. */
  readonly labels: readonly LabelSet[];
}

export interface SloRow {
  readonly slo: SloReading;
  /** `scope`, `name` and `sli`. */
  readonly labels: LabelSet;
  /** `scope` and `name`: what the objectives of a route share. */
  readonly owner: LabelSet;
}

/** An endpoint of a version, which may stand on many routes: its numbers are the same there. */
export interface EndpointRow {
  readonly endpoint: EndpointStatus;
  /** `endpoint`, `service` and `version`. */
  readonly labels: LabelSet;
}

/** Routes, in their order. */
export function* routeRows(traffic: Iterable<RouteReading>): Generator<RouteRow> {
  for (const route of traffic) yield { route, labels: new LabelSet({ route: route.route }) };
}

/** Versions of all routes, in their order. */
export function* versionRows(traffic: Iterable<RouteRow>): Generator<VersionRow> {
  for (const { route } of traffic) for (const version of route.versions) yield new VersionRow(route, version);
}

/** Every version once. */
export function* serviceRows(rows: Iterable<VersionRow>): Generator<ServiceRow> {
  const seen = new Set<string>();
  for (const { version } of rows) {
    const { service, version: name } = version;
    const key = `${service}/${name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    yield { version, labels: new LabelSet({ service, version: name }) };
  }
}

/** States of all routes. @param versions whose labels are the same */
export function* stateRows(states: Iterable<RouteState>, versions: Iterable<VersionRow>): Generator<StateRow> {
  const known = new Map<string, LabelSet>();
  for (const { route, version, labels } of versions) {
    known.set(`${route.route}/${version.service}/${version.version}`, labels);
  }
  for (const state of states) {
    const { name: route, versions: its } = state;
    const labels = its.map(
      ({ service, version }) =>
        known.get(`${route}/${service}/${version}`) ?? new LabelSet({ route, service, version }),
    );
    yield { state, labels };
  }
}

/** Objectives, in their order. */
export function* sloRows(slos: Iterable<SloReading>): Generator<SloRow> {
  for (const slo of slos) {
    const { scope, name, indicator } = slo;
    yield { slo, labels: new LabelSet({ scope, name, sli: indicator }), owner: new LabelSet({ scope, name }) };
  }
}

/** Every version once, by the state of one of its routes: who has its endpoints. */
export function* endpointHolders(states: Iterable<StateRow>): Generator<VersionState> {
  const seen = new Set<string>();
  for (const { state } of states) {
    for (const version of state.versions) {
      const key = `${version.service}/${version.version}`;
      if (seen.has(key)) continue;
      seen.add(key);
      yield version;
    }
  }
}

/** Endpoints of versions, as they are now. */
export function* endpointRows(holders: Iterable<VersionState>): Generator<EndpointRow> {
  for (const { service, version, endpoints } of holders) {
    for (const endpoint of endpoints) {
      yield { endpoint, labels: new LabelSet({ endpoint: endpoint.address, service, version }) };
    }
  }
}
