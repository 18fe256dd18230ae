/**
 * Asks a running gateway's admin server to do something as a process: reload, drain; and for its report.
 */

import type { Problem } from '../../../model/problem.ts';

const TIMEOUT_MS = 5000;
/** Longer than the gateway takes to say what came of a reload. */
const RELOAD_TIMEOUT_MS = 15_000;
/** The report has the metrics of everything. */
const REPORT_TIMEOUT_MS = 60_000;

/** Why not. */
export interface Refused {
  readonly status: number;
  readonly refused: string;
}

/** What came of a reload. */
export interface ReloadDone {
  readonly outcome: 'accepted' | 'unchanged' | 'refused';
  readonly number: number;
  readonly hash: string;
  readonly problems: readonly Problem[];
  readonly unanswered: readonly { readonly source: string; readonly because: string }[];
}

/** `POST /api/v1/reload`. Rejects when no answer came: it may have been done. */
export async function sendReload(adminUrl: string, token: string | undefined): Promise<ReloadDone | Refused> {
  const asked = await ask<{ readonly reload?: ReloadDone }>('POST', new URL('/api/v1/reload', adminUrl), {
    token,
    timeoutMs: RELOAD_TIMEOUT_MS,
  });
  return 'refused' in asked ? asked : (asked.body.reload ?? { status: 200, refused: 'the answer is not understood' });
}

/** `POST /api/v1/drain`. Rejects likewise. */
export async function sendDrain(
  adminUrl: string,
  token: string | undefined,
): Promise<{ readonly delayMs: number; readonly timeoutMs: number } | Refused> {
  const asked = await ask<{ readonly drain?: { readonly delayMs: number; readonly timeoutMs: number } }>(
    'POST',
    new URL('/api/v1/drain', adminUrl),
    { token, timeoutMs: TIMEOUT_MS },
  );
  return 'refused' in asked ? asked : (asked.body.drain ?? { status: 202, refused: 'the answer is not understood' });
}

/** `GET /api/v1/debug/report`: its parts. Rejects when the server cannot be reached. */
export async function fetchReport(
  adminUrl: string,
  token: string | undefined,
): Promise<Readonly<Record<string, unknown>> | Refused> {
  const url = new URL('/api/v1/debug/report', adminUrl);
  const asked = await ask<Record<string, unknown>>('GET', url, { token, timeoutMs: REPORT_TIMEOUT_MS });
  return 'refused' in asked ? asked : asked.body;
}

async function ask<T>(
  method: 'GET' | 'POST',
  url: URL,
  { token, timeoutMs }: { readonly token: string | undefined; readonly timeoutMs: number },
): Promise<{ readonly body: T } | Refused> {
  const response = await fetch(url, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  const body = (await response.json()) as T & { readonly detail?: string };
  if (response.ok) return { body };
  return { status: response.status, refused: body.detail ?? `${url.pathname} answered ${response.status}` };
}
