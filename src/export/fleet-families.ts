/**
 * Metric families of a fleet: none of them has a sample on a gateway that is on its own.
 */

import type { FleetStatus } from '../model/threads/fleet.ts';
import type { Family, Sample } from './family.ts';

const MODES: readonly FleetStatus['mode'][] = ['joining', 'fleet', 'alone'];

export const FLEET_FAMILIES: readonly Family[] = [
  of(
    'sluice_fleet_mode',
    '1 for how this gateway decides: joining, with its fleet, or alone',
    'gauge',
    function* ({ mode }) {
      for (const one of MODES) yield { labels: { mode: one }, value: mode === one ? 1 : 0 };
    },
  ),
  of(
    'sluice_fleet_members',
    'Gateways of the fleet that were heard of lately, this one included',
    'gauge',
    function* (fleet) {
      yield { labels: {}, value: fleet.members.length };
    },
  ),
  of(
    'sluice_fleet_exchange_age_seconds',
    'Time since the last complete exchange with Redis',
    'gauge',
    function* (fleet) {
      if (fleet.exchangedMs !== null) yield { labels: {}, value: fleet.exchangedMs / 1000 };
    },
  ),
  of(
    'sluice_fleet_exchanges_total',
    'Exchanges with Redis, and questions to it that failed',
    'counter',
    function* (fleet) {
      yield { labels: { result: 'done' }, value: fleet.exchanges.done };
      yield { labels: { result: 'failed' }, value: fleet.exchanges.failed };
    },
  ),
  of(
    'sluice_fleet_messages_total',
    'Messages with evidence: sent, taken in, and refused',
    'counter',
    function* (fleet) {
      for (const what of ['sent', 'taken', 'refused'] as const) {
        yield { labels: { what }, value: fleet.messages[what] };
      }
    },
  ),
  of('sluice_fleet_leader', '1 while this gateway leads the rollout of a route', 'gauge', function* ({ rollouts }) {
    for (const { route, role } of rollouts) yield { labels: { route }, value: role === 'leader' ? 1 : 0 };
  }),
  of(
    'sluice_fleet_token',
    'Fencing token of the newest word on the rollout of a route',
    'gauge',
    function* ({ rollouts }) {
      for (const { route, token } of rollouts) yield { labels: { route }, value: token };
    },
  ),
];

function of(
  name: string,
  help: string,
  type: Family['type'],
  collect: (fleet: FleetStatus) => Generator<Sample>,
): Family {
  return {
    name,
    help,
    type,
    *collect({ status }) {
      if (status.fleet !== null) yield* collect(status.fleet);
    },
  };
}
