import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, problemsOf, SOUND } from '../../../support/config.ts';

const CHANNELS =
  'channels: {team: {type: slack, url: {variable: A}}, am: {type: alertmanager, address: "http://am:9093"}}';

test('what rules and the digest name is there, and takes what it is sent', () => {
  for (const [text, hint] of [
    ['rules: [{channels: [«teem]}]', 'did you mean team?'],
    ['rules: [{channels: [team], routes: [«shap]}]', 'did you mean shop?'],
    ['rules: [{channels: [team], services: [«nothing-like-it]}]', ''],
    ['digest: {at: "09:00", channels: [team, «am]}', /alertmanager keeps alerts that begin and end/],
    ['digest: {at: "09:00", channels: [«other]}', ''],
  ] as const) {
    assertProblem(`alerts: {${CHANNELS}, ${text}}\n${SOUND}`, 'SLU1226', hint);
  }
  const sound = `alerts: {${CHANNELS}, rules: [{channels: [am], routes: [shop], services: [shop]}]}\n${SOUND}`;
  assert.equal(configOf(sound).alerts?.rules.length, 1);
});

test('there is a channel, and not too many', () => {
  const codes = (count: number): string[] => {
    const channels = Array.from({ length: count }, (_, n) => `c${n}: {type: slack, url: {variable: A}}`).join(', ');
    return problemsOf(`alerts: {channels: {${channels}}}\n${SOUND}`).map(({ code }) => code);
  };
  assert.deepEqual([codes(0), codes(21)], [['SLU1225'], ['SLU1225']]);
});
