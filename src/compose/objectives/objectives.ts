/**
 * Composition of what the gateway does for objectives: counts and alerts, who is behind a breach, who is refused first, what
 * follows from a low score.
 */

import { bothClocks, nowMs } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { EndpointHealth, EndpointState } from '../../model/health.ts';
import type { Region } from '../../proxy/threads/workers.ts';
import { SloEngine } from '../../slo/budget/engine.ts';
import type { EndpointTotalsReader } from '../../slo/totals/endpoint-totals.ts';
import type { Totals } from '../../slo/totals/totals.ts';
import { type Dials, getDial } from '../../snapshot/dials.ts';
import { objectivesOf } from '../../snapshot/objectives.ts';
import type { Current } from '../../snapshot/store.ts';
import { Attribution } from './breaches.ts';
import { Shedding } from './shedding.ts';
import { Strains } from './strains.ts';
import { SurroundingsReader } from './surroundings.ts';

/** States of endpoints that get no traffic. */
const OUT: ReadonlySet<EndpointState> = new Set(['ejected', 'unhealthy']);

export interface ObjectivesDeps {
  readonly log: Log;
  readonly dials: Dials;
  readonly totals: Totals;
  readonly endpointTotals: EndpointTotalsReader;
  readonly healthOf: (endpoint: number) => EndpointHealth;
  /** The share of requests that the access log writes changed somewhere (`strains.logged`). */
  readonly logMore: () => void;
  /** Hears of a defect in the turn of one route's or service's objectives; absent: it is thrown on. */
  readonly broken?: (source: string, error: unknown) => void;
}

export class Objectives {
  readonly slos: SloEngine;
  readonly shedding: Shedding;
  readonly strains: Strains;
  readonly #surroundings: SurroundingsReader;
  #workers = 0;
  readonly #log: Log;
  readonly #attribution: Attribution;
  /** Who is behind a rollback of a route's canary, in words. */
  readonly explain: Attribution['explain'];

  constructor({ log, dials, totals, endpointTotals, healthOf, logMore, broken }: ObjectivesDeps) {
    this.#log = log;
    this.#surroundings = new SurroundingsReader({
      isOut: (endpoint) => OUT.has(healthOf(endpoint).state),
      breaker: (cell) => totals.of(cell).breaker,
      workers: () => this.#workers,
      weightOf: (dial) => getDial(dials, dial),
    });
    this.slos = new SloEngine(this.#surroundings.of, broken);
    this.strains = new Strains({ log, logMore });
    this.#attribution = new Attribution(totals, endpointTotals);
    this.explain = this.#attribution.explain;
    this.shedding = new Shedding({
      log,
      dials,
      leftOf: (route, atMs) => this.slos.leftOf(route, atMs),
      takeMoved: () => this.slos.takeMoved(),
      cutOf: (version) => this.strains.cutOf(version),
    });
  }

  /** Takes in a configuration that is in force. */
  follow(current: Current): void {
    this.#attribution.follow(current);
    const sources = objectivesOf(current.config, current.snapshot);
    this.#surroundings.follow(current, sources);
    this.slos.follow(sources);
    this.strains.follow(current, this.slos.strained());
    this.shedding.follow(current, nowMs());
  }

  /** Takes in what objectives count. @param wantsAll of every source, also when it is not their turn */
  look(regions: readonly Region[], wantsAll: boolean): void {
    this.#workers = regions.length;
    for (const alert of this.slos.turn(regions, bothClocks(), wantsAll)) {
      this.#log.warn('slo_alert', { ...this.#attribution.alert(alert) });
    }
  }

  /** One turn of the loop, after `look`. */
  turn(regions: readonly Region[], atMs: number): void {
    this.#attribution.turn(atMs);
    this.strains.turn(this.slos.strained());
    this.shedding.turn(regions, atMs);
  }
}
