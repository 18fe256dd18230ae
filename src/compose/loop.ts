/**
 * The loop of the control plane: what is done every 100 ms, stage by stage.
 *
 * ```
 * counts ▸ rollouts ▸ revisions ▸ objectives: look ▸ drifts ▸ objectives: turn ▸ endpoints ▸ counts of some routes
 * ```
 * What one stage throws costs that stage its turn and no other (docs/adr/0038).
 */

import type { Health } from '../health/health.ts';
import type { Log } from '../lib/log.ts';
import { rest } from '../lib/threads/rest.ts';
import type { Region } from '../proxy/threads/workers.ts';
import type { EndpointTotalsReader } from '../slo/totals/endpoint-totals.ts';
import type { Totals } from '../slo/totals/totals.ts';
import type { Store } from '../snapshot/store.ts';
import type { RevisionWatch } from './config/revisions/watch.ts';
import type { Drifts } from './objectives/drifts.ts';
import type { Objectives } from './objectives/objectives.ts';
import type { Rollouts } from './rollouts.ts';
import type { Defects } from './watches/defects.ts';

/**
 * Routes whose totals are taken each turn: 10,000 in 1,000 s, before any of the counters can wrap, which takes 4.2 million requests a
 * second until then. Whoever shows totals takes them itself.
 */
const ROUTES_PER_TURN = 1;

export interface LoopParts {
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly store: Pick<Store, 'current' | 'setDown'>;
  readonly totals: Pick<Totals, 'follow' | 'readSome'>;
  readonly endpointTotals: Pick<EndpointTotalsReader, 'follow'>;
  readonly rollouts: Pick<Rollouts, 'turn'>;
  readonly revisions: { readonly watch: Pick<RevisionWatch, 'turn'> };
  readonly objectives: Pick<Objectives, 'look' | 'turn'>;
  readonly drifts: Pick<Drifts, 'turn'>;
  readonly health: Pick<Health, 'turn'>;
  readonly watches: { readonly defects: Pick<Defects, 'contain'> };
}

export class Loop {
  readonly #parts: LoopParts;

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  /** One turn. @param isLast nothing of what was counted may be left for a later one */
  turn(regions: readonly Region[], atMs: number, isLast: boolean): void {
    const { store, totals, endpointTotals, rollouts, revisions, objectives, drifts, watches } = this.#parts;
    const contain: Defects['contain'] = (part, act) => {
      rest();
      watches.defects.contain(part, act);
    };
    contain('counts', () => totals.follow(regions));
    contain('counts', () => endpointTotals.follow(regions));
    contain('rollouts', () => rollouts.turn(atMs));
    contain('revisions', () => revisions.watch.turn(atMs));
    contain('objectives', () => objectives.look(regions, isLast));
    contain('drifts', () => drifts.turn(regions, atMs));
    contain('objectives', () => objectives.turn(regions, atMs));
    contain('endpoints', () => this.#lookAfterEndpoints(regions));
    contain('counts', () => totals.readSome(store.current?.snapshot.routes ?? [], ROUTES_PER_TURN));
  }

  /** The endpoint dials have moved already; here the changes are told, and versions that are down give up their weight. */
  #lookAfterEndpoints(regions: readonly Region[]): void {
    const { health, store, log } = this.#parts;
    const { endpoints, versions, down } = health.turn(regions);
    for (const change of endpoints) log.info('endpoint', { ...change });
    for (const change of versions) log.warn('version_endpoints', { ...change });
    for (const shift of down === null ? [] : store.setDown(down)) log.warn('version_weight', { ...shift });
  }
}
