/**
 * The shape of `alerts`: channels, which alerts go where, how they are gathered, the digest of a day.
 */

import { z } from 'zod';
import { ALERT_KINDS, CHANNEL_TYPES, type ChannelType, SEVERITIES } from '../../model/threads/load/alerts.ts';
import { type Check, didYouMean, wrongType } from '../problems/fault.ts';
import { checkFile, FILE_PATH_META } from '../scalars/directory.ts';
import { checkVariable, VARIABLE_META } from '../scalars/keys.ts';
import { checkUrl, URL_META } from '../scalars/store.ts';
import { DAY_MS, duration, integer, name, named, type PartFault, scalar, withRule, word } from './fields.ts';

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
export const CHANNELS_MAX = 20;
const RULES_MAX = 100;
/** An answer that takes longer would hold up the command that tests the channel. */
const TIMEOUT_MS_MAX = 9000;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** `09:00`. */
const checkTime: Check = (value) => {
  const expected = 'a time of day such as "09:00"';
  if (typeof value !== 'string') return wrongType(expected, value, 'put it in quotes');
  if (TIME.test(value)) return null;
  const isShort = TIME.test(`0${value}`);
  return { kind: 'timeOfDay', expected, hint: isShort ? didYouMean(`"0${value}"`) : '' };
};

/** A zone that this runtime knows. */
const checkZone: Check = (value) => {
  const expected = 'a time zone such as Europe/Berlin, Asia/Shanghai or UTC';
  if (typeof value !== 'string') return wrongType(expected, value);
  return isZone(value) ? null : { kind: 'timeOfDay', expected };
};

function isZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    // A RangeError is how it says that there is none.
    return false;
  }
}

/** A secret by its place, exactly one. */
function secret(description: string) {
  const parts = z.strictObject({
    file: scalar<string>(checkFile, FILE_PATH_META, 'File that holds it').optional(),
    variable: scalar<string>(checkVariable, VARIABLE_META, 'Environment variable that holds it').optional(),
  });
  const rule = ({ file, variable }: z.infer<typeof parts>): PartFault[] => {
    if ((file === undefined) !== (variable === undefined)) return [];
    const got = file === undefined ? 'neither' : 'both';
    return [{ path: [], fault: { kind: 'alertChannel', expected: 'file or variable', got } }];
  };
  return withRule(parts, rule, { minProperties: 1, maxProperties: 1, description });
}

/** What a type of channel takes. `url`: a secret with the whole URL; `address`: one that may be seen. */
interface Takes {
  readonly place: 'url' | 'either' | 'optional';
  readonly secret: 'none' | 'optional' | 'required';
}

const TAKES: Readonly<Record<ChannelType, Takes>> = {
  dingtalk: { place: 'url', secret: 'optional' },
  wecom: { place: 'url', secret: 'none' },
  feishu: { place: 'url', secret: 'optional' },
  slack: { place: 'url', secret: 'none' },
  pagerduty: { place: 'optional', secret: 'required' },
  alertmanager: { place: 'either', secret: 'optional' },
  webhook: { place: 'either', secret: 'optional' },
};

const parts = z.strictObject({
  type: word(CHANNEL_TYPES, 'Who is told'),
  address: scalar<string>(checkUrl, URL_META, 'URL, where it is no secret').optional(),
  url: secret('Where the URL is that is a secret itself').optional(),
  secret: secret('Where the signing secret, the routing key or the bearer token is').optional(),
  perMinute: integer(1, 1000, 'Most requests in a minute; default 20 of DingTalk and WeCom, else 60').optional(),
  timeout: duration(100, TIMEOUT_MS_MAX, 'Longest wait for an answer; default 5s').optional(),
  ca: scalar<string>(
    checkFile,
    FILE_PATH_META,
    'File with the certificates that the server’s must be signed by; default the system’s',
  ).optional(),
});

type ChannelInput = z.infer<typeof parts>;

function channelFaults(channel: ChannelInput): PartFault[] {
  return [...placeFaults(channel), ...secretFaults(channel)];
}

function placeFaults({ type, address, url }: ChannelInput): PartFault[] {
  const { place } = TAKES[type];
  const count = (address === undefined ? 0 : 1) + (url === undefined ? 0 : 1);
  const fault = (field: string, expected: string, got: string, hint = ''): PartFault[] => {
    return [{ path: [field], fault: { kind: 'alertChannel', expected, got, hint } }];
  };
  if (place === 'url' && address !== undefined) {
    return fault(
      'address',
      `url beside type: ${type}`,
      'address',
      'its URL is a secret: name the file or variable that holds it',
    );
  }
  if (count > 1) return fault('url', 'address or url', 'both');
  if (count === 0 && place !== 'optional') {
    return fault(place === 'url' ? 'url' : 'address', place === 'url' ? 'url' : 'address or url', 'neither');
  }
  return [];
}

function secretFaults({ type, address, secret: key }: ChannelInput): PartFault[] {
  const wanted = TAKES[type].secret;
  if (wanted === 'none' && key !== undefined) {
    const expected = `no secret beside type: ${type}`;
    return [{ path: ['secret'], fault: { kind: 'alertChannel', expected, hint: 'its URL is the secret' } }];
  }
  if (wanted === 'required' && key === undefined) {
    const expected = `secret, which ${type} needs`;
    return [{ path: ['secret'], fault: { kind: 'alertChannel', expected, got: 'nothing', hint: 'the routing key' } }];
  }
  if (key === undefined || address === undefined) return [];
  const { protocol, hostname } = new URL(address);
  if (protocol === 'https:' || LOOPBACK.test(hostname)) return [];
  const expected = 'an https URL with secret';
  return [{ path: ['address'], fault: { kind: 'alertInsecure', expected, hint: 'http is for this machine alone' } }];
}

const channel = withRule(parts, channelFaults, {});

const channelNames = z
  .array(name('Name of a channel'))
  .min(1)
  .max(CHANNELS_MAX)
  .meta({ description: 'Names of channels' });

const rule = z.strictObject({
  channels: channelNames,
  severities: z.array(word(SEVERITIES, 'How urgent')).min(1).max(SEVERITIES.length).optional(),
  kinds: z.array(word(ALERT_KINDS, 'What it is about')).min(1).max(ALERT_KINDS.length).optional(),
  routes: z.array(name('Name of a route')).min(1).max(1000).optional(),
  services: z.array(name('Name of a service')).min(1).max(1000).optional(),
});

export const alerts = z.strictObject({
  channels: named(channel, 'Channels by name'),
  rules: z.array(rule).min(1).max(RULES_MAX).optional(),
  group: duration(0, HOUR_MS, 'How long a message waits for others to go with it; default 10s').optional(),
  repeat: duration(
    60 * SECOND_MS,
    7 * DAY_MS,
    'After which an alert that goes on is told again; default 4h',
  ).optional(),
  pageUrl: scalar<string>(checkUrl, URL_META, 'What messages link to; default the admin server').optional(),
  digest: z
    .strictObject({
      at: scalar<string>(checkTime, { type: 'string', pattern: TIME.source }, 'Time of day, "09:00"'),
      zone: scalar<string>(checkZone, { type: 'string' }, 'Time zone, Europe/Berlin; default UTC').optional(),
      channels: channelNames,
    })
    .optional(),
});
