/**
 * Composition of attribution: the routes of the snapshot, the totals of their versions and endpoints, alerts and rollbacks
 * that say who is behind them.
 */

import { nowMs } from '../../lib/clock.ts';
import type { AlertChange, Verdict } from '../../model/slo.ts';
import type { EndpointSpec, Snapshot } from '../../model/snapshot.ts';
import { Breaches, type BreachSpec } from '../../slo/budget/breach/breaches.ts';
import type { EndpointTotalsReader } from '../../slo/totals/endpoint-totals.ts';
import type { Totals } from '../../slo/totals/totals.ts';
import { isLatencyStronger } from '../../slo/verdict/verdict.ts';
import type { Current } from '../../snapshot/store.ts';

export class Attribution {
  readonly #breaches: Breaches;

  constructor(totals: Totals, endpointTotals: EndpointTotalsReader) {
    this.#breaches = new Breaches({
      cellOf: (cell) => totals.of(cell),
      endpointOf: (id) => ({ ...endpointTotals.of(id), ...endpointTotals.waitsOf(id) }),
    });
  }

  /** Takes in a configuration that is in force. */
  follow({ config, snapshot }: Current): void {
    const watched = new Set(
      config.routes.filter(({ slo, led }) => slo !== null || led !== undefined).map(({ name }) => name),
    );
    const services = new Set(config.services.filter(({ slo }) => slo !== null).map(({ name }) => name));
    const routes =
      watched.size + services.size === 0
        ? []
        : snapshot.routes.filter(
            ({ name, splits }) => watched.has(name) || splits.some(({ service }) => services.has(service)),
          );
    this.#breaches.follow(specsOf(snapshot, routes), nowMs());
  }

  /** One turn of the loop. */
  turn(atMs: number): void {
    this.#breaches.turn(atMs);
  }

  /** An alert that begins, with who is behind it. */
  alert(change: AlertChange): AlertChange {
    if (change.state !== 'firing' || change.scope === 'gateway') return change;
    const why = this.#breaches.explain(change, change.indicator, nowMs());
    return why === '' ? change : { ...change, sentence: `${change.sentence}; ${why}` };
  }

  /** Who is behind a rollback of a route's canary, in words. */
  readonly explain = (route: string, verdict: Verdict): string => {
    const indicator = isLatencyStronger(verdict) ? 'latency' : 'availability';
    return this.#breaches.explain({ scope: 'route', name: route }, indicator, nowMs());
  };
}

function specsOf({ endpoints }: Snapshot, routes: Snapshot['routes']): BreachSpec[] {
  const addressOf = (index: number) => {
    const { id, host, port } = endpoints[index] as EndpointSpec;
    return { id, address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}` };
  };
  return routes.map(({ name: route, splits }) => ({
    route,
    versions: splits.map(({ service, version, cell, targets }) => ({
      service,
      version,
      cell,
      endpoints: targets.endpoints.map(addressOf),
    })),
  }));
}
