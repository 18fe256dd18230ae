/**
 * Alerts, conditions and channels as tests want them, with room for changes.
 */

import type {
  ActiveAlert,
  Alert,
  AlertsConfig,
  ChannelConfig,
  ChannelStatus,
  Condition,
  Message,
} from '#src/model/threads/load/alerts.ts';

/** The wall clock at the beginning of tests: 2023-11-14T22:13:20Z. */
export const WALL_MS = 1_700_000_000_000;

export function sampleCondition(changes: Partial<Condition> = {}): Condition {
  return {
    kind: 'burn',
    severity: 'ticket',
    key: 'gw burn route/shop/availability 3d',
    route: 'shop',
    service: '',
    sentence: 'route shop burns 14 times too fast',
    isElsewhere: false,
    ...changes,
  };
}

export function sampleAlert(changes: Partial<Alert> = {}): Alert {
  const { isElsewhere: _, ...condition } = sampleCondition();
  return {
    ...condition,
    fingerprint: '0123456789abcdef',
    state: 'firing',
    startedAtMs: WALL_MS,
    endedAtMs: null,
    ...changes,
  };
}

export function sampleMessage(changes: Partial<Message> = {}): Message {
  return { id: 1, group: 'burn ticket', alerts: [sampleAlert()], more: 0, note: null, atMs: WALL_MS, ...changes };
}

export function sampleChannel(changes: Partial<ChannelConfig> = {}): ChannelConfig {
  return {
    name: 'team',
    type: 'webhook',
    url: { kind: 'open', url: 'http://127.0.0.1:1/hook' },
    secret: null,
    perMinute: 60,
    timeoutMs: 30_000,
    ca: null,
    ...changes,
  };
}

export function sampleAlerts(changes: Partial<AlertsConfig> = {}): AlertsConfig {
  return {
    channels: [sampleChannel()],
    rules: [],
    groupMs: 10_000,
    repeatMs: 3_600_000,
    pageUrl: null,
    digest: null,
    ...changes,
  };
}

export function sampleActive(changes: Partial<ActiveAlert> = {}): ActiveAlert {
  const { fingerprint, kind, severity, route, service, sentence } = sampleAlert();
  return { fingerprint, kind, severity, route, service, sentence, since: '2023-11-14T22:13:20.000Z', ...changes };
}

/** With one dead letter. */
export function sampleChannelStatus(changes: Partial<ChannelStatus> = {}): ChannelStatus {
  const [at, diedAt] = ['2023-11-14T22:13:20.000Z', '2023-11-14T22:20:00.000Z'];
  return {
    name: 'team',
    type: 'slack',
    state: 'idle',
    queued: 0,
    oldestAt: '',
    nextTryMs: 0,
    counts: { sent: 12, failed: 3, dropped: 0, dead: 1, merged: 2 },
    sentAt: at,
    lastError: '',
    deadLetters: [{ id: 4, title: 'PAGE burn: 1 firing', because: 'status 404: no_service', at, diedAt }],
    ...changes,
  };
}

/** What comes back from the state store. */
export function asSaved<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
