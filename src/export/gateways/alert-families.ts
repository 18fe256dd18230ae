/**
 * Metric families of alerts: what goes on, and how the telling stands. None has a sample while no alerts are configured.
 */

import { type AlertsStatus, type ChannelStatus, SEVERITIES } from '../../model/threads/load/alerts.ts';
import type { Family, Sample } from '../family.ts';

const RESULTS = ['sent', 'failed', 'dropped', 'dead', 'merged'] as const;

export const ALERT_FAMILIES: readonly Family[] = [
  of(
    {
      name: 'sluice_alerts_active',
      help: 'Alerts that go on, at most 100 of them, by severity',
      type: 'gauge',
      labels: ['severity'],
    },
    function* ({ active }) {
      for (const severity of SEVERITIES) {
        yield { labels: { severity }, value: active.filter((alert) => alert.severity === severity).length };
      }
    },
  ),
  of(
    { name: 'sluice_alerts_dropped_total', help: 'Conditions for which there was no room', type: 'counter' },
    ({ dropped }) => [{ labels: {}, value: dropped }],
  ),
  of(
    {
      name: 'sluice_alert_messages_total',
      help: 'Messages to a channel: sent, tries that failed, dropped from a full queue, given up, alerts joined to one that waited',
      type: 'counter',
      labels: ['channel', 'result'],
    },
    function* ({ channels }) {
      for (const { name: channel, counts } of channels) {
        for (const result of RESULTS) yield { labels: { channel, result }, value: counts[result] };
      }
    },
  ),
  ofChannels('sluice_alert_queue', 'Messages that wait for a channel', ({ queued }) => queued),
  ofChannels('sluice_alert_dead_letters', 'Messages that were given up and can be tried again', ({ deadLetters }) => {
    return deadLetters.length;
  }),
  ofChannels('sluice_alert_channel_failing', '1 while a channel is retried or cannot be used', ({ state }) => {
    return state === 'retrying' || state === 'unusable' ? 1 : 0;
  }),
];

function ofChannels(name: string, help: string, read: (channel: ChannelStatus) => number): Family {
  return of({ name, help, type: 'gauge', labels: ['channel'] }, ({ channels }) => {
    return channels.map((channel) => ({ labels: { channel: channel.name }, value: read(channel) }));
  });
}

function of(facts: Omit<Family, 'collect'>, read: (status: AlertsStatus) => Iterable<Sample>): Family {
  return {
    ...facts,
    *collect({ status }) {
      if (status.alerts !== null) yield* read(status.alerts);
    },
  };
}
