import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alerts } from '#src/sources/schema/alerts.ts';
import { assertProblem, SOUND } from '../../../support/config.ts';

const HOOK = 'url: {variable: HOOK}';

function channel(text: string): string {
  return `alerts: {channels: {team: {${text}}}}\n${SOUND}`;
}

test('each type takes what it needs, and nothing else', () => {
  for (const [text, code, hint] of [
    [`type: dingtalk, «address: "https://a.test"`, 'SLU1225', /its URL is a secret/],
    ['type: slack, «secret: {variable: A}, url: {variable: B}', 'SLU1225', 'its URL is the secret'],
    [`type: webhook, address: "https://a.test", «${HOOK}`, 'SLU1225', ''],
    [
      'type: alertmanager, address: «"http://am.test:9093", secret: {variable: A}',
      'SLU1228',
      'http is for this machine alone',
    ],
    [`type: dingtalk, url: «{}`, 'SLU1225', ''],
    [`type: dingtalk, url: «{file: a, variable: B}`, 'SLU1225', ''],
    [`type: dingtalk, url: {variable: «"$B"}`, 'SLU1093', 'the name alone, without ${}'],
    [`type: «discord, ${HOOK}`, 'SLU1023', ''],
    [`type: slack, ${HOOK}, perMinute: «0`, 'SLU1024', ''],
    [`type: slack, ${HOOK}, timeout: «10s`, 'SLU1030', ''],
    [`type: slack, ${HOOK}, «token: x`, 'SLU1020', ''],
  ] as const) {
    const document = channel(text.startsWith('type: slack, «secret') ? text.replace('«secret: ', 'secret: «') : text);
    const place = /«(?:address|url): /.exec(document)?.[0];
    assertProblem(place === undefined ? document : document.replace(place, `${place.slice(1)}«`), code, hint);
  }
});

test('what is missing is named', () => {
  const missing = (value: object): string[] => {
    const { error } = alerts.safeParse({ channels: { team: value } });
    return error?.issues.map(({ path }) => path.join('.')) ?? [];
  };
  assert.deepEqual(missing({ type: 'wecom' }), ['channels.team.url']);
  assert.deepEqual(missing({ type: 'webhook' }), ['channels.team.address']);
  assert.deepEqual(missing({ type: 'pagerduty' }), ['channels.team.secret']);
  for (const type of ['dingtalk', 'wecom', 'feishu', 'slack', 'alertmanager', 'webhook']) {
    assert.deepEqual(missing({ type, url: { file: 'hook' } }), [], type);
  }
  assert.deepEqual(missing({ type: 'webhook', address: 'http://127.0.0.1:1/', secret: { file: 'k' } }), []);
  assert.deepEqual(missing({ type: 'pagerduty', secret: { file: 'k' } }), []);
});

test('times of day, zones, rules and waits are checked', () => {
  const rest = `alerts: {channels: {team: {type: slack, ${HOOK}}}, `;
  for (const [text, code, hint] of [
    ['digest: {at: «"9:00", channels: [team]}}', 'SLU1227', 'did you mean "09:00"?'],
    ['digest: {at: «"24:00", channels: [team]}}', 'SLU1227', ''],
    ['digest: {at: «900, channels: [team]}}', 'SLU1022', 'put it in quotes'],
    ['digest: {at: "09:00", zone: «Mars/Olympus, channels: [team]}}', 'SLU1227', ''],
    ['rules: [{channels: [team], severities: [«urgent]}]}', 'SLU1023', ''],
    ['rules: [{channels: [team], kinds: [«slo]}]}', 'SLU1023', ''],
    ['rules: [{channels: «[]}]}', 'SLU1025', ''],
    ['group: «2h}', 'SLU1030', ''],
    ['repeat: «10s}', 'SLU1030', ''],
    ['pageUrl: «"gw:9900"}', 'SLU1091', 'did you mean http://gw:9900?'],
  ] as const) {
    assertProblem(`${rest}${text}\n${SOUND}`, code, hint);
  }
});
