/**
 * Commands over the admin server, which with weights (weights.ts) are all that changes anything:
 * `POST /api/v1/rollouts/{route}/{command}` to rollouts, `POST /api/v1/routes/{route}/restore` for versions that are offline
 * because they drifted, `POST /api/v1/config/{rollback,unpin}`, `POST /api/v1/faults/stop` and `POST /api/v1/restart`.
 *
 * Who may: bearers of the token. Without a configured one nobody may. A page in a browser cannot: it would need the token in
 * an `Authorization` header, which needs a CORS preflight, which is refused; what a browser says of the request's origin is
 * refused besides, before the token is looked at, and so is any Host that could be rebound (host.ts).
 *
 * ```
 * 421 host ▸ 405 method ▸ 403 other site ▸ 403 read only ▸ 401 token ▸ 415 type ▸ 413 size ▸ 400 body ▸ 404 route ▸ 409 state
 * ```
 * Body: none, or JSON `{"reason": "text", "fix": true}`, of a rollback `{"reason": "text", "revision": "12"}`. Answers 200
 * with the decision, as JSON; 504 when it is not known in time whether the configuration was changed; a restart that has begun 202 with the new process's id, and what comes of it shows in the
 * status; a start that waits for the release window 202 with who has it.
 */

import type { IncomingMessage } from 'node:http';
import {
  type CommandResult,
  type RestoreCommand,
  type RestoreResult,
  ROLLOUT_COMMANDS,
  type RolloutCommand,
  type RolloutCommandName,
  type WeightsAnswer,
  type WeightsCommand,
} from '../model/rollout.ts';
import type { FaultStop, FaultStopResult } from '../model/threads/faults.ts';
import type { RestartAnswer } from '../model/threads/handover.ts';
import type { AlertCommand, AlertCommandResult } from '../model/threads/load/alerts.ts';
import { CONFIG_COMMANDS, type ConfigCommand, type ConfigCommandResult } from '../model/threads/revision.ts';
import { jsonReply, problemReply, type Reply } from './reply.ts';
import { isTokenOf } from './token.ts';

/** Longest body in bytes. */
export const BODY_BYTES_MAX = 4096;
/** Longest reason in characters: it is logged, shown and kept. */
const REASON_MAX = 500;
const RESTORE_PATH = /^\/api\/v1\/routes\/([A-Za-z0-9._-]{1,253})\/restore$/;
const CONFIG_PATH = /^\/api\/v1\/config\/([a-z]{1,16})$/;
/** Longest wait for a command to the configuration: less than the admin server leaves a silent connection. */
export const CONFIGURE_MS = 10_000;
/** A number or a hash. */
const REVISION_MAX = 64;
const PATH = /^\/api\/v1\/rollouts\/([A-Za-z0-9._-]{1,253})\/([a-z]{1,16})$/;

/** What the admin server may do besides looking. */
export interface AdminActions {
  /** SHA-256 of the token, hex; null: read only. Asked at each command, so that a new configuration counts at once. */
  tokenHash(): string | null;
  /** Waits only where other gateways have to be asked. */
  command(command: RolloutCommand): CommandResult | Promise<CommandResult>;
  restore(command: RestoreCommand): RestoreResult;
  /** Resolves when every worker obeys. */
  configure(command: ConfigCommand): Promise<ConfigCommandResult>;
  /** Ends faults on purpose before their time. */
  stopFaults(stop: FaultStop): FaultStopResult;
  /** Tests channels, and tries dead letters again; without it there are no alerts. Bounded in time by itself. */
  readonly alert?: (command: AlertCommand) => Promise<AlertCommandResult>;
  /** For tests; default CONFIGURE_MS. */
  readonly configureMs?: number;
  restart(): RestartAnswer;
  /** Bounded in time by itself. */
  setWeights(command: WeightsCommand): Promise<WeightsAnswer>;
  /** Told of every command that was refused before it was understood. */
  onRefused(target: string, because: string): void;
}

/** A command that a path names. */
export type Target =
  | { readonly route: string; readonly name: RolloutCommandName | 'restore' }
  | { readonly name: ConfigCommand['name'] }
  | { readonly name: 'restart' | 'stop-faults' };

/** The command of a path as received; null when it names none. */
export function commandTarget(path: string): Target | null {
  if (path === '/api/v1/restart') return { name: 'restart' };
  if (path === '/api/v1/faults/stop') return { name: 'stop-faults' };
  const [, configuring = ''] = CONFIG_PATH.exec(path) ?? [];
  const configured = CONFIG_COMMANDS.find((name) => name === configuring);
  if (configured !== undefined) return { name: configured };
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
  const admitted = admit(request, actions);
  if ('turned' in admitted) return admitted.turned;
  const body = await bodyOf(request);
  if (body === null) return cut(413, `A command has at most ${BODY_BYTES_MAX} bytes of body`);
  const wishes = wishesOf(body);
  if (typeof wishes === 'string') return problemReply(400, wishes);
  const { revision, ...rest } = wishes;
  if (revision !== '' && target.name !== 'rollback') return problemReply(400, 'Only a rollback takes a revision');
  if (!('route' in target)) return answerGateway(target.name, { reason: rest.reason, revision }, admitted.actions);
  const { name, route } = target;
  if (name === 'restore') return restored(admitted.actions.restore({ name, route, by: 'api', reason: wishes.reason }));
  const result = await admitted.actions.command({ name, route, by: 'api', ...rest });
  if (result.kind === 'done') return jsonReply({ decision: result.decision });
  if (result.kind === 'waiting') return { ...jsonReply({ waiting: result.detail }), status: 202 };
  return problemReply(result.kind === 'unknown' ? 404 : 409, result.detail);
}

/** Commands to the gateway as a whole. */
async function answerGateway(
  name: 'restart' | 'stop-faults' | ConfigCommand['name'],
  { reason, revision }: Pick<Wishes, 'reason' | 'revision'>,
  actions: AdminActions,
): Promise<Reply> {
  if (name === 'restart') return restartReply(actions.restart());
  if (name === 'stop-faults') {
    const result = actions.stopFaults({ by: 'api', reason });
    return result.kind === 'stopped' ? jsonReply({ stopped: result.ids }) : problemReply(409, result.detail);
  }
  if (name === 'rollback' && reason === '') return problemReply(400, 'A rollback needs a reason');
  const said = { by: 'api', reason } as const;
  const configuring = actions.configure(name === 'rollback' ? { name, to: revision, ...said } : { name, ...said });
  const result = await within(actions.configureMs ?? CONFIGURE_MS, configuring);
  if (result === null) return problemReply(504, 'Unknown whether it was done, look again: not every worker has it yet');
  if (result.kind !== 'done') return problemReply(result.kind === 'unknown' ? 404 : 409, result.detail);
  const { sentence, number, hash } = result;
  return jsonReply({ done: { sentence, number, hash } });
}

/** Null after a time; what was begun goes on. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, ms, null);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function restored(result: RestoreResult): Reply {
  return result.kind === 'restored' ? jsonReply({ changes: result.changes }) : problemReply(409, result.detail);
}

function restartReply(answer: RestartAnswer): Reply {
  if (answer.kind === 'refused') return problemReply(409, answer.detail);
  const { pid, limitMs } = answer;
  return { ...jsonReply({ restart: { pid, limitMs } }), status: 202 };
}

/** A refusal before anything was understood. */
interface Turned {
  readonly status: number;
  readonly because: string;
}

/** What somebody may do who asks for a change, whatever it is; `turned`: he may not. */
export function admit(
  request: IncomingMessage,
  actions: AdminActions | null,
): { readonly actions: AdminActions } | { readonly turned: Reply } {
  const refusal = actions === null ? READ_ONLY : refusalOf(request, actions);
  if (refusal === null && actions !== null) return { actions };
  const { status, because } = refusal ?? READ_ONLY;
  actions?.onRefused(request.url ?? '', because);
  return { turned: cut(status, because, status === 401 ? { 'www-authenticate': 'Bearer realm="sluice"' } : {}) };
}

/** Nobody may change anything. */
const READ_ONLY: Turned = {
  status: 403,
  because: 'This server is read only: no token is configured (adminToken, or SLUICE_ADMIN_TOKEN in its environment)',
};

/** Null: a change may be asked for. */
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
export async function bodyOf(request: IncomingMessage): Promise<string | null> {
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

/** What a body asks for; `revision` is empty without one. */
type Wishes = Pick<RolloutCommand, 'reason' | 'isFix'> & { readonly revision: string };

/** What the body asks for, or what is wrong with it. */
function wishesOf(text: string): Wishes | string {
  if (text.trim() === '') return { reason: '', isFix: false, revision: '' };
  const body = jsonObjectOf(text);
  if (typeof body === 'string') return body;
  const { reason: given = '', fix = false, revision = '', ...unknown } = body;
  const [field] = Object.keys(unknown);
  if (field !== undefined) return 'The body may have the fields reason, fix and revision, and no others';
  const reason = reasonIn(given);
  if (reason === null) return `reason is text of at most ${REASON_MAX} characters`;
  if (typeof fix !== 'boolean') return 'fix is true or false';
  if (typeof revision !== 'string' || revision.length > REVISION_MAX) return 'revision is a number or a hash, as text';
  return { reason, isFix: fix, revision };
}

/** The fields of a JSON object, or what is wrong with the text. */
export function jsonObjectOf(text: string): Record<string, unknown> | string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return 'The body is not JSON';
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'The body is not a JSON object';
  return body as Record<string, unknown>;
}

/** A reason on one line; null when it is none. Controls would forge lines of a log, or move the cursor of whoever reads it. */
export function reasonIn(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > REASON_MAX) return null;
  return value.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim();
}

/** A refusal that leaves the body unread, so the connection cannot be used again. */
export function cut(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return problemReply(status, detail, { ...headers, connection: 'close' });
}
