/** Who counts at which thresholds, and whose evidence is taken in. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FleetEvidence, MESSAGES_MAX } from '#src/compose/fleet/evidence.ts';
import type { Region } from '#src/fleet/evidence/region.ts';
import type { EvidenceMessage } from '#src/fleet/evidence/words.ts';
import type { LatencyDial } from '#src/model/latency.ts';
import { type RolloutRoute, type RolloutSpec, routesOf } from '#src/model/rollout.ts';
import { CELL, CELL_WORDS, ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import type { FleetRole } from '#src/model/threads/fleet.ts';
import { SEVERAL, SPEC } from '../../../support/simulate/detection.ts';
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

/** The next message about the only rollout, in whichever turn it is. */
function messageOf(evidence: FleetEvidence, region: Region): EvidenceMessage {
  const self = { id: 'two', member: 'two', adminUrl: '' };
  const [message = evidence.messages([region], self)[0]] = evidence.messages([region], self);
  return message ?? assert.fail('no message in two turns');
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
  const send = (): boolean => leader.evidence.take(messageOf(follower.evidence, worker.region));
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

test('endpoints that come and go begin nothing anew, and what was told of them is asked for by address', () => {
  const [leader, follower] = [rig('leader'), rig('follower', 'two')];
  const worker = new FakeWorker(1);
  const having = (slot: number, address: string): RolloutSpec => {
    return { ...SPEC, canary: { ...SPEC.canary, endpoints: [slot], addresses: [address] } };
  };
  follower.evidence.follow([having(3, '10.0.0.3:80')]);
  leader.evidence.setLatency(SPEC.stable.unit, dial(STABLE_MS));
  leader.evidence.setLatency(SPEC.canary.unit, dial(CANARY_MS));
  const send = (): boolean => leader.evidence.take(messageOf(follower.evidence, worker.region));
  send();
  leader.evidence.follow([having(1, '10.0.0.1:80')]);
  assert.equal(leader.evidence.limitsOf(SPEC.route)?.id, 'one.1');
  Atomics.add(worker.region.tallies.endpoints, 3 * ENDPOINT_WORDS + ENDPOINT.finished, 4);
  worker.finish({ ...SPEC.canary, user: 1, isBad: false, nowMs: 900 });
  send();
  const { region } = leader.evidence.others;
  assert.equal(region.tallies.cells[SPEC.canary.cell * CELL_WORDS + CELL.finished], 1);
  assert.equal(leader.evidence.others.attemptsOf(SPEC.route, 1000).get('10.0.0.3:80')?.finished, 4);
  follower.evidence.follow([having(5, '10.0.0.5:80')]);
  worker.finish({ ...SPEC.canary, user: 2, isBad: false, nowMs: 900 });
  send();
  assert.equal(region.tallies.cells[SPEC.canary.cell * CELL_WORDS + CELL.finished], 2, 'its sums went on');
});

test('evidence at another share of the canary is let pass, whatever its weight is', () => {
  const [leader, follower] = [rig('leader'), rig('follower', 'two')];
  const worker = new FakeWorker(1);
  const { cell, unit } = SPEC.canary;
  const taken = (): number => {
    worker.finish({ cell, unit, user: 1, isBad: false, nowMs: 900 });
    assert.equal(leader.evidence.take(messageOf(follower.evidence, worker.region)), true);
    return leader.evidence.others.region.tallies.cells[SPEC.canary.cell * CELL_WORDS + CELL.finished] as number;
  };
  assert.deepEqual([taken(), taken()], [0, 1]);
  follower.weights.set(SPEC.stable.dial, 45);
  assert.deepEqual([taken(), taken()], [1, 1], 'the same weight is twice the share beside half of stable');
  follower.weights.set(SPEC.canary.dial, 10).set(SPEC.stable.dial, 190);
  assert.deepEqual([taken(), taken()], [1, 2], 'the same share of another sum');
});

test('every rollout is told of once a round, and the turns of a round share the work', () => {
  const { evidence } = rig('follower');
  const countsIn = (
    turns: number,
  ): { readonly told: readonly string[]; readonly most: number; readonly least: number } => {
    const counts: number[] = [];
    const told: string[] = [];
    for (let n = 0; n < turns; n++) {
      const messages = evidence.messages([], { id: 'one', member: 'one', adminUrl: '' });
      counts.push(messages.length);
      told.push(...messages.map(({ route }) => route));
    }
    return { told: told.toSorted(), most: Math.max(...counts), least: Math.min(...counts) };
  };
  for (const [rollouts, turns] of [
    [1, 2],
    [5, 2],
    [2 * MESSAGES_MAX, 2],
    [2 * MESSAGES_MAX + 1, 3],
    [8 * MESSAGES_MAX, 8],
  ] as const) {
    const specs = Array.from({ length: rollouts }, (_, n) => ({ ...SPEC, route: `r${n}` }));
    evidence.follow(specs);
    const { told, most, least } = countsIn(turns);
    assert.deepEqual(told, specs.map(({ route }) => route).toSorted(), `${rollouts} rollouts`);
    assert.ok(most <= MESSAGES_MAX && most - least <= 1, `${least} to ${most} a turn of ${rollouts}`);
  }
});

test('every route of a rollout is told of by itself, and counts at the thresholds of the leading one', () => {
  const dials = new Map<number, LatencyDial | null>();
  const roles: string[] = [];
  const evidence = new FleetEvidence({
    id: 'one',
    setLatency: (unit, value) => void dials.set(unit, value),
    weightOf: (at) => (at % 2 === 0 ? 5 : 95),
    roleOf: (route) => {
      roles.push(route);
      return 'leader';
    },
    nowMs: () => 1000,
  });
  evidence.follow([SEVERAL]);
  const routes = routesOf(SEVERAL);
  for (const { stable, canary } of routes) {
    evidence.setLatency(stable.unit, dial(STABLE_MS));
    evidence.setLatency(canary.unit, dial(CANARY_MS));
  }
  assert.deepEqual([dials.size, evidence.takeChanged()], [6, ['checkout']]);
  const self = { id: 'two', member: 'two', adminUrl: '' };
  const worker = new FakeWorker(1);
  const told = () => [...evidence.messages([worker.region], self), ...evidence.messages([worker.region], self)];
  const first = told();
  assert.deepEqual(first.map(({ route }) => route).toSorted(), ['cart', 'checkout', 'pay']);
  assert.ok(first.every(({ limits, share }) => limits === 'one.1' && share === 0.05));
  for (const message of first) evidence.take(message);
  const pay = routes[2] as RolloutRoute;
  worker.finish({ ...pay.canary, user: 1, isBad: true, nowMs: 900 });
  for (const message of told()) evidence.take(message);
  const { cells } = evidence.others.region.tallies;
  assert.deepEqual(
    routes.map(({ canary }) => cells[canary.cell * CELL_WORDS + CELL.bad]),
    [0, 0, 1],
  );
  assert.deepEqual(new Set(roles), new Set(['checkout']), 'nobody leads a companion');
  evidence.setLatency(pay.canary.unit, null);
  assert.notEqual(evidence.limitsOf('checkout'), null, 'the leading route says so for all');
});

test('a follower counts at the leader’s thresholds on every route', () => {
  const { dials, evidence } = rig('follower');
  evidence.follow([SEVERAL]);
  evidence.adoptLimits('checkout', { id: 'two.1', stableMs: STABLE_MS, canaryMs: CANARY_MS });
  for (const { stable, canary } of routesOf(SEVERAL)) {
    assert.deepEqual([dials.get(stable.unit)?.atEndMs, dials.get(canary.unit)?.atEndMs], [STABLE_MS, CANARY_MS]);
  }
});
