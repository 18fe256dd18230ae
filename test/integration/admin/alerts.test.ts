/** Whoever is to be told hears of what goes wrong in a real gateway: signed, once, over outages and a kill. */

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import type { AlertsStatus, ChannelStatus, DeadLetter } from '#src/model/threads/load/alerts.ts';
import { openFiles } from '#src/state/files.ts';
import { type Received, type Receiver, readAt, startReceiver } from '../../support/clients/receiver.ts';
import { type GatewayProcess, startGatewayProcess, startService, until } from '../../support/gateway.ts';
import { inFolder } from '../../support/state/folder.ts';

const TOKEN = 'correct-horse-battery-staple';
const KEY = 'hush-this-signs-webhooks';
const HOOK_ID = 'hush-0123456789abcdef';
const UP = { status: 200, body: '{"errcode":0,"errmsg":"ok"}' } as const;
const DOWN = { status: 503 } as const;

interface Wish {
  readonly state?: string;
  readonly port?: number;
  readonly channels?: string;
  readonly availability?: number;
  readonly digest?: string;
}

const CHANNELS = `
    hook: {type: webhook, url: {variable: HOOK}, secret: {variable: KEY}, timeout: 9s}
    chat: {type: dingtalk, url: {variable: HOOK}, secret: {variable: KEY}, timeout: 9s}`;

/** The first of them alone. */
const HOOK = CHANNELS.split('\n').slice(0, 2).join('\n');

function documentOf({ state = '', port = 1, channels = CHANNELS, availability = 0.9, digest = '' }: Wish): string {
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
adminToken: ${TOKEN}
workers: 1
saturation: {response: observe}
${state === '' ? '' : `state: {directory: "${state}"}`}
alerts:
  group: 0s
  pageUrl: http://gateway.test
  ${digest}
  channels:${channels}
services:
  shop:
    versions:
      v1: {endpoints: ["127.0.0.1:${port}"]}
      v2: {endpoints: ["127.0.0.1:${port}"]}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1, weight: 90}, {name: shop, version: v2, weight: 10}]
    slo: {availability: ${availability}}
    rollout: {stable: v1, canary: v2, steps: [5, 100]}
`;
}

async function start(t: TestContext, receiver: Receiver, wish: Wish): Promise<GatewayProcess> {
  const env = { HOOK: `${receiver.url}/robot/${HOOK_ID}?access_token=${HOOK_ID}`, KEY };
  const gateway = await startGatewayProcess(documentOf(wish), undefined, { env });
  t.after(() => gateway.end());
  return gateway;
}

async function alertsOf(gateway: GatewayProcess): Promise<AlertsStatus> {
  return (await gateway.status()).alerts ?? assert.fail('no alerts');
}

async function channelOf(gateway: GatewayProcess, name: string): Promise<ChannelStatus> {
  return (await alertsOf(gateway)).channels.find((channel) => channel.name === name) ?? assert.fail(name);
}

async function command(gateway: GatewayProcess, path: string, body: object = {}): Promise<[number, unknown]> {
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  const response = await fetch(gateway.adminUrl + path, { method: 'POST', headers, body: JSON.stringify(body) });
  return [response.status, await response.json()];
}

/** Alerts that arrived at the webhook, `firing configuration`. */
function arrived(receiver: Receiver): string[] {
  return ofHook(receiver).flatMap(({ isTaken, body }) => {
    const alerts = isTaken ? (readAt(body, 'alerts') as Alerted[]) : [];
    return alerts.map(({ status, labels }) => `${status} ${labels.kind}`);
  });
}

interface Alerted {
  readonly status: string;
  readonly labels: { readonly kind: string };
}

function ofHook({ received }: Receiver): Received[] {
  return received.filter(({ body }) => readAt(body, 'version') === '4');
}

function assertSigned({ headers, body }: Received): void {
  const time = headers['x-sluice-timestamp'];
  const hex = createHmac('sha256', KEY)
    .update(`${String(time)}.${body}`)
    .digest('hex');
  assert.equal(headers['x-sluice-signature'], `sha256=${hex}`);
}

/** What an earlier process leaves that told the digest of a day. */
function toldDigestOf(day: string, folder: string): void {
  const { database, lock } = openFiles(folder, () => '');
  const bytes = new Uint8Array(Buffer.from(JSON.stringify({ tracked: [], toldAtMs: {}, digestDay: day })));
  const budgets = new Map([['alerts/engine', { format: 1, bytes, at: `${day}T00:00:00.000Z` }]]);
  database.write({ budgets, rollouts: new Map(), decisions: [], segments: [], segmentsLost: new Map() });
  database.close();
  lock.release();
}

describe('alerts of a gateway', { timeout: 540_000, concurrency: 2 }, () => {
  it('tell what begins and ends, signed as each receiver wants it, and no secret shows anywhere', async (t) => {
    const receiver = await startReceiver(t, UP);
    const service = await startService('v1');
    t.after(() => service.close());
    const gateway = await start(t, receiver, { port: service.port });
    gateway.save('routes: nonsense');
    await until('the refusal is told', () => arrived(receiver).includes('firing configuration'));
    assert.equal((await alertsOf(gateway)).active[0]?.kind, 'configuration');
    gateway.save(documentOf({ port: service.port }));
    await until('its end is told', () => arrived(receiver).includes('resolved configuration'));
    assert.equal((await command(gateway, '/api/v1/rollouts/shop/start'))[0], 200);
    assert.equal((await command(gateway, '/api/v1/rollouts/shop/abort', { reason: 'not good' }))[0], 200);
    await until('the rollback is told', () => arrived(receiver).includes('firing rollout'));
    assert.deepEqual(arrived(receiver), ['firing configuration', 'resolved configuration', 'firing rollout']);

    const hooks = ofHook(receiver);
    for (const one of hooks) assertSigned(one);
    assert.equal(readAt(hooks[0]?.body ?? '', 'externalURL'), 'http://gateway.test');
    const ofChat = (): Received | undefined =>
      receiver.received.find(({ body }) => readAt(body, 'msgtype') === 'markdown');
    await until('the chat has them too', () => ofChat() !== undefined);
    const { query } = ofChat() ?? assert.fail();
    const time = query.get('timestamp');
    assert.equal(query.get('sign'), createHmac('sha256', KEY).update(`${time}\n${KEY}`).digest('base64'));

    assert.equal((await command(gateway, '/api/v1/alerts/hook/test'))[0], 200);
    assert.equal(readAt(ofHook(receiver).at(-1)?.body ?? '', 'commonAnnotations.title'), 'Sluice test');
    receiver.reply = { status: 200, body: `{"errcode": 310000, "errmsg": "no ${KEY} at ${HOOK_ID}"}` };
    const [status, problem] = await command(gateway, '/api/v1/alerts/chat/test');
    assert.equal(status, 502);
    assert.match(JSON.stringify(problem), /chat: refused: errcode 310000: no \[redacted\] at \[redacted\]/);
    const pages = ['/api/v1/status', '/metrics', '/api/v1/alerts'].map(async (path) => fetch(gateway.adminUrl + path));
    const texts = await Promise.all(pages.map(async (page) => (await page).text()));
    const report = await fetch(`${gateway.adminUrl}/api/v1/debug/report`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    assert.doesNotMatch([...texts, await report.text(), gateway.output()].join('\n'), /hush/);
    assert.match(texts[1] ?? '', /sluice_alert_messages_total\{channel="hook",result="sent"\} \d/);
  });

  it('reach a receiver that was down, once, also when the gateway is killed meanwhile', (t) =>
    inFolder(async (state) => {
      const receiver = await startReceiver(t, DOWN);
      const first = await start(t, receiver, { state, channels: HOOK });
      first.save('routes: nonsense');
      await receiver.arrived(1);
      await until('it is tried again', async () => (await channelOf(first, 'hook')).state === 'retrying');
      const { uptimeMs } = await first.status();
      // What is written after this was there before.
      await until('it is on the disk', async () => {
        const status = await first.status();
        const flushedMs = Date.parse(status.state.flushedAt ?? '') - Date.parse(status.startedAt);
        return flushedMs > uptimeMs && status.state.rowsPending === 0;
      });
      first.child.kill('SIGKILL');
      await first.exited;
      const second = await start(t, receiver, { state, channels: HOOK });
      assert.equal((await channelOf(second, 'hook')).queued, 1);
      assert.deepEqual(
        (await alertsOf(second)).active.map(({ kind }) => kind),
        ['configuration'],
      );
      receiver.reply = UP;
      await until('it arrives', async () => (await channelOf(second, 'hook')).counts.sent === 1);
      assert.deepEqual(arrived(receiver), ['firing configuration']);
      const { queued, deadLetters } = await channelOf(second, 'hook');
      assert.deepEqual([queued, deadLetters], [0, []]);
    }));

  it('and the digest that a channel refuses are dead letters, shown and tried again by hand', (t) =>
    inFolder(async (state) => {
      toldDigestOf('2000-01-01', state);
      const digest = 'digest: {at: "00:00", channels: [hook]}';
      const receiver = await startReceiver(t, { status: 404, body: 'no such hook' });
      const service = await startService('v1');
      t.after(() => service.close());
      const gateway = await start(t, receiver, {
        port: service.port,
        state,
        channels: HOOK,
        availability: 0.999,
        digest,
      });
      service.status = 500;
      await Promise.all(Array.from({ length: 60 }, async () => (await fetch(gateway.proxyUrl)).arrayBuffer()));
      const letters = async (): Promise<readonly DeadLetter[]> => (await channelOf(gateway, 'hook')).deadLetters;
      await until('the page is given up', async () =>
        (await letters()).some(({ title }) => title.startsWith('PAGE burn')),
      );
      assert.equal((await letters())[0]?.because, 'status 404: no such hook');
      assert.ok(
        (await alertsOf(gateway)).active.some(({ severity, route }) => severity === 'page' && route === 'shop'),
      );
      const count = async (): Promise<number> => {
        const page = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
        return Number(/sluice_alert_dead_letters\{channel="hook"\} (\d+)/.exec(page)?.[1]);
      };
      assert.ok((await count()) > 0);
      await until('the digest too', async () => (await letters()).some(({ title }) => title === 'daily digest'));
      receiver.reply = UP;
      const [status, answer] = await command(gateway, '/api/v1/alerts/retry');
      assert.equal(status, 200);
      assert.match(JSON.stringify(answer), /"letters":[1-9]/);
      await until('the page arrives', () => arrived(receiver).includes('firing burn'));
      const titles = (): unknown[] => ofHook(receiver).map(({ body }) => readAt(body, 'commonAnnotations.title'));
      await until('the digest arrives', () => titles().includes('Sluice daily digest'));
      await until('nothing is left', async () => (await letters()).length === 0 && (await count()) === 0);
      assert.equal((await command(gateway, '/api/v1/alerts/nobody/test'))[0], 404);
    }));
});
