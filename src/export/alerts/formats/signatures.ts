/**
 * Signatures by which receivers know that a message is ours.
 *
 * | receiver | key | signed | form |
 * |---|---|---|---|
 * | DingTalk | secret | `<ms>\n<secret>` | base64, in the query |
 * | Feishu | `<s>\n<secret>` | nothing | base64, in the body |
 * | webhook | secret | `<s>.<body>` | `sha256=` and hex, in a header |
 *
 * All are HMAC-SHA256 (RFC 2104).
 */

import { createHmac } from 'node:crypto';

/** For the query parameter `sign`, not yet encoded. @param timestampMs goes beside it */
export function signDingTalk(secret: string, timestampMs: number): string {
  return createHmac('sha256', secret).update(`${timestampMs}\n${secret}`).digest('base64');
}

/** For the member `sign`. @param timestampS goes beside it */
export function signFeishu(secret: string, timestampS: number): string {
  return createHmac('sha256', `${timestampS}\n${secret}`).digest('base64');
}

/** For the header `X-Sluice-Signature`. @param timestampS goes beside it, in `X-Sluice-Timestamp` */
export function signWebhook(secret: string, timestampS: number, body: string): string {
  return `sha256=${createHmac('sha256', secret).update(`${timestampS}.${body}`).digest('hex')}`;
}
