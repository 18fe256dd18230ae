import assert from 'node:assert/strict';
import { test } from 'node:test';
import { channelsFor } from '#src/export/alerts/rules.ts';
import type { ChannelRule } from '#src/model/threads/load/alerts.ts';
import { sampleAlert, sampleChannel } from '../../../support/readings/alerts.ts';

const channels = ['a', 'b', 'c'].map((name) => sampleChannel({ name }));

function ruleOf(changes: Partial<ChannelRule>): ChannelRule {
  return { channels: ['b'], severities: [], kinds: [], routes: [], services: [], ...changes };
}

test('without rules every channel is told', () => {
  assert.deepEqual(channelsFor({ channels, rules: [] }, sampleAlert()), ['a', 'b', 'c']);
});

test('every rule that fits counts, and a channel is told once', () => {
  const rules = [ruleOf({ channels: ['c', 'b'] }), ruleOf({ channels: ['b', 'a'], severities: ['page'] })];
  assert.deepEqual(channelsFor({ channels, rules }, sampleAlert()), ['b', 'c']);
  assert.deepEqual(channelsFor({ channels, rules }, sampleAlert({ severity: 'page' })), ['a', 'b', 'c']);
});

test('all that a rule asks for must be so', () => {
  const rules = [ruleOf({ kinds: ['burn'], routes: ['shop'] })];
  assert.deepEqual(channelsFor({ channels, rules }, sampleAlert()), ['b']);
  assert.deepEqual(channelsFor({ channels, rules }, sampleAlert({ kind: 'budget' })), []);
  assert.deepEqual(channelsFor({ channels, rules }, sampleAlert({ route: '' })), []);
  const ofService = [ruleOf({ services: ['cart'] })];
  assert.deepEqual(channelsFor({ channels, rules: ofService }, sampleAlert()), []);
  assert.deepEqual(channelsFor({ channels, rules: ofService }, sampleAlert({ service: 'cart' })), ['b']);
});
