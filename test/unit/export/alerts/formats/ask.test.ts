import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askFor } from '#src/export/alerts/formats/ask.ts';
import { CHANNEL_TYPES } from '#src/model/threads/load/alerts.ts';
import { sampleMessage, WALL_MS } from '../../../../support/readings/alerts.ts';

/** A member that only this type's body has. */
const MEMBERS = {
  dingtalk: 'markdown',
  wecom: 'markdown',
  feishu: 'msg_type',
  slack: 'blocks',
  pagerduty: 'routing_key',
  alertmanager: '0',
  webhook: 'version',
} as const;

test('every type has its own form', () => {
  for (const type of CHANNEL_TYPES) {
    const address = { url: 'https://a.test/in', secret: 'k', wallMs: WALL_MS };
    const origin = { gateway: 'gw', pageUrl: 'http://gw:9900' };
    const { body, headers } = askFor({ type, name: 'team' }, sampleMessage(), address, origin);
    assert.match(headers['content-type'] ?? '', /^application\/json/);
    assert.ok(MEMBERS[type] in JSON.parse(body), type);
  }
});
