/**
 * Messages as those take them who keep alerts that begin and end: PagerDuty, Alertmanager, and webhooks in Alertmanager's form.
 *
 * Source: PagerDuty Events API v2; Alertmanager API v2 (`POST /api/v2/alerts`) and its webhook of version 4.
 */

import type { Alert, Message, Severity } from '../../../model/threads/load/alerts.ts';
import { cutTo, type Origin, type Text } from '../text.ts';
import { type Address, type Ask, post } from './chats.ts';
import { signWebhook } from './signatures.ts';

/** Longest summary that PagerDuty takes. */
const SUMMARY_BYTES_MAX = 1024;
/** An alert that nobody renews ends by itself in Alertmanager: five times the time between two renewals. */
const RENEWED_MS = 300_000;
const PAGERDUTY_SEVERITY: Readonly<Record<Severity, string>> = { page: 'critical', ticket: 'warning', info: 'info' };

/** One event; the routing key is the channel's secret. */
export function askPagerDuty(message: Message, { title }: Text, { url, secret }: Address, origin: Origin): Ask {
  const [alert] = message.alerts;
  const common = { routing_key: secret, client: 'Sluice', client_url: origin.pageUrl };
  if (alert === undefined) {
    // Opens an incident that a person closes: that is what a test is for.
    const payload = { summary: title, source: origin.gateway, severity: 'info' };
    return post(url, { ...common, event_action: 'trigger', dedup_key: `sluice-test-${origin.gateway}`, payload });
  }
  const { fingerprint, kind, severity, state, route, service } = alert;
  const event = { ...common, dedup_key: fingerprint, event_action: state === 'firing' ? 'trigger' : 'resolve' };
  const payload = {
    summary: cutTo(alert.sentence, SUMMARY_BYTES_MAX),
    source: origin.gateway,
    severity: PAGERDUTY_SEVERITY[severity],
    timestamp: new Date(alert.startedAtMs).toISOString(),
    ...(service === '' ? {} : { component: service }),
    ...(route === '' ? {} : { group: route }),
    class: kind,
  };
  return post(url, { ...event, payload, links: [{ href: origin.pageUrl, text: 'Sluice' }] });
}

/** All alerts of a message at once; the secret is a bearer token. */
export function askAlertmanager(
  message: Message,
  { title }: Text,
  { url, secret, wallMs }: Address,
  origin: Origin,
): Ask {
  const alerts = message.alerts.map((alert) => ({
    labels: labelsOf(alert, origin),
    annotations: { summary: alert.sentence },
    startsAt: new Date(alert.startedAtMs).toISOString(),
    endsAt: new Date(alert.endedAtMs ?? wallMs + RENEWED_MS).toISOString(),
    generatorURL: origin.pageUrl,
  }));
  const test = {
    labels: { alertname: 'SluiceTest', severity: 'info', gateway: origin.gateway },
    annotations: { summary: title },
    startsAt: new Date(wallMs).toISOString(),
    endsAt: new Date(wallMs + RENEWED_MS).toISOString(),
    generatorURL: origin.pageUrl,
  };
  const target = `${url.replace(/\/+$/, '')}/api/v2/alerts`;
  const headers = secret === null ? {} : { authorization: `Bearer ${secret}` };
  return post(target, message.note === null ? alerts : [test], headers);
}

/** Alertmanager's webhook of version 4, signed in a header. A note has no alerts, and its text in the common annotations. */
export function askWebhook(
  message: Message,
  text: Text,
  { url, secret, wallMs }: Address,
  { channel, ...origin }: Origin & { readonly channel: string },
): Ask {
  const alerts = message.alerts.map((alert) => ({
    status: alert.state,
    labels: labelsOf(alert, origin),
    annotations: { summary: alert.sentence },
    startsAt: new Date(alert.startedAtMs).toISOString(),
    endsAt: alert.endedAtMs === null ? '0001-01-01T00:00:00Z' : new Date(alert.endedAtMs).toISOString(),
    generatorURL: origin.pageUrl,
    fingerprint: alert.fingerprint,
  }));
  const [first] = message.alerts;
  const labels = first === undefined ? {} : { alertname: nameOf(first), severity: first.severity };
  const ask = post(url, {
    version: '4',
    groupKey: `sluice/${message.group}`,
    truncatedAlerts: message.more,
    status: message.alerts.some(({ state }) => state === 'firing') || first === undefined ? 'firing' : 'resolved',
    receiver: channel,
    groupLabels: labels,
    commonLabels: { ...labels, gateway: origin.gateway },
    commonAnnotations: { title: text.title, ...(message.note === null ? {} : { text: text.lines.join('\n') }) },
    externalURL: origin.pageUrl,
    alerts,
  });
  if (secret === null) return ask;
  const timestampS = Math.floor(wallMs / 1000);
  const signed = {
    'x-sluice-timestamp': String(timestampS),
    'x-sluice-signature': signWebhook(secret, timestampS, ask.body),
  };
  return { ...ask, headers: { ...ask.headers, ...signed } };
}

function labelsOf(alert: Alert, { gateway }: Origin): Record<string, string> {
  const { severity, kind, route, service, fingerprint } = alert;
  return {
    alertname: nameOf(alert),
    severity,
    kind,
    gateway,
    ...(route === '' ? {} : { route }),
    ...(service === '' ? {} : { service }),
    // Two objectives of one route are two alerts.
    id: fingerprint,
  };
}

/** `SluiceBurn`. */
function nameOf({ kind }: Alert): string {
  return `Sluice${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
}
