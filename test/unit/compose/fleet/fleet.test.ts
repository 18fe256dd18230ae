/** A gateway without a fleet, and one whose Redis is not there; with one, test/integration/fleet/. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fleet } from '#src/compose/fleet/fleet.ts';
import { createLog } from '#src/lib/log.ts';
import type { RolloutCommand } from '#src/model/rollout.ts';
import type { FleetConfig } from '#src/model/threads/fleet.ts';
import { until } from '../../../support/gateway.ts';
import { WAITS } from '../../../support/runner/depth.ts';
import { SPEC } from '../../../support/simulate/detection.ts';
import { redisSettings } from '../../../support/stores/fleet/settings.ts';

const COMMAND: RolloutCommand = { name: 'start', route: SPEC.route, by: 'api', reason: '', isFix: false };
/** Nobody listens there. */
const CONFIG: FleetConfig = {
  name: 'edge',
  member: 'one',
  lock: 'redis',
  redis: redisSettings(1),
  leaseMs: 3000,
  window: { leaseMs: 3000, onTaken: 'wait' },
};

function rig() {
  const commands: string[] = [];
  const stored: number[] = [];
  const asked: string[] = [];
  const regions: never[] = [];
  const fleet = new Fleet({
    log: createLog({ level: 'fatal' }),
    led: {
      command: ({ name }) => {
        commands.push(name);
        return { kind: 'refused', detail: 'by the rollout itself' };
      },
      saved: (route) => {
        asked.push(`saved ${route}`);
        return null;
      },
      standing: (route) => {
        asked.push(`standing ${route}`);
        return null;
      },
      adopt: () => true,
    },
    regions: () => regions,
    rates: () => null,
    weightOf: () => 5,
    setLatency: (unit) => void stored.push(unit),
  });
  fleet.follow([SPEC]);
  return { fleet, commands, stored, regions, asked };
}

test('without a fleet a gateway leads everything, and nothing is in between', async () => {
  const { fleet, commands, stored, regions } = rig();
  await fleet.open(null, () => '');
  assert.deepEqual([fleet.guide.roleOf(SPEC.route), fleet.guide.mayStart(SPEC.route)], ['leader', true]);
  assert.equal(fleet.regions(), regions);
  assert.equal(fleet.guide.attemptsElsewhere(SPEC.route).size, 0);
  fleet.setLatency(7, null);
  fleet.beforeTurn();
  fleet.afterTurn();
  fleet.decided(SPEC.route);
  await fleet.command(COMMAND);
  assert.deepEqual([commands, stored, fleet.status()], [['start'], [7], null]);
  await fleet.close();
});

test('without its Redis a gateway is alone: it says so, aborts, and starts nothing', WAITS, async () => {
  const { fleet, commands } = rig();
  await fleet.open(CONFIG, () => 'http://127.0.0.1:9900');
  assert.deepEqual([fleet.guide.roleOf(SPEC.route), fleet.guide.mayStart(SPEC.route)], ['follower', false]);
  await until('it is alone, and knows why', () => {
    fleet.beforeTurn();
    fleet.afterTurn();
    return fleet.guide.roleOf(SPEC.route) === 'alone' && fleet.status()?.because !== '';
  });
  const status = fleet.status();
  assert.deepEqual([status?.mode, status?.exchangedMs, status?.members.length], ['alone', null, 1]);
  assert.notEqual(status?.because, '');
  const refused = await fleet.command(COMMAND);
  assert.match(refused.kind === 'refused' ? refused.detail : '', /cut off from the fleet edge/);
  assert.deepEqual(commands, []);
  await fleet.command({ ...COMMAND, name: 'abort' });
  await fleet.command({ ...COMMAND, route: 'unknown' });
  assert.deepEqual(commands, ['abort', 'start']);
  await fleet.close();
  assert.equal(fleet.status(), null);
});

test('a turn asks each rollout once where it stands, and none for its whole memory', async () => {
  const { fleet, asked } = rig();
  const routes = Array.from({ length: 100 }, (_, n) => `route-${n}`);
  fleet.follow(routes.map((route, n) => ({ ...SPEC, route, generation: String(n) })));
  await fleet.open(CONFIG, () => '');
  fleet.beforeTurn();
  fleet.afterTurn();
  assert.deepEqual(
    asked,
    routes.map((route) => `standing ${route}`),
  );
  await fleet.close();
});
