import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { outcomeOf } from '#src/export/alerts/replies.ts';
import { CHANNEL_TYPES, type ChannelType } from '#src/model/threads/load/alerts.ts';
import { WALL_MS } from '../../../support/readings/alerts.ts';

/** What a reply means in short. */
function kindOf(type: ChannelType, status: number, text = '', retryAfter: string | null = null): string {
  const outcome = outcomeOf(type, { status, text, retryAfter }, WALL_MS);
  return outcome.kind === 'limited' ? `limited ${outcome.retryMs}` : outcome.kind;
}

suite('replies', () => {
  test('status 200 is not enough for chats that say no with it', () => {
    for (const type of ['dingtalk', 'wecom'] as const) {
      assert.equal(kindOf(type, 200, '{"errcode":0,"errmsg":"ok"}'), 'sent');
      assert.equal(kindOf(type, 200, '{"errcode":310000,"errmsg":"sign not match"}'), 'refused');
      assert.equal(kindOf(type, 200, '{"errcode":"0"}'), 'unavailable');
      assert.equal(kindOf(type, 200, '<html>proxy</html>'), 'unavailable');
      assert.equal(kindOf(type, 200, ''), 'unavailable');
      assert.equal(kindOf(type, 200, '7'), 'unavailable');
    }
    assert.equal(kindOf('feishu', 200, '{"code":0,"msg":"success"}'), 'sent');
    assert.equal(kindOf('feishu', 200, '{"code":19021,"msg":"sign match fail"}'), 'refused');
    assert.equal(kindOf('feishu', 200, '{"errcode":0}'), 'unavailable');
  });

  test('codes of limits are limits', () => {
    assert.equal(kindOf('dingtalk', 200, '{"errcode":130101,"errmsg":"send too fast"}'), 'limited 60000');
    assert.equal(kindOf('wecom', 200, '{"errcode":45009}'), 'limited 60000');
    assert.equal(kindOf('feishu', 200, '{"code":11232}'), 'limited 60000');
    assert.equal(kindOf('wecom', 200, '{"errcode":130101}'), 'refused', 'each has its own');
    assert.equal(kindOf('dingtalk', 302), 'limited 600000');
    assert.equal(kindOf('wecom', 302), 'refused');
  });

  test('Slack says ok, PagerDuty 202, Alertmanager and webhooks anything of 2xx', () => {
    assert.equal(kindOf('slack', 200, 'ok'), 'sent');
    assert.equal(kindOf('slack', 200, 'invalid_payload'), 'refused');
    assert.equal(kindOf('slack', 404, 'no_service'), 'refused');
    assert.equal(kindOf('pagerduty', 202, '{"status":"success"}'), 'sent');
    assert.equal(kindOf('pagerduty', 200, '{}'), 'unavailable');
    assert.equal(kindOf('pagerduty', 400, '{"status":"invalid event"}'), 'refused');
    for (const type of ['alertmanager', 'webhook'] as const) {
      assert.deepEqual([kindOf(type, 200), kindOf(type, 204), kindOf(type, 400)], ['sent', 'sent', 'refused']);
    }
  });

  test('for all of them 429 waits as long as it says, and 408 and 5xx are nobody’s word', () => {
    for (const type of CHANNEL_TYPES) {
      assert.equal(kindOf(type, 429, '', '7'), 'limited 7000');
      assert.equal(kindOf(type, 429, '', new Date(WALL_MS + 90_000).toUTCString()), 'limited 90000');
      assert.equal(kindOf(type, 429, '', new Date(WALL_MS - 90_000).toUTCString()), 'limited 0');
      assert.equal(kindOf(type, 429, '', 'soon'), 'limited 60000');
      assert.equal(kindOf(type, 429), 'limited 60000');
      for (const status of [408, 500, 502, 503]) assert.equal(kindOf(type, status, 'ok'), 'unavailable');
      for (const status of [307, 401, 403, 410]) assert.equal(kindOf(type, status, 'ok'), 'refused');
    }
  });

  test('what is repeated is one short line', () => {
    const outcome = outcomeOf(
      'webhook',
      { status: 500, text: `a\nb\u001b[31m ${'x'.repeat(500)}`, retryAfter: null },
      0,
    );
    const { because } = outcome.kind === 'unavailable' ? outcome : assert.fail();
    assert.match(because, /^status 500: a b \[31m x+$/);
    assert.ok(because.length < 200);
    const said = outcomeOf('dingtalk', { status: 200, text: '{"errcode":1,"errmsg":"a\\nb"}', retryAfter: null }, 0);
    assert.deepEqual(said, { kind: 'refused', because: 'errcode 1: a b' });
  });
});
