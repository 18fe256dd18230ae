/** One channel as it is sent to, against a real receiver. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { Sender } from '#src/compose/watches/alerts/sender.ts';
import { signDingTalk, signFeishu, signWebhook } from '#src/export/alerts/formats/signatures.ts';
import { CHANNEL_TYPES, type ChannelConfig, type ChannelType } from '#src/model/threads/load/alerts.ts';
import { type Received, type Reply, readAt, startReceiver } from '../../../../support/clients/receiver.ts';
import { sampleChannel, sampleMessage } from '../../../../support/readings/alerts.ts';

const ORIGIN = { gateway: 'gw', pageUrl: 'http://gw:9900' };

function senderOf(
  t: TestContext,
  channel: Partial<ChannelConfig>,
  environment: Record<string, string | undefined> = {},
) {
  const log: string[] = [];
  const note = (event: string, fields?: object): void => void log.push(`${event} ${JSON.stringify(fields)}`);
  const sender = new Sender(sampleChannel(channel), { log: { info: note, error: note }, environment });
  t.after(() => sender.close());
  return { sender, log };
}

const KEY = 'SECtest';

/** How a receiver of each type says yes, no and later, and how it knows that a message is the gateway's. */
interface Receiving {
  readonly yes: Reply;
  readonly no: Reply;
  readonly because: string;
  readonly later: Reply;
  /** A member of the body that only this type has there. */
  readonly body: readonly [path: string, value: unknown];
  readonly proof: (one: Received) => readonly [got: unknown, expected: unknown];
}

const chat = (code: string, number: number) => ({ status: 200, body: JSON.stringify({ [code]: number }) });
const GONE = { status: 404, body: 'gone' };
const LATER = { status: 429, headers: { 'retry-after': '60' } };
const UNSIGNED: Receiving['proof'] = ({ headers }) => [
  headers['authorization'] ?? headers['x-sluice-signature'],
  undefined,
];

const RECEIVING: Readonly<Record<ChannelType, Receiving>> = {
  dingtalk: {
    yes: chat('errcode', 0),
    no: chat('errcode', 310_000),
    because: 'errcode 310000',
    later: chat('errcode', 130_101),
    body: ['msgtype', 'markdown'],
    proof: ({ query }) => [query.get('sign'), signDingTalk(KEY, Number(query.get('timestamp')))],
  },
  wecom: {
    yes: chat('errcode', 0),
    no: chat('errcode', 93_000),
    because: 'errcode 93000',
    later: chat('errcode', 45_009),
    body: ['msgtype', 'markdown'],
    proof: UNSIGNED,
  },
  feishu: {
    yes: chat('code', 0),
    no: chat('code', 19_021),
    because: 'code 19021',
    later: chat('code', 11_232),
    body: ['msg_type', 'text'],
    proof: ({ body }) => [readAt(body, 'sign'), signFeishu(KEY, Number(readAt(body, 'timestamp')))],
  },
  slack: {
    yes: { status: 200, body: 'ok' },
    no: { status: 200, body: 'invalid_blocks' },
    because: 'status 200: invalid_blocks',
    later: LATER,
    body: ['blocks.0.type', 'header'],
    proof: UNSIGNED,
  },
  pagerduty: {
    yes: { status: 202 },
    no: GONE,
    because: 'status 404: gone',
    later: LATER,
    body: ['event_action', 'trigger'],
    proof: ({ body }) => [readAt(body, 'routing_key'), KEY],
  },
  alertmanager: {
    yes: { status: 200 },
    no: GONE,
    because: 'status 404: gone',
    later: LATER,
    body: ['0.labels.alertname', 'SluiceBurn'],
    proof: ({ headers }) => [headers['authorization'], `Bearer ${KEY}`],
  },
  webhook: {
    yes: { status: 204 },
    no: GONE,
    because: 'status 404: gone',
    later: LATER,
    body: ['version', '4'],
    proof: ({ headers, body }) => [
      headers['x-sluice-signature'],
      signWebhook(KEY, Number(headers['x-sluice-timestamp']), body),
    ],
  },
};

suite('every channel', { timeout: 240_000 }, () => {
  for (const type of CHANNEL_TYPES) {
    test(`${type}: is signed and shaped as its receiver asks, hears no and later, and outlives an outage`, async (t) => {
      const { yes, no, because, later, body, proof } = RECEIVING[type];
      const receiver = await startReceiver(t, yes);
      const url = { kind: 'open', url: receiver.url } as const;
      const { sender } = senderOf(t, { type, url, secret: { kind: 'variable', name: 'KEY' } }, { KEY });
      const send = (reply: Reply) => {
        receiver.reply = reply;
        return sender.send(sampleMessage(), ORIGIN);
      };
      assert.deepEqual(await send(yes), { kind: 'sent' });
      const one = receiver.received[0] ?? assert.fail();
      assert.equal(readAt(one.body, body[0]), body[1]);
      const [got, expected] = proof(one);
      assert.equal(got, expected);
      assert.deepEqual(await send(no), { kind: 'refused', because });
      const limited = await send(later);
      assert.deepEqual([limited.kind, limited.kind === 'limited' && limited.retryMs], ['limited', 60_000]);
      for (const outage of ['cut', { status: 503 }] as const) assert.equal((await send(outage)).kind, 'unavailable');
      assert.deepEqual(await send(yes), { kind: 'sent' });
    });
  }
});

suite('sender', { timeout: 240_000 }, () => {
  test('reads its secrets, signs, sends and says what came of it', async (t) => {
    const receiver = await startReceiver(t, { status: 200, body: '{"errcode":0}' });
    const environment = { HOOK: `${receiver.url}/robot/send?access_token=T`, KEY: 'SECtest' };
    const url = { kind: 'variable', name: 'HOOK' } as const;
    const { sender, log } = senderOf(
      t,
      { type: 'dingtalk', url, secret: { kind: 'variable', name: 'KEY' } },
      environment,
    );
    assert.deepEqual(await sender.send(sampleMessage(), ORIGIN), { kind: 'sent' });
    const { query, body } = receiver.received[0] ?? assert.fail();
    assert.deepEqual([...query.keys()], ['access_token', 'timestamp', 'sign']);
    assert.equal(readAt(body, 'msgtype'), 'markdown');
    assert.deepEqual([sender.unusable, log], ['', []]);
  });

  test('without a key it sends nothing, says why once, and goes on when there is one', async (t) => {
    const receiver = await startReceiver(t, { status: 204 });
    const environment: Record<string, string | undefined> = {};
    const url = { kind: 'open', url: receiver.url } as const;
    const { sender, log } = senderOf(t, { url, secret: { kind: 'variable', name: 'KEY' } }, environment);
    for (let n = 0; n < 2; n++) {
      const outcome = await sender.send(sampleMessage(), ORIGIN);
      assert.deepEqual(outcome, { kind: 'unusable', because: 'the variable KEY is not set or empty' });
    }
    assert.equal(receiver.received.length, 0);
    environment['KEY'] = 'k';
    assert.deepEqual(await sender.send(sampleMessage(), ORIGIN), { kind: 'sent' });
    assert.deepEqual(
      log.map((line) => line.split(' ')[0]),
      ['alert_channel_unusable', 'alert_channel_usable'],
    );
  });

  test('takes other settings, and stays as it is when they are the same', async (t) => {
    const [first, second] = [await startReceiver(t, { status: 204 }), await startReceiver(t, { status: 204 })];
    const { sender } = senderOf(t, { url: { kind: 'open', url: first.url } });
    const pending = sender.send(sampleMessage(), ORIGIN);
    sender.channel = sampleChannel({ url: { kind: 'open', url: first.url } });
    assert.deepEqual(await pending, { kind: 'sent' });
    sender.channel = sampleChannel({ url: { kind: 'open', url: second.url } });
    assert.deepEqual(await sender.send(sampleMessage(), ORIGIN), { kind: 'sent' });
    assert.deepEqual([first.received.length, second.received.length], [1, 1]);
  });

  test('an authority of its own is read for each message; one that is no certificate makes it unavailable', async (t) => {
    const { sender } = senderOf(t, { url: { kind: 'open', url: 'https://127.0.0.1:1/' }, ca: '/nonexistent/ca.pem' });
    const outcome = await sender.send(sampleMessage(), ORIGIN);
    assert.equal(outcome.kind, 'unusable');
    assert.match(sender.unusable, /ca\.pem/);
  });
});
