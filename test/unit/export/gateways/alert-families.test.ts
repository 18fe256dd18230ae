import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { AlertsStatus } from '#src/model/threads/load/alerts.ts';
import { sampleActive, sampleChannelStatus } from '../../../support/readings/alerts.ts';
import { scrape, series } from '../../../support/readings/metrics/scrape.ts';
import { sampleStatus } from '../../../support/readings/status.ts';

const ALERTS: AlertsStatus = {
  active: [sampleActive(), sampleActive({ severity: 'page' }), sampleActive()],
  activeCount: 3,
  dropped: 7,
  channels: [
    sampleChannelStatus({ name: 'chat', state: 'retrying', queued: 4 }),
    sampleChannelStatus({ name: 'oncall', counts: { sent: 1, failed: 2, dropped: 3, dead: 4, merged: 5 } }),
  ],
};

suite('alert-families', () => {
  test('tell what goes on, and how every channel stands', async () => {
    const families = await scrape({ status: () => sampleStatus({ alerts: ALERTS }) });
    const of = (name: string) => series(families, `sluice_alert${name}`);
    assert.deepEqual(of('s_active'), ['severity=info 0', 'severity=page 1', 'severity=ticket 2']);
    assert.deepEqual(of('s_dropped_total'), ['7']);
    assert.deepEqual(
      of('_messages_total').filter((line) => line.includes('oncall')),
      [
        'channel=oncall result=dead 4',
        'channel=oncall result=dropped 3',
        'channel=oncall result=failed 2',
        'channel=oncall result=merged 5',
        'channel=oncall result=sent 1',
      ],
    );
    assert.deepEqual(of('_queue'), ['channel=chat 4', 'channel=oncall 0']);
    assert.deepEqual(of('_dead_letters'), ['channel=chat 1', 'channel=oncall 1']);
    assert.deepEqual(of('_channel_failing'), ['channel=chat 1', 'channel=oncall 0']);
  });

  test('have no sample while nobody is told', async () => {
    const families = await scrape({ status: () => sampleStatus() });
    assert.deepEqual(series(families, 'sluice_alerts_active'), []);
  });
});
