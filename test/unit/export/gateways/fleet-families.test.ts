import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { sampleFleet } from '../../../support/readings/fleet.ts';
import { scrape, series } from '../../../support/readings/metrics/scrape.ts';
import { sampleStatus } from '../../../support/readings/status.ts';

suite('fleet-families', () => {
  test('tell how a gateway decides, with whom, and what it leads', async () => {
    const families = await scrape({ status: () => sampleStatus({ fleet: sampleFleet() }) });
    assert.deepEqual(series(families, 'sluice_fleet_mode'), ['mode=alone 0', 'mode=fleet 1', 'mode=joining 0']);
    assert.deepEqual(series(families, 'sluice_fleet_members'), ['2']);
    assert.deepEqual(series(families, 'sluice_fleet_exchange_age_seconds'), ['0.3']);
    assert.deepEqual(series(families, 'sluice_fleet_exchanges_total'), ['result=done 7', 'result=failed 1']);
    assert.deepEqual(series(families, 'sluice_fleet_messages_total'), [
      'what=refused 2',
      'what=sent 30',
      'what=taken 20',
    ]);
    assert.deepEqual(series(families, 'sluice_fleet_leader'), ['route=cart 0', 'route=shop 1']);
    assert.deepEqual(series(families, 'sluice_fleet_token'), ['route=cart 18', 'route=shop 17']);
    assert.deepEqual(series(families, 'sluice_fleet_rates_shared'), ['1']);
    assert.deepEqual(series(families, 'sluice_fleet_rate_exchanges_total'), ['result=done 40', 'result=failed 3']);
    assert.deepEqual(series(families, 'sluice_fleet_rate_keys_refused_total'), ['4']);
    assert.deepEqual(series(families, 'sluice_fleet_rate_keys'), ['what=left 1', 'what=told 12']);
  });

  test('say nothing on a gateway that is on its own, and no age before the first exchange', async () => {
    const own = await scrape({ status: () => sampleStatus() });
    assert.deepEqual([series(own, 'sluice_fleet_mode'), series(own, 'sluice_fleet_members')], [[], []]);
    const joining = sampleFleet({ mode: 'joining', exchangedMs: null });
    const families = await scrape({ status: () => sampleStatus({ fleet: joining }) });
    assert.deepEqual(series(families, 'sluice_fleet_exchange_age_seconds'), []);
  });
});
