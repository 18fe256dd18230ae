/**
 * Commands over the admin server, the only thing here that changes anything: `POST /api/v1/rollouts/{route}/{command}` to
 * rollouts, `POST /api/v1/routes/{route}/restore` for versions that are offline because they drifted, and
 * `POST /api/v1/restart`.
 *
 * Who may: bearers of the token. Without a configured one nobody may. A page in a browser cannot: it would need the token in
 * an `Authorization` header, which needs a CORS preflight, which is refused; what a browser says of the request's origin is
 * refused besides, before the token is looked at, and so is any Host that could be rebound (host.ts).
 *
 * ```
 * 421 host ▸ 405 method ▸ 403 other site ▸ 403 read only ▸ 401 token ▸ 415 type ▸ 413 size ▸ 400 body ▸ 404 route ▸ 409 state
 * ```
 * Body: none, or JSON `{"reason": "text", "fix": true}`. Answers 200 with the decision, as JSON; a restart that has begun
 * 202 with the new process's id, and what comes of it shows in the status; a start that waits for the release window
 * 202 with who has it.
 */

import type { IncomingMessage } from 'node:http';
import {
  type CommandResult,
  type RestoreCommand,
  type RestoreResult,
  ROLLOUT_COMMANDS,
  type RolloutCommand,
  type RolloutCommandName,
} from '../model/rollout.ts';
import type { RestartAnswer } from '../model/threads/handover.ts';
import { jsonReply, problemReply, type Reply } from './reply.ts';
import { isTokenOf } from './token.ts';

/** Longest body in bytes. */
export const BODY_BYTES_MAX = 4096;
/** Longest reason in characters: it is logged, shown and kept. */
const REASON_MAX = 500;
const RESTORE_PATH = /^\/api\/v1\/routes\/([A-Za-z0-9._-]{1,253})\/restore$/;
const PATH = /^\/api\/v1\/rollouts\/([A-Za-z0-9._-]{1,253})\/([a-z]{1,16})$/;

/** What the admin server may do besides looking. */
export interface AdminActions {
  /** SHA-256 of the token, hex; null: read only. Asked at each command, so that a new configuration counts at once. */
  tokenHash(): string | null;
  /** Waits only where other gateways have to be asked. */
  command(command: RolloutCommand): CommandResult | Promise<CommandResult>;
  restore(command: RestoreCommand): RestoreResult;
  restart(): RestartAnswer;
  /** Told of every command that was refused before it was understood. */
  onRefused(target: string, because: string): void;
}

/** A command that a path names. */
export type Target =
  | { readonly route: string; readonly name: RolloutCommandName | 'restore' }
  | { readonly name: 'restart' };

/** The command of a path as received; null when it names none. */
export function commandTarget(path: string): Target | null {
  if (path === '/api/v1/restart') return { name: 'restart' };
  const [, restoring] = RESTORE_PATH.exec(path) ?? [];
  if (restoring !== undefined) return { route: restoring, name: 'restore' };
  const [, route = '', name = ''] = PATH.exec(path) ?? [];
  const known = ROLLOUT_COMMANDS.find((command) => command === name);
  return known === undefined ? null : { route, name: known };
}

/** Answers a request for a command; its host has been checked. */
export async function answerCommand(
  request: IncomingMessage,
  target: Target,
  actions: AdminActions | null,
): Promise<Reply> {
  if (request.method !== 'POST') return cut(405, 'A command is sent with POST', { allow: 'POST' });
  const refusal = actions === null ? READ_ONLY : refusalOf(request, actions);
  if (refusal !== null || actions === null) {
    const { status, because } = refusal ?? READ_ONLY;
    actions?.onRefused(request.url ?? '', because);
    return cut(status, because, status === 401 ? { 'www-authenticate': 'Bearer realm="sluice"' } : {});
  }
  const body = await bodyOf(request);
  if (body === null) return cut(413, `A command has at most ${BODY_BYTES_MAX} bytes of body`);
  const wishes = wishesOf(body);
  if (typeof wishes === 'string') return problemReply(400, wishes);
  if (target.name === 'restart') return restartReply(actions.restart());
  const { name, route } = target;
  if (name === 'restore') return restored(actions.restore({ name, route, by: 'api', reason: wishes.reason }));
  const result = await actions.command({ name, route, by: 'api', ...wishes });
  if (result.kind === 'done') return jsonReply({ decision: result.decision });
  if (result.kind === 'waiting') return { ...jsonReply({ waiting: result.detail }), status: 202 };
  return problemReply(result.kind === 'unknown' ? 404 : 409, result.detail);
}

function restored(result: RestoreResult): Reply {
  return result.kind === 'restored' ? jsonReply({ changes: result.changes }) : problemReply(409, result.detail);
}

function restartReply(answer: RestartAnswer): Reply {
  if (answer.kind === 'refused') return problemReply(409, answer.detail);
  return { ...jsonReply({ restart: { pid: answer.pid } }), status: 202 };
}

interface Turned {
  readonly status: number;
  readonly because: string;
}

const READ_ONLY: Turned = {
  status: 403,
  because: 'This server is read only: no token is configured (adminToken, or SLUICE_ADMIN_TOKEN in its environment)',
};

function refusalOf({ headers, headersDistinct }: IncomingMessage, actions: AdminActions): Turned | null {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') {
    return { status: 403, because: 'A page of another site may not send commands' };
  }
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    return { status: 403, because: 'A page of another origin may not send commands' };
  }
  const hash = actions.tokenHash();
  if (hash === null) return READ_ONLY;
  const [given, ...more] = headersDistinct['authorization'] ?? [];
  if (given === undefined) return { status: 401, because: 'A command needs the token: Authorization: Bearer TOKEN' };
  const token = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(given)?.[1];
  if (more.length > 0 || token === undefined || !isTokenOf(token, hash)) {
    return { status: 401, because: 'The token is not the one that was configured' };
  }
  const type = headers['content-type'];
  if (hasBody(headers) && (type === undefined || !/^application\/json\b/i.test(type))) {
    return { status: 415, because: 'A body is application/json' };
  }
  return null;
}

function hasBody(headers: IncomingMessage['headers']): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The whole body as text; null when it is too long. A client that stalls is cut by the server's request timeout. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > BODY_BYTES_MAX) return null;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What the body asks for, or what is wrong with it. */
function wishesOf(text: string): Pick<RolloutCommand, 'reason' | 'isFix'> | string {
  if (text.trim() === '') return { reason: '', isFix: false };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'The body is not JSON';
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'The body is not a JSON object';
  const { reason = '', fix = false, ...unknown } = body as Record<string, unknown>;
  const [field] = Object.keys(unknown);
  if (field !== undefined) return 'The body may have the fields reason and fix, and no others';
  if (typeof reason !== 'string' || reason.length > REASON_MAX)
    return `reason is text of at most ${REASON_MAX} characters`;
  if (typeof fix !== 'boolean') return 'fix is true or false';
  // Controls would forge lines of a log, or move the cursor of whoever reads it.
  return { reason: reason.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim(), isFix: fix };
}

/** A refusal that leaves the body unread, so the connection cannot be used again. */
function cut(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return problemReply(status, detail, { ...headers, connection: 'close' });
}
