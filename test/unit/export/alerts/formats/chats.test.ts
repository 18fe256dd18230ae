import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { askDingTalk, askFeishu, askSlack, askWeCom } from '#src/export/alerts/formats/chats.ts';
import { readAt } from '../../../../support/clients/receiver.ts';
import { WALL_MS } from '../../../../support/readings/alerts.ts';

const TEXT = { title: 'Sluice PAGE burn: 1 firing', lines: ['FIRING: a < b & c', 'gw: http://gw:9900'] };
const LONG = { title: 'T'.repeat(300), lines: Array.from({ length: 100 }, () => '灰度'.repeat(50)) };

function addressOf(url: string, secret: string | null = 'SECtest') {
  return { url, secret, wallMs: WALL_MS };
}

suite('chats', () => {
  test('DingTalk is signed in its query, beside the token', () => {
    const { url, body } = askDingTalk(TEXT, addressOf('https://oapi.dingtalk.com/robot/send?access_token=T'));
    const { searchParams } = new URL(url);
    assert.deepEqual(Object.fromEntries(searchParams), {
      access_token: 'T',
      timestamp: '1700000000000',
      sign: 'aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g=',
    });
    assert.match(url, /sign=aZLLrriXgn05YbwaGR7knYsLeJADjr9NwLaNNKpxh4g%3D/);
    assert.deepEqual(JSON.parse(body), {
      msgtype: 'markdown',
      markdown: {
        title: 'Sluice PAGE burn: 1 firing',
        text: '### Sluice PAGE burn: 1 firing\n\nFIRING: a < b & c\n\ngw: http://gw:9900',
      },
      at: { atMobiles: [], isAtAll: false },
    });
    assert.equal(
      askDingTalk(TEXT, addressOf('https://a.test/send?access_token=T', null)).url,
      'https://a.test/send?access_token=T',
    );
  });

  test('Feishu is signed in its body', () => {
    const { url, body } = askFeishu(TEXT, addressOf('https://open.feishu.cn/open-apis/bot/v2/hook/ID'));
    assert.equal(url, 'https://open.feishu.cn/open-apis/bot/v2/hook/ID');
    assert.deepEqual(JSON.parse(body), {
      timestamp: '1700000000',
      sign: 'G7XpBpG8NgG02fJOAhX6FRAObIljmFoxVReo8I62pEk=',
      msg_type: 'text',
      content: { text: 'Sluice PAGE burn: 1 firing\nFIRING: a < b & c\ngw: http://gw:9900' },
    });
    const unsigned = readAt(askFeishu(TEXT, addressOf('https://a.test', null)).body);
    assert.deepEqual(Object.keys(unsigned as object), ['msg_type', 'content']);
  });

  test('WeCom and Slack are signed by nothing; Slack’s markup is escaped', () => {
    const wecom = askWeCom(TEXT, addressOf('https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=K', null));
    assert.deepEqual(JSON.parse(wecom.body), {
      msgtype: 'markdown',
      markdown: { content: '**Sluice PAGE burn: 1 firing**\nFIRING: a < b & c\ngw: http://gw:9900' },
    });
    const slack = askSlack(TEXT, addressOf('https://hooks.slack.test/T', null)).body;
    assert.equal(readAt(slack, 'text'), 'Sluice PAGE burn: 1 firing');
    assert.deepEqual(readAt(slack, 'blocks'), [
      { type: 'header', text: { type: 'plain_text', text: 'Sluice PAGE burn: 1 firing' } },
      { type: 'section', text: { type: 'mrkdwn', text: 'FIRING: a &lt; b &amp; c\ngw: http://gw:9900' } },
    ]);
  });

  test('no text is longer than its chat takes', () => {
    const address = addressOf('https://a.test');
    const bytes = (body: string, path: string): number => Buffer.byteLength(String(readAt(body, path)));
    assert.ok(bytes(askWeCom(LONG, address).body, 'markdown.content') <= 4096);
    assert.ok(bytes(askDingTalk(LONG, address).body, 'markdown.text') <= 4096);
    assert.ok(bytes(askFeishu(LONG, address).body, 'content.text') <= 4096);
    const { body } = askSlack(LONG, address);
    assert.ok(bytes(body, 'blocks.0.text.text') <= 150 && bytes(body, 'blocks.1.text.text') <= 3000);
  });
});
