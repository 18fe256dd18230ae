/**
 * Metric families of a fleet: none of them has a sample on a gateway that is on its own.
 */

import type { FleetStatus } from '../../model/threads/fleet.ts';
import type { Family, Sample } from '../family.ts';

const MODES: readonly FleetStatus['mode'][] = ['joining', 'fleet', 'alone'];

/** The one label of those families that have any. */
const LABELS: Readonly<Record<string, string>> = {
  sluice_fleet_mode: 'mode',
  sluice_fleet_exchanges_total: 'result',
  sluice_fleet_messages_total: 'what',
  sluice_fleet_leader: 'route',
  sluice_fleet_token: 'route',
  sluice_fleet_rate_exchanges_total: 'result',
  sluice_fleet_rate_keys: 'what',
};

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
  of(
    'sluice_fleet_rates_shared',
    '1 while the rate limits of the fleet are counted together, 0 while this gateway counts by itself',
    'gauge',
    function* ({ rates: { limits, mode } }) {
      if (limits > 0) yield { labels: {}, value: mode === 'shared' ? 1 : 0 };
    },
  ),
  of(
    'sluice_fleet_rate_exchanges_total',
    'Exchanges of counts for rate limits with Redis, done and failed',
    'counter',
    function* ({ rates: { limits, exchanges } }) {
      if (limits === 0) return;
      yield { labels: { result: 'done' }, value: exchanges.done };
      yield { labels: { result: 'failed' }, value: exchanges.failed };
    },
  ),
  of(
    'sluice_fleet_rate_keys',
    'Keys of the newest exchange of counts: told, and left for the next one',
    'gauge',
    function* ({ rates: { limits, keys, keysLeft } }) {
      if (limits === 0) return;
      yield { labels: { what: 'told' }, value: keys };
      yield { labels: { what: 'left' }, value: keysLeft };
    },
  ),
  of(
    'sluice_fleet_rate_keys_refused_total',
    'Keys that Redis had no room for, exchange by exchange: each gateway counts them alone',
    'counter',
    function* ({ rates: { limits, keysRefused } }) {
      if (limits > 0) yield { labels: {}, value: keysRefused };
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
    ...(LABELS[name] === undefined ? {} : { labels: [LABELS[name]] }),
    *collect({ status }) {
      if (status.fleet !== null) yield* collect(status.fleet);
    },
  };
}
