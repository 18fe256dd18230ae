/**
 * Messages as chats take them: DingTalk, WeCom, Feishu (Lark), Slack.
 *
 * Text of ours may hold what a chat takes for markup: names of routes, numbers, never what a client sent. Slack's three
 * characters are escaped all the same.
 */

import type { Text } from '../text.ts';
import { cutTo } from '../text.ts';
import { signDingTalk, signFeishu } from './signatures.ts';

/** In bytes; the limits of WeCom (4,096) and of a section of Slack (3,000 characters), and less than those of the others. */
const TEXT_BYTES_MAX = 4096;
const SLACK_TEXT_MAX = 2900;
const SLACK_TITLE_MAX = 150;

/** What a channel is asked: a POST with a body of JSON. */
export interface Ask {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Where a channel is, and what it is signed with, at one instant. */
export interface Address {
  readonly url: string;
  /** null: nothing is signed. */
  readonly secret: string | null;
  /** Wall clock. */
  readonly wallMs: number;
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

/** A POST of JSON. */
export function post(url: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Ask {
  return { url, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) };
}

/** Signed in the query, with milliseconds. */
export function askDingTalk({ title, lines }: Text, { url, secret, wallMs }: Address): Ask {
  const target = new URL(url);
  if (secret !== null) {
    target.searchParams.set('timestamp', String(wallMs));
    target.searchParams.set('sign', signDingTalk(secret, wallMs));
  }
  const text = cutTo([`### ${title}`, ...lines].join('\n\n'), TEXT_BYTES_MAX);
  return post(target.href, { msgtype: 'markdown', markdown: { title, text }, at: { atMobiles: [], isAtAll: false } });
}

/** Signed by nothing: the key in the URL is the secret. */
export function askWeCom({ title, lines }: Text, { url }: Address): Ask {
  const content = cutTo([`**${title}**`, ...lines].join('\n'), TEXT_BYTES_MAX);
  return post(url, { msgtype: 'markdown', markdown: { content } });
}

/** Signed in the body, with seconds. */
export function askFeishu({ title, lines }: Text, { url, secret, wallMs }: Address): Ask {
  const timestampS = Math.floor(wallMs / 1000);
  const signed = secret === null ? {} : { timestamp: String(timestampS), sign: signFeishu(secret, timestampS) };
  const text = cutTo([title, ...lines].join('\n'), TEXT_BYTES_MAX);
  return post(url, { ...signed, msg_type: 'text', content: { text } });
}

/** Signed by nothing; `text` is what notifications show. */
export function askSlack({ title, lines }: Text, { url }: Address): Ask {
  const text = cutTo(lines.map(escaped).join('\n'), SLACK_TEXT_MAX);
  const blocks = [
    { type: 'header', text: { type: 'plain_text', text: cutTo(title, SLACK_TITLE_MAX) } },
    { type: 'section', text: { type: 'mrkdwn', text } },
  ];
  return post(url, { text: escaped(title), blocks });
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
