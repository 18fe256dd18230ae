/**
 * What bearers of the token have the process do as a whole: `POST /api/v1/reload` reads the configuration and its sources again and
 * says what came of it, `POST /api/v1/drain` ends the process when its exchanges are over.
 *
 * Answers 200 with the outcome of a reload (also of one that was refused: it was done), 504 when it is not known in time; 202 with
 * the limits of a drain that has begun.
 */

import type { IncomingMessage } from 'node:http';
import type { ReloadAnswer } from '../../model/threads/revision.ts';
import { type AdminActions, admit, BODY_BYTES_MAX, bodyOf, CONFIGURE_MS, cut, within } from '../commands.ts';
import { jsonReply, problemReply, type Reply } from '../reply.ts';

/** A drain that has begun, or goes on. */
export interface DrainBegun {
  /** Until connections are no longer accepted, and how long exchanges may take then, ms. */
  readonly delayMs: number;
  readonly timeoutMs: number;
}

/** What can be done to the process as a whole. */
export interface SteerActions {
  /** Resolves when every worker has what came of it. */
  reload(): Promise<ReloadAnswer>;
  /** Begins; a second time it changes nothing. */
  drain(): DrainBegun;
  /** For tests; default CONFIGURE_MS. */
  readonly reloadMs?: number;
}

export type SteerTarget = 'reload' | 'drain';

/** What a path as received names; null when it is none of these. */
export function steerTarget(path: string): SteerTarget | null {
  if (path === '/api/v1/reload') return 'reload';
  return path === '/api/v1/drain' ? 'drain' : null;
}

/** Answers a request; its host has been checked. */
export async function answerSteer(
  request: IncomingMessage,
  target: SteerTarget,
  { actions, steer }: { readonly actions: AdminActions | null; readonly steer: SteerActions | null },
): Promise<Reply> {
  if (request.method !== 'POST') return cut(405, 'A command is sent with POST', { allow: 'POST' });
  const admitted = admit(request, actions);
  if ('turned' in admitted) return admitted.turned;
  const body = await bodyOf(request);
  if (body === null) return cut(413, `A command has at most ${BODY_BYTES_MAX} bytes of body`);
  if (body.trim() !== '') return problemReply(400, `${target} takes no body`);
  if (steer === null) return problemReply(404, 'This server can do nothing of the kind');
  if (target === 'drain') return { ...jsonReply({ drain: steer.drain() }), status: 202 };
  const answer = await within(steer.reloadMs ?? CONFIGURE_MS, steer.reload());
  if (answer === null)
    return problemReply(504, 'Unknown what came of it, look again: not every source has answered yet');
  if (answer.kind === 'refused') return problemReply(409, answer.detail);
  const { outcome, number, hash, problems, unanswered } = answer;
  return jsonReply({ reload: { outcome, number, hash, problems, unanswered } });
}
