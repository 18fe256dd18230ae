/** A fleet's status, for tests of what shows it. */

import type { FleetStatus } from '#src/model/threads/fleet.ts';

export function sampleFleet(changes: Partial<FleetStatus> = {}): FleetStatus {
  return {
    name: 'edge',
    member: 'one',
    mode: 'fleet',
    because: '',
    exchangedMs: 300,
    exchanges: { done: 7, failed: 1 },
    messages: { sent: 30, taken: 20, refused: 2 },
    members: [
      { id: 'one-1', member: 'one', adminUrl: 'http://127.0.0.1:1', heardMs: 0 },
      { id: 'two-1', member: 'two', adminUrl: 'http://127.0.0.1:2', heardMs: 90 },
    ],
    rollouts: [
      { route: 'shop', role: 'leader', leader: 'one', token: 17, run: 1, window: 'held' },
      { route: 'cart', role: 'follower', leader: 'two', token: 18, run: 0, window: { takenBy: 'shop/abc' } },
    ],
    rates: {
      limits: 2,
      mode: 'shared',
      because: '',
      exchanges: { done: 40, failed: 3 },
      keys: 12,
      keysLeft: 1,
      keysRefused: 4,
    },
    ...changes,
  };
}
