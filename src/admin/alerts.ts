/**
 * Commands about alerts: `POST /api/v1/alerts/{channel}/test`, `…/{channel}/retry` and `/api/v1/alerts/retry`.
 *
 * Who may is as with all commands (commands.ts). A test is sent at once, and answered with what the channel said: 502 when that was
 * no. Dead letters that are tried again only go back to their queue.
 */

import type { IncomingMessage } from 'node:http';
import type { AlertCommand, AlertCommandResult } from '../model/threads/load/alerts.ts';
import { type AdminActions, admit, BODY_BYTES_MAX, bodyOf, cut, jsonObjectOf, reasonIn } from './commands.ts';
import { jsonReply, problemReply, type Reply } from './reply.ts';

const PATH = /^\/api\/v1\/alerts\/(?:([A-Za-z0-9._-]{1,63})\/)?(test|retry)$/;

export type AlertTarget = Pick<AlertCommand, 'name' | 'channel'>;

/** The command of a path as received; null when it names none. */
export function alertTarget(path: string): AlertTarget | null {
  const [match, channel = null, name] = PATH.exec(path) ?? [];
  if (match === undefined) return null;
  if (name === 'retry') return { name, channel };
  return channel === null ? null : { name: 'test', channel };
}

/** Answers a request for one; its host has been checked. */
export async function answerAlerts(
  request: IncomingMessage,
  target: AlertTarget,
  actions: AdminActions | null,
): Promise<Reply> {
  if (request.method !== 'POST') return cut(405, 'A command is sent with POST', { allow: 'POST' });
  const admitted = admit(request, actions);
  if ('turned' in admitted) return admitted.turned;
  const body = await bodyOf(request);
  if (body === null) return cut(413, `A command has at most ${BODY_BYTES_MAX} bytes of body`);
  if (!isReason(body)) return problemReply(400, 'The body may have the field reason, a text, and no others');
  const { alert } = admitted.actions;
  if (alert === undefined) return problemReply(409, 'No alerts are configured');
  return replyOf(await alert({ ...target, by: 'api' } as AlertCommand), target);
}

function isReason(text: string): boolean {
  if (text.trim() === '') return true;
  const body = jsonObjectOf(text);
  if (typeof body === 'string') return false;
  const { reason = '', ...others } = body;
  return reasonIn(reason) !== null && Object.keys(others).length === 0;
}

const STATUS = { unknown: 404, refused: 409, failed: 502 } as const;

function replyOf(result: AlertCommandResult, { channel }: AlertTarget): Reply {
  if (result.kind === 'sent') return jsonReply({ tested: { channel, tookMs: result.tookMs } });
  if (result.kind === 'retried') return jsonReply({ retried: { letters: result.letters } });
  return problemReply(STATUS[result.kind], result.detail);
}
