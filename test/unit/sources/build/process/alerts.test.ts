import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildAlerts } from '#src/sources/build/process/alerts.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

test('no alerts are none', () => {
  assert.deepEqual(buildAlerts(undefined), {});
  assert.equal('alerts' in configOf(SOUND), false, 'so that fingerprints stay');
});

test('what is not said is as documented, channels in the order of their names', () => {
  const { alerts } = configOf(`alerts:
  channels:
    oncall: {type: pagerduty, secret: {variable: PD_KEY}}
    chat: {type: dingtalk, url: {file: /run/secrets/hook}}
${SOUND}`);
  const common = { timeoutMs: 5000, ca: null };
  assert.deepEqual(alerts, {
    channels: [
      {
        name: 'chat',
        type: 'dingtalk',
        url: { kind: 'file', path: '/run/secrets/hook' },
        secret: null,
        perMinute: 20,
        ...common,
      },
      {
        name: 'oncall',
        type: 'pagerduty',
        url: { kind: 'open', url: 'https://events.pagerduty.com/v2/enqueue' },
        secret: { kind: 'variable', name: 'PD_KEY' },
        perMinute: 60,
        ...common,
      },
    ],
    rules: [],
    groupMs: 10_000,
    repeatMs: 14_400_000,
    pageUrl: null,
    digest: null,
  });
});

test('everything can be said', () => {
  const { alerts } = configOf(`alerts:
  channels:
    hook: {type: webhook, address: "https://a.test/x", secret: {file: k}, perMinute: 5, timeout: 1s, ca: ca.pem}
  rules:
    - {channels: [hook], severities: [page], kinds: [burn, budget], routes: [shop], services: [shop]}
    - {channels: [hook]}
  group: 1m
  repeat: 1h
  pageUrl: https://gw.test
  digest: {at: "23:59", zone: Asia/Shanghai, channels: [hook]}
${SOUND}`);
  const url = { kind: 'open', url: 'https://a.test/x' } as const;
  const secret = { kind: 'file', path: 'k' } as const;
  assert.deepEqual(alerts, {
    channels: [{ name: 'hook', type: 'webhook', url, secret, perMinute: 5, timeoutMs: 1000, ca: 'ca.pem' }],
    rules: [
      { channels: ['hook'], severities: ['page'], kinds: ['burn', 'budget'], routes: ['shop'], services: ['shop'] },
      { channels: ['hook'], severities: [], kinds: [], routes: [], services: [] },
    ],
    groupMs: 60_000,
    repeatMs: 3_600_000,
    pageUrl: 'https://gw.test',
    digest: { channels: ['hook'], minute: 1439, zone: 'Asia/Shanghai' },
  });
});
