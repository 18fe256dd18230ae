import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { askAlertmanager, askPagerDuty, askWebhook } from '#src/export/alerts/formats/incidents.ts';
import { signWebhook } from '#src/export/alerts/formats/signatures.ts';
import { readAt } from '../../../../support/clients/receiver.ts';
import { sampleAlert, sampleMessage, WALL_MS } from '../../../../support/readings/alerts.ts';

const ORIGIN = { gateway: 'gw', pageUrl: 'http://gw:9900' };
const TEXT = { title: 'Sluice test', lines: ['a line'] };
const RESOLVED = sampleAlert({ state: 'resolved', endedAtMs: WALL_MS + 1000, fingerprint: 'r' });
const NOTE = sampleMessage({ alerts: [], note: { title: 'test', lines: [] } });

function addressOf(secret: string | null) {
  return { url: 'https://a.test/in', secret, wallMs: WALL_MS };
}

suite('incidents', () => {
  test('PagerDuty gets an event per alert, the same key for its beginning and its end', () => {
    const alert = sampleAlert({ severity: 'page', service: 'cart', sentence: 's'.repeat(2000) });
    const { url, body } = askPagerDuty(sampleMessage({ alerts: [alert] }), TEXT, addressOf('R0'), ORIGIN);
    assert.equal(url, 'https://a.test/in');
    const summary = String(readAt(body, 'payload.summary'));
    assert.ok(Buffer.byteLength(summary) <= 1024 && summary.startsWith('sss'));
    assert.deepEqual(readAt(body.replace(summary, '')), {
      routing_key: 'R0',
      client: 'Sluice',
      client_url: 'http://gw:9900',
      dedup_key: '0123456789abcdef',
      event_action: 'trigger',
      payload: {
        summary: '',
        source: 'gw',
        severity: 'critical',
        timestamp: '2023-11-14T22:13:20.000Z',
        component: 'cart',
        group: 'shop',
        class: 'burn',
      },
      links: [{ href: 'http://gw:9900', text: 'Sluice' }],
    });
    const ended = { ...alert, state: 'resolved' as const, endedAtMs: WALL_MS };
    const end = askPagerDuty(sampleMessage({ alerts: [ended] }), TEXT, addressOf('R0'), ORIGIN).body;
    assert.deepEqual([readAt(end, 'event_action'), readAt(end, 'dedup_key')], ['resolve', '0123456789abcdef']);
    const note = askPagerDuty(NOTE, TEXT, addressOf('R0'), ORIGIN).body;
    assert.deepEqual(
      [readAt(note, 'event_action'), readAt(note, 'payload.severity'), readAt(note, 'payload.summary')],
      ['trigger', 'info', 'Sluice test'],
    );
  });

  test('Alertmanager gets alerts that end by themselves unless they are renewed', () => {
    const message = sampleMessage({ alerts: [sampleAlert(), RESOLVED] });
    const ask = askAlertmanager(message, TEXT, { ...addressOf('token'), url: 'https://am.test/base/' }, ORIGIN);
    assert.equal(ask.url, 'https://am.test/base/api/v2/alerts');
    assert.equal(ask.headers['authorization'], 'Bearer token');
    assert.deepEqual(readAt(ask.body, '0'), {
      labels: {
        alertname: 'SluiceBurn',
        severity: 'ticket',
        kind: 'burn',
        gateway: 'gw',
        route: 'shop',
        id: '0123456789abcdef',
      },
      annotations: { summary: 'route shop burns 14 times too fast' },
      startsAt: '2023-11-14T22:13:20.000Z',
      endsAt: '2023-11-14T22:18:20.000Z',
      generatorURL: 'http://gw:9900',
    });
    assert.equal(readAt(ask.body, '1.endsAt'), '2023-11-14T22:13:21.000Z');
    const plain = askAlertmanager(NOTE, TEXT, addressOf(null), ORIGIN);
    assert.equal(plain.headers['authorization'], undefined);
    assert.equal(readAt(plain.body, '0.labels.alertname'), 'SluiceTest');
  });

  test('a webhook gets Alertmanager’s form of version 4, signed over time and body', () => {
    const message = sampleMessage({ alerts: [sampleAlert(), RESOLVED], more: 2 });
    const ask = askWebhook(message, TEXT, addressOf('SECtest'), { channel: 'team', ...ORIGIN });
    assert.equal(ask.headers['x-sluice-timestamp'], '1700000000');
    assert.equal(ask.headers['x-sluice-signature'], signWebhook('SECtest', 1_700_000_000, ask.body));
    const { alerts, ...rest } = readAt(ask.body) as { readonly alerts: readonly Record<string, string>[] };
    assert.deepEqual(rest, {
      version: '4',
      groupKey: 'sluice/burn ticket',
      truncatedAlerts: 2,
      status: 'firing',
      receiver: 'team',
      groupLabels: { alertname: 'SluiceBurn', severity: 'ticket' },
      commonLabels: { alertname: 'SluiceBurn', severity: 'ticket', gateway: 'gw' },
      commonAnnotations: { title: 'Sluice test' },
      externalURL: 'http://gw:9900',
    });
    assert.deepEqual(
      alerts.map(({ status, endsAt, fingerprint }) => [status, endsAt, fingerprint]),
      [
        ['firing', '0001-01-01T00:00:00Z', '0123456789abcdef'],
        ['resolved', '2023-11-14T22:13:21.000Z', 'r'],
      ],
    );
    const ended = askWebhook(sampleMessage({ alerts: [RESOLVED] }), TEXT, addressOf(null), {
      channel: 'team',
      ...ORIGIN,
    });
    assert.equal(readAt(ended.body, 'status'), 'resolved');
    assert.equal(ended.headers['x-sluice-signature'], undefined);
    const note = askWebhook(NOTE, TEXT, addressOf(null), { channel: 'team', ...ORIGIN });
    assert.deepEqual(readAt(note.body, 'commonAnnotations'), { title: 'Sluice test', text: 'a line' });
  });
});
