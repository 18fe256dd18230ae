/**
 * What a channel is asked for a message, by its type.
 */

import type { ChannelType, Message } from '../../../model/threads/load/alerts.ts';
import { type Origin, textOf } from '../text.ts';
import { type Address, type Ask, askDingTalk, askFeishu, askSlack, askWeCom } from './chats.ts';
import { askAlertmanager, askPagerDuty, askWebhook } from './incidents.ts';

/** Made at the moment of sending: signatures hold for a while only. */
export function askFor(
  { type, name }: { readonly type: ChannelType; readonly name: string },
  message: Message,
  address: Address,
  origin: Origin,
): Ask {
  const text = textOf(message, origin);
  switch (type) {
    case 'dingtalk':
      return askDingTalk(text, address);
    case 'wecom':
      return askWeCom(text, address);
    case 'feishu':
      return askFeishu(text, address);
    case 'slack':
      return askSlack(text, address);
    case 'pagerduty':
      return askPagerDuty(message, text, address, origin);
    case 'alertmanager':
      return askAlertmanager(message, text, address, origin);
    case 'webhook':
      return askWebhook(message, text, address, { channel: name, ...origin });
    default:
      return type satisfies never;
  }
}
