/** A process that stands still is not cut off, on a real Redis. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALONE_MS } from '#src/fleet/node.ts';
import { LEASE_MS, startMembers } from '../../support/stores/fleet/member.ts';
import { cannotRun, REDIS } from '../../support/stores/server.ts';

/** The thread does nothing, and hears nothing. */
function standStill(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs);
}

test('a gateway that stood still goes on where it was, and is never alone', { skip: cannotRun(REDIS) }, async (t) => {
  const members = await startMembers();
  t.after(() => members.end());
  const member = await members.join('one');
  await member.leads();
  await member.until('starts', () => {
    if (member.state() === 'idle') void member.command('start');
    return member.state() === 'progressing';
  });
  standStill(ALONE_MS + LEASE_MS);
  member.turn();
  assert.equal(member.rollouts.fleet.status()?.mode, 'fleet');
  await member.leads();
  assert.deepEqual([member.told('fleet_alone'), member.told('pause')], [[], []]);
  assert.equal(member.state(), 'progressing');
});
