/** Who counts at which thresholds, and whose evidence is taken in. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FleetEvidence } from '#src/compose/fleet/evidence.ts';
import type { LatencyDial } from '#src/model/latency.ts';
import { CELL, CELL_WORDS } from '#src/model/tallies.ts';
import type { FleetRole } from '#src/model/threads/fleet.ts';
import { SPEC } from '../../../support/simulate/detection.ts';
import { FakeWorker } from '../../../support/simulate/worker.ts';

const STABLE_MS = [1, 2, 3, 4, 5, 6];
const CANARY_MS = [2, 3, 4, 5, 6, 7];
const dial = (atEndMs: number[]): LatencyDial => ({ sinceMs: 5, atEndMs, inFlightMs: CANARY_MS });

function rig(role: FleetRole, id = 'one') {
  const dials = new Map<number, LatencyDial | null>();
  const now = { role, ms: 1000 };
  const weights = new Map([
    [SPEC.canary.dial, 5],
    [SPEC.stable.dial, 95],
  ]);
  const evidence = new FleetEvidence({
    id,
    setLatency: (unit, value) => void dials.set(unit, value),
    weightOf: (at) => weights.get(at) ?? assert.fail(),
    roleOf: () => now.role,
    nowMs: () => now.ms,
  });
  evidence.follow([SPEC]);
  return { evidence, dials, now, weights };
}

test('a leader’s thresholds are stored here and told to the others', () => {
  const { evidence, dials } = rig('leader');
  evidence.setLatency(SPEC.stable.unit, dial(STABLE_MS));
  assert.deepEqual([evidence.limitsOf(SPEC.route), evidence.takeChanged()], [null, []], 'half of them are none');
  evidence.setLatency(SPEC.canary.unit, dial(CANARY_MS));
  assert.deepEqual(evidence.limitsOf(SPEC.route), { id: 'one.1', stableMs: STABLE_MS, canaryMs: CANARY_MS });
  assert.deepEqual([evidence.takeChanged(), evidence.takeChanged()], [[SPEC.route], []]);
  assert.equal(dials.get(SPEC.canary.unit)?.sinceMs, 5);
  evidence.setLatency(SPEC.canary.unit, null);
  assert.deepEqual([evidence.limitsOf(SPEC.route), evidence.takeChanged()], [null, [SPEC.route]]);
});

test('a follower’s judge stores nothing; the leader’s thresholds hold', () => {
  const { evidence, dials, now } = rig('follower');
  evidence.setLatency(SPEC.stable.unit, dial(STABLE_MS));
  assert.equal(dials.size, 0);
  evidence.adoptLimits(SPEC.route, { id: 'two.7', stableMs: STABLE_MS, canaryMs: CANARY_MS });
  assert.deepEqual(dials.get(SPEC.stable.unit), { sinceMs: 1000, atEndMs: STABLE_MS, inFlightMs: CANARY_MS });
  assert.deepEqual(dials.get(SPEC.canary.unit), { sinceMs: 1000, atEndMs: CANARY_MS, inFlightMs: CANARY_MS });
  now.ms = 2000;
  evidence.adoptLimits(SPEC.route, { id: 'two.7', stableMs: STABLE_MS, canaryMs: CANARY_MS });
  assert.equal(dials.get(SPEC.stable.unit)?.sinceMs, 1000, 'the same ones are left alone');
  evidence.adoptLimits(SPEC.route, null);
  assert.deepEqual([...dials.values()], [null, null]);
});

test('evidence goes from a follower to the leader', () => {
  const [leader, follower] = [rig('leader'), rig('follower', 'two')];
  const worker = new FakeWorker(1);
  const send = (): boolean => {
    const self = { id: 'two', member: 'two', adminUrl: '' };
    const [message] = follower.evidence.messages([worker.region], self);
    assert.ok(message !== undefined);
    return leader.evidence.take(message);
  };
  const finished = (): number =>
    leader.evidence.others.region.tallies.cells[SPEC.canary.cell * CELL_WORDS + CELL.finished] as number;
  send();
  const { cell, unit } = SPEC.canary;
  worker.finish({ cell, unit, user: 1, isBad: false, nowMs: 900 });
  assert.deepEqual([send(), finished()], [true, 1]);
  leader.now.role = 'follower';
  worker.finish({ cell, unit, user: 2, isBad: false, nowMs: 900 });
  assert.deepEqual([send(), finished()], [true, 1], 'who does not lead takes nothing in');
});

test('evidence at another share of the canary is let pass, whatever its weight is', () => {
  const [leader, follower] = [rig('leader'), rig('follower', 'two')];
  const worker = new FakeWorker(1);
  const { cell, unit } = SPEC.canary;
  const taken = (): number => {
    worker.finish({ cell, unit, user: 1, isBad: false, nowMs: 900 });
    const [message] = follower.evidence.messages([worker.region], { id: 'two', member: 'two', adminUrl: '' });
    assert.ok(message !== undefined);
    assert.equal(leader.evidence.take(message), true);
    return leader.evidence.others.region.tallies.cells[SPEC.canary.cell * CELL_WORDS + CELL.finished] as number;
  };
  assert.deepEqual([taken(), taken()], [0, 1]);
  follower.weights.set(SPEC.stable.dial, 45);
  assert.deepEqual([taken(), taken()], [1, 1], 'the same weight is twice the share beside half of stable');
  follower.weights.set(SPEC.canary.dial, 10).set(SPEC.stable.dial, 190);
  assert.deepEqual([taken(), taken()], [1, 2], 'the same share of another sum');
});
