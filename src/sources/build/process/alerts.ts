/**
 * Builds what the configuration says of alerts from a sound document. Of secrets it has only the places.
 */

import type { SecretOrigin } from '../../../model/threads/color.ts';
import type {
  AlertsConfig,
  ChannelConfig,
  ChannelRule,
  DigestConfig,
  ToldConfig,
} from '../../../model/threads/load/alerts.ts';
import { DEFAULT_ALERTS } from '../../defaults.ts';
import type { DocumentInput } from '../../schema.ts';
import { byName, toMs } from '../values.ts';

type AlertsInput = NonNullable<DocumentInput['alerts']>;
type ChannelInput = AlertsInput['channels'][string];
type SecretInput = NonNullable<ChannelInput['secret']>;

/** Nothing without alerts, so that fingerprints of such configurations stay. */
export function buildAlerts(input: DocumentInput['alerts']): ToldConfig {
  if (input === undefined) return {};
  const { channels, rules = [], group, repeat, pageUrl = null, digest } = input;
  const alerts: AlertsConfig = {
    channels: Object.entries(channels)
      .toSorted(byName)
      .map(([name, channel]) => buildChannel(name, channel)),
    rules: rules.map(buildRule),
    groupMs: toMs(group, DEFAULT_ALERTS.groupMs),
    repeatMs: toMs(repeat, DEFAULT_ALERTS.repeatMs),
    pageUrl,
    digest: digest === undefined ? null : buildDigest(digest),
  };
  return { alerts };
}

function buildChannel(name: string, input: ChannelInput): ChannelConfig {
  const { type, address, url, secret, perMinute, timeout, ca = null } = input;
  const open = address ?? DEFAULT_ALERTS.pagerDutyUrl;
  return {
    name,
    type,
    url: url === undefined ? { kind: 'open', url: open } : buildSecret(url),
    secret: secret === undefined ? null : buildSecret(secret),
    perMinute: perMinute ?? DEFAULT_ALERTS.perMinute[type],
    timeoutMs: toMs(timeout, DEFAULT_ALERTS.timeoutMs),
    ca,
  };
}

function buildSecret({ file, variable }: SecretInput): SecretOrigin {
  return file === undefined ? { kind: 'variable', name: variable as string } : { kind: 'file', path: file };
}

function buildRule(input: NonNullable<AlertsInput['rules']>[number]): ChannelRule {
  const { channels, severities = [], kinds = [], routes = [], services = [] } = input;
  return { channels, severities, kinds, routes, services };
}

function buildDigest({ at, zone, channels }: NonNullable<AlertsInput['digest']>): DigestConfig {
  const [hour = 0, minute = 0] = at.split(':').map(Number);
  return { channels, minute: hour * 60 + minute, zone: zone ?? DEFAULT_ALERTS.zone };
}
