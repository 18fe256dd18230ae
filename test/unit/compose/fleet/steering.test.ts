/** What the fleet asks of a rollout, and how often, on virtual time; with a real Redis, integration/fleet/starts.test.ts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Steering } from '#src/compose/fleet/steering.ts';
import type { Log } from '#src/lib/log.ts';
import type { RolloutState } from '#src/model/rollout.ts';
import type { FleetRole } from '#src/model/threads/fleet.ts';

const PROGRESSING: RolloutState = { kind: 'progressing', step: 0, sinceMs: 0, waitingSinceMs: 0 };
const NODE = { enter: () => Promise.resolve(''), mayStart: () => false, isLedElsewhere: () => false };

/** A rollout that is paused when it is told so, and does not go on. */
class Rig {
  nowMs = 0;
  state: RolloutState = PROGRESSING;
  readonly commands: string[] = [];
  readonly steering = new Steering({
    log: { warn: () => undefined } as unknown as Log,
    command: ({ name, reason }) => {
      this.commands.push(name);
      if (name === 'pause') {
        this.state = { kind: 'paused', step: 0, sinceMs: 0, pausedAtMs: 0, by: 'person', because: reason };
      }
      return { kind: 'refused', detail: 'the budget is spent' };
    },
    stateOf: () => this.state,
    failed: () => assert.fail(),
    nowMs: () => this.nowMs,
  });

  turns(count: number, role: FleetRole): void {
    for (let n = 0; n < count; n++) {
      this.nowMs += 100;
      this.steering.turn('shop', role, NODE);
    }
  }
}

test('a rollout that may not go on yet is asked again once a minute', () => {
  const rig = new Rig();
  rig.turns(5, 'alone');
  assert.deepEqual(rig.commands, ['pause']);
  rig.turns(599, 'leader');
  assert.deepEqual(rig.commands, ['pause', 'resume']);
  rig.turns(2, 'leader');
  assert.deepEqual(rig.commands, ['pause', 'resume', 'resume']);
  rig.state = PROGRESSING;
  rig.turns(1, 'leader');
  rig.turns(1, 'alone');
  rig.turns(1, 'leader');
  assert.deepEqual(rig.commands.slice(3), ['pause', 'resume'], 'another pause is another matter');
});

test('a window that is lost pauses what goes on, and nothing else', () => {
  const rig = new Rig();
  for (let n = 0; n < 3; n++) rig.steering.windowLost('shop', 'other/abc');
  assert.deepEqual(rig.commands, ['pause']);
  assert.match(rig.state.kind === 'paused' ? rig.state.because : '', /that of other\/abc/);
  rig.state = { kind: 'idle' };
  rig.steering.windowLost('shop', 'other/abc');
  assert.deepEqual(rig.commands, ['pause']);
  rig.state = { kind: 'baking', step: 1, sinceMs: 0 };
  rig.steering.windowLost('shop', 'other/abc');
  assert.deepEqual(rig.commands, ['pause', 'pause']);
});
