/**
 * What a channel's reply means: each has its own way to say no, and some say it with status 200.
 *
 * | channel | taken | come back later | no |
 * |---|---|---|---|
 * | DingTalk, WeCom | 200 and `errcode` 0 | 429, code of a limit; DingTalk: 302 for ten minutes | other codes |
 * | Feishu | 200 and `code` 0 | 429, code of a limit | other codes |
 * | Slack | 200 and `ok` | 429 | other texts, 4xx |
 * | PagerDuty | 202 | 429 | 4xx |
 * | Alertmanager, webhook | 2xx | 429 | 4xx |
 *
 * 408, 5xx and anything that is not what the table says are `unavailable`. Replies are repeated in messages of ours, but never
 * what was asked.
 */

import type { ChannelType, Outcome } from '../../model/threads/load/alerts.ts';

/** What was answered. */
export interface Answer {
  readonly status: number;
  /** The header of that name; null: there is none. */
  readonly retryAfter: string | null;
  readonly text: string;
  /** Takes secrets out of what is repeated, before it is cut. Default: there are none. */
  readonly hide?: (text: string) => string;
}

/** Codes that say: too many. */
const LIMIT_CODES: Readonly<Record<string, ReadonlySet<number>>> = {
  dingtalk: new Set([130_101]),
  wecom: new Set([45_009]),
  feishu: new Set([11_232]),
};
/** A minute has gone by then, whichever it is counted by. */
const LIMIT_MS = 60_000;
const DINGTALK_BANNED_MS = 600_000;
const SHOWN_CHARS_MAX = 160;

/** @param wallMs wall clock, for a Retry-After that is a date */
export function outcomeOf(type: ChannelType, answer: Answer, wallMs: number): Outcome {
  const { status } = answer;
  if (status === 429) return limited('status 429', retryMsOf(answer.retryAfter, wallMs));
  if (type === 'dingtalk' && status === 302) return limited('status 302: too many messages', DINGTALK_BANNED_MS);
  if (status === 408 || status >= 500) return { kind: 'unavailable', because: shown(answer) };
  if (status < 200 || status >= 300) return { kind: 'refused', because: shown(answer) };
  switch (type) {
    case 'dingtalk':
    case 'wecom':
      return codeOutcome(type, answer, 'errcode', 'errmsg');
    case 'feishu':
      return codeOutcome(type, answer, 'code', 'msg');
    case 'slack':
      return answer.text.trim() === 'ok' ? SENT : { kind: 'refused', because: shown(answer) };
    case 'pagerduty':
      return status === 202 ? SENT : { kind: 'unavailable', because: shown(answer) };
    default:
      return SENT;
  }
}

const SENT: Outcome = { kind: 'sent' };

function codeOutcome(type: ChannelType, answer: Answer, member: string, words: string): Outcome {
  const body = bodyOf(answer.text);
  const code = body?.[member];
  if (code === 0) return SENT;
  // A proxy's page, or half an answer.
  if (typeof code !== 'number') return { kind: 'unavailable', because: shown(answer) };
  const said = typeof body?.[words] === 'string' ? `: ${oneLine(body[words], answer.hide)}` : '';
  const because = `${member} ${code}${said}`;
  return LIMIT_CODES[type]?.has(code) === true ? limited(because, LIMIT_MS) : { kind: 'refused', because };
}

function limited(because: string, retryMs: number): Outcome {
  return { kind: 'limited', because, retryMs };
}

/** Seconds or a date (RFC 9110 section 10.2.3); a minute where it says nothing that can be understood. */
function retryMsOf(text: string | null, wallMs: number): number {
  if (text === null) return LIMIT_MS;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? LIMIT_MS : Math.max(0, atMs - wallMs);
}

function bodyOf(text: string): Record<string, unknown> | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : null;
  } catch {
    // The caller says what was answered instead.
    return null;
  }
}

function shown({ status, text, hide }: Answer): string {
  const said = oneLine(text, hide);
  return said === '' ? `status ${status}` : `status ${status}: ${said}`;
}

/** Controls would forge lines of a log. */
function oneLine(text: string, hide: Answer['hide'] = (all) => all): string {
  return hide(text)
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, ' ')
    .trim()
    .slice(0, SHOWN_CHARS_MAX);
}
