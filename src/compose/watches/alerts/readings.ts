/**
 * Reads from the parts of a running gateway what may be wrong with it, and what a day was like.
 */

import { hostname } from 'node:os';
import type { Day } from '../../../export/alerts/digest.ts';
import { bothClocks } from '../../../lib/clock.ts';
import { GATEWAY_CELL } from '../../../model/tallies.ts';
import type { Current } from '../../../snapshot/store.ts';
import type { Insight } from '../../admin.ts';
import type { Readings, RolloutReading } from './conditions.ts';

/** What names this gateway in what it tells: its name in the fleet, else the machine's. */
export function nameOf({ config }: Current): string {
  return config.fleet?.member ?? hostname();
}

/** What may be wrong now. */
export function readingsOf(insight: Insight, current: Current): Readings {
  const { store, objectives, configuration, revisions, drifts, health, watches, totals, tls, durable, accessLog } =
    insight;
  const gateway = nameOf(current);
  const sources = configuration.sources();
  return {
    nowMs: bothClocks().nowMs,
    gateway,
    fleet: current.config.fleet?.name ?? gateway,
    objectives: objectives.slos.troubles(),
    missed: (route) => accessLog.samples.of(route),
    rollouts: rolloutsOf(insight, current),
    config: store.status().last,
    revisions: revisions.status(configuration.reading.sources),
    drifts: drifts.standings,
    down: health.down,
    sources,
    saturation: watches.saturation.status(totals.of(GATEWAY_CELL).shed),
    tls: tls.status(),
    state: durable.status,
  };
}

function rolloutsOf({ rollouts }: Insight, { config }: Current): RolloutReading[] {
  return config.routes.flatMap(({ name: route, rollout, backendRefs }): RolloutReading[] => {
    const standing = rollout === null ? null : rollouts.standing(route);
    if (rollout === null || standing === null) return [];
    const { canary } = rollout;
    const service = backendRefs.find(({ version }) => version === canary)?.service ?? '';
    const decision = standing.state.kind === 'rolled-back' ? (rollouts.saved(route)?.decision ?? null) : null;
    return [{ route, service, canary, ...standing, decision, role: rollouts.fleet.guide.roleOf(route) }];
  });
}

/** What a digest is made of. */
export function dayOf({ objectives, rollouts }: Insight, active: number): Day {
  return { slos: objectives.slos.status(bothClocks()), decisions: rollouts.decisions, active };
}
