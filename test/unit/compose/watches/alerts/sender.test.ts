/** One channel as it is sent to, against a real receiver. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { Sender } from '#src/compose/watches/alerts/sender.ts';
import type { ChannelConfig } from '#src/model/threads/load/alerts.ts';
import { readAt, startReceiver } from '../../../../support/clients/receiver.ts';
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

suite('sender', { timeout: 60_000 }, () => {
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
