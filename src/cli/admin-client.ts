/**
 * Asks a running gateway's admin server.
 */

import type { Decision } from '../model/slo.ts';
import type { Status } from '../model/status.ts';

const TIMEOUT_MS = 5000;

/** `GET /api/v1/status`. Rejects when the server cannot be reached or does not answer 200. */
export async function fetchStatus(adminUrl: string): Promise<Status> {
  return (await fetchJson(adminUrl, '/api/v1/status')) as Status;
}

/** `GET /api/v1/decisions`, oldest first. Rejects likewise. */
export async function fetchDecisions(adminUrl: string): Promise<readonly Decision[]> {
  const body = (await fetchJson(adminUrl, '/api/v1/decisions')) as { readonly decisions: readonly Decision[] };
  return body.decisions;
}

async function fetchJson(adminUrl: string, path: string): Promise<unknown> {
  const response = await fetch(new URL(path, adminUrl), { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
  return response.json();
}
