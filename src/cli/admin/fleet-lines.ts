/**
 * The fleet in lines of text, for `sluice status`.
 */

import type { FleetStatus } from '../../model/threads/fleet.ts';

/** None for a gateway that is on its own. */
export function fleetLines(fleet: FleetStatus | null): string[] {
  if (fleet === null) return [];
  const { name, member, mode, because, members, exchangedMs, rollouts, rates } = fleet;
  const others = members.slice(1).map((one) => one.member);
  const heard = exchangedMs === null ? 'never exchanged' : `exchanged ${(exchangedMs / 1000).toFixed(1)} s ago`;
  const alone = mode === 'alone' ? `  judges its own traffic only${because === '' ? '' : `: ${because}`}` : '';
  const head = `fleet    ${name}  ${member}  ${mode}  with ${others.length === 0 ? 'nobody' : others.join(', ')}  ${heard}${alone}`;
  return [head, ...rollouts.map(rolloutLine), ...ratesLines(rates)];
}

/** None where no limit is the fleet's. */
function ratesLines({ limits, mode, because, keys, keysLeft, keysRefused }: FleetStatus['rates']): string[] {
  if (limits === 0) return [];
  const counted =
    mode === 'local' ? `counted by this gateway alone: ${because}` : `counted together, ${keys} keys at last`;
  const wait = keysLeft === 0 ? '' : `, ${keysLeft} wait`;
  const refused = keysRefused === 0 ? '' : `, Redis had no room for ${keysRefused} since the start`;
  return [`         rate limits  ${counted}${wait}${refused}`];
}

function rolloutLine({ route, role, leader, token, run, window }: FleetStatus['rollouts'][number]): string {
  const held = typeof window === 'string' ? '' : `  window taken by ${window.takenBy}`;
  const who = role === 'leader' ? 'led here' : `led by ${leader ?? 'nobody'}`;
  return `         ${route}  ${who}  token ${token}  run ${run}${window === 'held' ? '  window held' : held}`;
}
