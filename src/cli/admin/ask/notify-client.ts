/**
 * Asks a running gateway about its alerts, and for tests and retries of their channels.
 */

import type { AlertsStatus } from '../../../model/threads/load/alerts.ts';

const TIMEOUT_MS = 5000;
/** Longer than a channel may take. */
const TEST_TIMEOUT_MS = 15_000;

/** `GET /api/v1/alerts`; null: no alerts are configured. Rejects when the server cannot be reached or does not answer 200. */
export async function fetchAlerts(adminUrl: string): Promise<AlertsStatus | null> {
  const path = '/api/v1/alerts';
  const response = await fetch(new URL(path, adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return ((await response.json()) as { readonly alerts: AlertsStatus | null }).alerts;
}

/** What came of a command. */
export type NotifyAnswer =
  | { readonly tested: { readonly channel: string; readonly tookMs: number } }
  | { readonly retried: { readonly letters: number } }
  | { readonly status: number; readonly refused: string };

/** `POST /api/v1/alerts/{channel}/{test,retry}`. @param channel null: retry all. Rejects when the server cannot be reached. */
export async function sendNotify(
  adminUrl: string,
  {
    name,
    channel,
    token,
  }: { readonly name: 'test' | 'retry'; readonly channel: string | null; readonly token: string | undefined },
): Promise<NotifyAnswer> {
  const place = channel === null ? '' : `${encodeURIComponent(channel)}/`;
  const path = `/api/v1/alerts/${place}${name}`;
  const response = await fetch(new URL(path, adminUrl), {
    method: 'POST',
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    redirect: 'error',
    signal: AbortSignal.timeout(TEST_TIMEOUT_MS),
  });
  const body = (await response.json()) as NotifyAnswer & { readonly detail?: string };
  if (response.ok) return body;
  return { status: response.status, refused: body.detail ?? `${path} answered ${response.status}` };
}
