/**
 * Asks a running gateway's admin server.
 */

import type { Forecast, ForecastAnswer, ForecastQuestion, RolloutCommandName } from '../../../model/rollout.ts';
import type { Decision, DriftChange, LoggedDecision } from '../../../model/slo.ts';
import type { Status } from '../../../model/status.ts';
import type {
  InForceAnswer,
  RouteAnswer,
  RouteExplanation,
  RouteListing,
  RouteQuestion,
  SettingInForce,
} from '../../../model/threads/explain.ts';
import type {
  ConfigCommand,
  ConfigCommandResult,
  DiffResult,
  RevisionDiff,
  RevisionEntry,
} from '../../../model/threads/revision.ts';

const TIMEOUT_MS = 5000;
const EXPLAIN_TIMEOUT_MS = 60_000;
/** Longer than the gateway takes to say what came of a command to its configuration. */
const CONFIGURE_TIMEOUT_MS = 15_000;

/** Where the admin server listens by default. */
export const DEFAULT_ADMIN = 'http://127.0.0.1:9900';

/** `GET /api/v1/status`. Rejects when the server cannot be reached or does not answer 200. */
export async function fetchStatus(adminUrl: string): Promise<Status> {
  return (await fetchJson(adminUrl, '/api/v1/status')) as Status;
}

/** `GET /api/v1/routes`, in their order. Rejects likewise. */
export async function fetchRoutes(adminUrl: string): Promise<readonly RouteListing[]> {
  const body = (await fetchJson(adminUrl, '/api/v1/routes')) as { readonly routes: readonly RouteListing[] };
  return body.routes;
}

/** `GET /api/v1/decisions`, oldest first. Rejects likewise. */
export async function fetchDecisions(adminUrl: string): Promise<readonly LoggedDecision[]> {
  const body = (await fetchJson(adminUrl, '/api/v1/decisions')) as { readonly decisions: readonly LoggedDecision[] };
  return body.decisions;
}

/** `GET /api/v1/log`: the log with its evidence, or why not. Rejects when the server cannot be reached. */
export async function fetchLog(adminUrl: string): Promise<{ readonly log: string } | { readonly refused: string }> {
  const response = await fetch(new URL('/api/v1/log', adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.ok) return { log: await response.text() };
  const { detail } = (await response.json()) as { readonly detail?: string };
  return { refused: detail ?? `/api/v1/log answered ${response.status}` };
}

/** `GET /api/v1/forecast`. Rejects when the server cannot be reached or answers in another form. */
export async function fetchForecast(adminUrl: string, question: ForecastQuestion): Promise<ForecastAnswer> {
  const url = new URL('/api/v1/forecast', adminUrl);
  for (const name of ['route', 'rps', 'errors', 'p50', 'p99'] as const) {
    const text = question[name];
    if (text !== null) url.searchParams.set(name, text);
  }
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body = (await response.json()) as { readonly forecasts?: readonly Forecast[]; readonly detail?: string };
  if (response.ok && body.forecasts !== undefined) return { kind: 'done', forecasts: body.forecasts };
  const detail = body.detail ?? `${url.pathname} answered ${response.status}`;
  return { kind: response.status === 404 ? 'unknown' : 'refused', detail };
}

/** `GET /api/v1/explain/config`. Rejects likewise. */
export async function fetchSetting(adminUrl: string, path: string): Promise<InForceAnswer> {
  const url = new URL('/api/v1/explain/config', adminUrl);
  url.searchParams.set('path', path);
  // Large documents are read anew for it.
  const response = await fetch(url, { signal: AbortSignal.timeout(EXPLAIN_TIMEOUT_MS) });
  const body = (await response.json()) as SettingInForce & { readonly detail?: string };
  if (response.ok) return { kind: 'done', setting: body };
  return { kind: 'refused', detail: body.detail ?? `${url.pathname} answered ${response.status}` };
}

/** `GET /api/v1/explain/route`. Rejects likewise. */
export async function fetchRouteAnswer(adminUrl: string, question: RouteQuestion): Promise<RouteAnswer> {
  const url = new URL('/api/v1/explain/route', adminUrl);
  for (const name of ['method', 'url', 'from'] as const) url.searchParams.set(name, question[name]);
  for (const [name, value] of question.headers) url.searchParams.append('header', `${name}: ${value}`);
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body = (await response.json()) as RouteExplanation & { readonly detail?: string };
  if (response.ok) return { kind: 'done', explanation: body };
  return { kind: 'refused', detail: body.detail ?? `${url.pathname} answered ${response.status}` };
}

/** `GET /api/v1/config/history`, newest first. Rejects when the server cannot be reached or answers in another form. */
export async function fetchRevisions(adminUrl: string): Promise<readonly RevisionEntry[]> {
  const body = (await fetchJson(adminUrl, '/api/v1/config/history')) as { readonly revisions: RevisionEntry[] };
  return body.revisions;
}

/** `GET /api/v1/config/diff`. Rejects likewise. */
export async function fetchDiff(adminUrl: string, before: string, after: string): Promise<DiffResult> {
  const url = new URL('/api/v1/config/diff', adminUrl);
  url.searchParams.set('before', before);
  url.searchParams.set('after', after);
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body = (await response.json()) as RevisionDiff & { readonly detail?: string };
  if (response.ok) return { kind: 'done', diff: body };
  const detail = body.detail ?? `${url.pathname} answered ${response.status}`;
  return { kind: response.status === 404 ? 'unknown' : 'refused', detail };
}

/** `POST /api/v1/config/{command}`. Rejects when no answer came: it may have been done, where `wasSent` says so. */
export async function sendConfigCommand(
  adminUrl: string,
  name: ConfigCommand['name'],
  wishes: { readonly token: string | undefined; readonly reason: string; readonly revision?: string },
): Promise<ConfigDone | { readonly status: number; readonly refused: string }> {
  const path = `/api/v1/config/${name}`;
  const { status, ...body } = await post<{ readonly done?: ConfigDone }>(adminUrl, path, {
    ...wishes,
    timeoutMs: CONFIGURE_TIMEOUT_MS,
  });
  return body.done ?? { status, refused: body.detail ?? `${path} answered ${status}` };
}

/** What came of a command to the configuration. */
export type ConfigDone = Pick<ConfigCommandResult & { readonly kind: 'done' }, 'sentence' | 'number' | 'hash'>;

async function fetchJson(adminUrl: string, path: string): Promise<unknown> {
  const response = await fetch(new URL(path, adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
  return response.json();
}

/** What a person asks of a rollout. */
export interface CommandRequest {
  readonly route: string;
  readonly name: RolloutCommandName;
  readonly reason: string;
  readonly fix: boolean;
  readonly token: string | undefined;
}

/** What came of it. */
export type CommandAnswer =
  | { readonly decision: Decision }
  | { readonly waiting: string }
  | { readonly status: number; readonly refused: string };

/** `POST /api/v1/rollouts/{route}/{command}`. Rejects when the server cannot be reached or answers in another form. */
export async function sendCommand(adminUrl: string, request: CommandRequest): Promise<CommandAnswer> {
  const { route, name, reason, fix, token } = request;
  const path = `/api/v1/rollouts/${encodeURIComponent(route)}/${name}`;
  const { status, ...body } = await post<{ readonly decision?: Decision; readonly waiting?: string }>(adminUrl, path, {
    reason,
    fix,
    token,
  });
  if (body.decision !== undefined) return { decision: body.decision };
  if (body.waiting !== undefined) return { waiting: body.waiting };
  return { status, refused: body.detail ?? `${path} answered ${status}` };
}

/** What came of bringing versions back. */
export type RestoreAnswer =
  | { readonly changes: readonly DriftChange[] }
  | { readonly status: number; readonly refused: string };

/** `POST /api/v1/routes/{route}/restore`. Rejects as above. */
export async function sendRestore(
  adminUrl: string,
  { route, reason, token }: Pick<CommandRequest, 'route' | 'reason' | 'token'>,
): Promise<RestoreAnswer> {
  const path = `/api/v1/routes/${encodeURIComponent(route)}/restore`;
  const { status, ...body } = await post<{ readonly changes?: DriftChange[] }>(adminUrl, path, { reason, token });
  if (body.changes !== undefined) return { changes: body.changes };
  return { status, refused: body.detail ?? `${path} answered ${status}` };
}

/** `POST /api/v1/faults/stop`: the ids of what was ended. Rejects when the server cannot be reached. */
export async function sendFaultStop(
  adminUrl: string,
  wishes: Pick<CommandRequest, 'reason' | 'token'>,
): Promise<{ readonly stopped: readonly string[] } | { readonly status: number; readonly refused: string }> {
  const path = '/api/v1/faults/stop';
  const { status, ...body } = await post<{ readonly stopped?: string[] }>(adminUrl, path, wishes);
  if (body.stopped !== undefined) return { stopped: body.stopped };
  return { status, refused: body.detail ?? `${path} answered ${status}` };
}

async function post<T>(
  adminUrl: string,
  path: string,
  {
    token,
    timeoutMs = TIMEOUT_MS,
    ...wishes
  }: {
    readonly token: string | undefined;
    readonly timeoutMs?: number;
    readonly reason: string;
    readonly fix?: boolean;
    readonly revision?: string;
  },
): Promise<T & { readonly status: number; readonly detail?: string }> {
  const response = await fetch(new URL(path, adminUrl), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(wishes),
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const body = (await response.json()) as T & { readonly detail?: string };
  return { ...body, status: response.status };
}

/** What a gateway of an earlier release, which does not say it, takes by its defaults at most, ms. */
const RESTART_LIMIT_MS = 100_000;

/** `POST /api/v1/restart`. Rejects when the server cannot be reached or answers in another form. */
export async function sendRestart(
  adminUrl: string,
  token: string | undefined,
): Promise<{ readonly pid: number; readonly limitMs: number } | { readonly status: number; readonly refused: string }> {
  const path = '/api/v1/restart';
  const response = await fetch(new URL(path, adminUrl), {
    method: 'POST',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { restart, detail } = (await response.json()) as {
    readonly restart?: { readonly pid: number; readonly limitMs?: number };
    readonly detail?: string;
  };
  if (response.ok && restart !== undefined) return { pid: restart.pid, limitMs: restart.limitMs ?? RESTART_LIMIT_MS };
  return { status: response.status, refused: detail ?? `${path} answered ${response.status}` };
}

const NEVER_CONNECTED: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether a request that failed may have reached the server. */
export function wasSent(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as { readonly code?: unknown } | undefined) : undefined;
  return !NEVER_CONNECTED.has(cause?.code);
}

/** fetch hides the system's word in the cause. */
export function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return inner instanceof Error ? inner.message : String(inner);
}
