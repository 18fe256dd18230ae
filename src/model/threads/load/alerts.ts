/**
 * Nouns of alerts: what may be wrong, whom it is told to, how the telling stands.
 */

import type { SloIndicator, SloScope } from '../../slo.ts';
import type { SecretOrigin } from '../color.ts';

/** Who can be told. */
export const CHANNEL_TYPES = ['dingtalk', 'wecom', 'feishu', 'slack', 'pagerduty', 'alertmanager', 'webhook'] as const;
export type ChannelType = (typeof CHANNEL_TYPES)[number];

/** Where people read sentences; the others keep alerts that begin and end. */
export const CHATS: ReadonlySet<ChannelType> = new Set(['dingtalk', 'wecom', 'feishu', 'slack', 'webhook']);

/** `page`: somebody looks now. `ticket`: somebody looks today. `info`: told once, it does not end. */
export const SEVERITIES = ['page', 'ticket', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * What it is about: a burn rate, a spent budget, a decision about a canary, a configuration that was not taken or was taken back,
 * a version without traffic, a source that does not answer, a process that is short of something, certificates, the state's file.
 */
export const ALERT_KINDS = [
  'burn',
  'budget',
  'rollout',
  'configuration',
  'version',
  'source',
  'saturation',
  'certificate',
  'state',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** One channel. Its secrets are where the origins say, never in here. */
export interface ChannelConfig {
  readonly name: string;
  readonly type: ChannelType;
  /** Where it is, or where the URL is that is a secret itself. */
  readonly url: { readonly kind: 'open'; readonly url: string } | SecretOrigin;
  /** Signing secret, routing key or bearer token, as the type has it; null: none. */
  readonly secret: SecretOrigin | null;
  /** Most requests in a minute. */
  readonly perMinute: number;
  /** Longest wait for an answer. */
  readonly timeoutMs: number;
  /** File with the certificates that the server's must be signed by; null: the system's. */
  readonly ca: string | null;
}

/** Which alerts go to which channels; an empty list asks for nothing. */
export interface ChannelRule {
  readonly channels: readonly string[];
  readonly severities: readonly Severity[];
  readonly kinds: readonly AlertKind[];
  readonly routes: readonly string[];
  readonly services: readonly string[];
}

/** A summary once a day. */
export interface DigestConfig {
  readonly channels: readonly string[];
  /** Minutes after midnight there. */
  readonly minute: number;
  /** IANA name of the time zone. */
  readonly zone: string;
}

export interface AlertsConfig {
  /** In the order of their names. */
  readonly channels: readonly ChannelConfig[];
  /** Empty: every channel is told everything. */
  readonly rules: readonly ChannelRule[];
  /** How long a message waits for others to go with it. */
  readonly groupMs: number;
  /** After which an alert that goes on is told again. */
  readonly repeatMs: number;
  /** What messages link to; null: the admin server's own address. */
  readonly pageUrl: string | null;
  readonly digest: DigestConfig | null;
}

/** The part of a configuration that is about them. */
export interface ToldConfig {
  /** Absent: nobody is told. */
  readonly alerts?: AlertsConfig;
}

/** What is wrong with an objective now. */
export interface ObjectiveTrouble {
  readonly kind: 'burn' | 'budget';
  readonly scope: SloScope;
  readonly name: string;
  readonly indicator: SloIndicator;
  readonly severity: 'page' | 'ticket';
  /** Which of its alerts: the objective's id, and of a burn rate its longer window. */
  readonly key: string;
  /** With the numbers. */
  readonly sentence: string;
}

/** What is wrong with all of them. */
export interface ObjectiveTroubles {
  /** In the order of the configuration. */
  readonly found: readonly ObjectiveTrouble[];
  /** Further ones, which are only counted. */
  readonly unsaid: number;
}

/** Something that is so now. While it is, it is the same alert: by its fingerprint. */
export interface Condition {
  readonly kind: AlertKind;
  readonly severity: Severity;
  /** Names it: the same text as long as it is the same thing. */
  readonly key: string;
  /** Empty where it is about none. */
  readonly route: string;
  readonly service: string;
  /** One sentence with the numbers. */
  readonly sentence: string;
  /** Another gateway of the fleet tells of it. */
  readonly isElsewhere: boolean;
}

/** An alert as it is told. */
export interface Alert extends Omit<Condition, 'isElsewhere'> {
  /** 16 hex digits, over the key. */
  readonly fingerprint: string;
  readonly state: 'firing' | 'resolved';
  /** Wall clock in ms. */
  readonly startedAtMs: number;
  /** null while it goes on. */
  readonly endedAtMs: number | null;
}

/** What is sent at once: alerts of one group, or text. */
export interface Message {
  /** Counts up within the channel. */
  readonly id: number;
  readonly group: string;
  readonly alerts: readonly Alert[];
  /** Alerts of the group that there was no room for. */
  readonly more: number;
  /** A digest or a test: lines to be read, and no alerts. Null: alerts. */
  readonly note: { readonly title: string; readonly lines: readonly string[] } | null;
  /** Wall clock in ms. */
  readonly atMs: number;
}

/** What came of sending. `limited`: come back later; `unavailable`: nobody answered, or not in its senses; `refused`: it said no. */
export type Outcome =
  | { readonly kind: 'sent' }
  | { readonly kind: 'limited'; readonly because: string; readonly retryMs: number }
  | { readonly kind: 'unavailable' | 'refused'; readonly because: string };

/** A message that was given up. */
export interface DeadLetter {
  readonly id: number;
  /** First line of the message. */
  readonly title: string;
  readonly because: string;
  /** Wall clocks, ISO 8601. */
  readonly at: string;
  readonly diedAt: string;
}

export interface ChannelStatus {
  readonly name: string;
  readonly type: ChannelType;
  /** `idle`: nothing waits · `waiting`: for its group, or its turn · `retrying`: it failed and is tried again · `unusable`: no URL or key. */
  readonly state: 'idle' | 'waiting' | 'retrying' | 'unusable';
  /** Messages that wait. */
  readonly queued: number;
  /** Since when the oldest waits, ISO 8601; empty: none does. */
  readonly oldestAt: string;
  /** When it is tried next; 0: now, or nothing waits. */
  readonly nextTryMs: number;
  /** Since the start; `dropped`: messages for which the queue had no room. */
  readonly counts: {
    readonly sent: number;
    readonly failed: number;
    readonly dropped: number;
    readonly dead: number;
    readonly merged: number;
  };
  /** ISO 8601; empty before the first. */
  readonly sentAt: string;
  /** Empty when the last try went well. */
  readonly lastError: string;
  /** Newest last. */
  readonly deadLetters: readonly DeadLetter[];
}

export interface ActiveAlert
  extends Pick<Alert, 'fingerprint' | 'kind' | 'severity' | 'route' | 'service' | 'sentence'> {
  /** ISO 8601. */
  readonly since: string;
}

export interface AlertsStatus {
  /** That go on now, newest last, at most 100 of them. */
  readonly active: readonly ActiveAlert[];
  readonly activeCount: number;
  /** Conditions for which there was no room, since the start. */
  readonly dropped: number;
  readonly channels: readonly ChannelStatus[];
}

/** What a person asks for. `channel`: null = of all. */
export type AlertCommand =
  | { readonly name: 'test'; readonly channel: string; readonly by: string }
  | { readonly name: 'retry'; readonly channel: string | null; readonly by: string };

/** `unknown`: there is no such channel; `failed`: it was tried. */
export type AlertCommandResult =
  | { readonly kind: 'sent'; readonly tookMs: number }
  | { readonly kind: 'retried'; readonly letters: number }
  | { readonly kind: 'unknown' | 'refused' | 'failed'; readonly detail: string };
