/**
 * Asks a running gateway's admin server for the weights of a route, and to set them.
 */

import type { WeightsCommand } from '../../../model/rollout.ts';
import type { WeightsView } from '../../../model/status.ts';

/** Longer than the gateway waits for its store. */
const TIMEOUT_MS = 15_000;

/** `GET /api/v1/routes/{route}/weights`, or why not. Rejects when the server cannot be reached. */
export async function fetchWeights(
  adminUrl: string,
  route: string,
): Promise<WeightsView | { readonly refused: string }> {
  const response = await fetch(urlOf(adminUrl, route), { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  const body = (await response.json()) as WeightsView & { readonly detail?: string };
  return response.ok ? body : { refused: body.detail ?? `the weights of ${route}: status ${response.status}` };
}

/** What came of a PUT. */
export type WeightsReply =
  | { readonly written: { readonly document: string; readonly revision: string } }
  | {
      readonly status: number;
      readonly refused: string;
      readonly outcome?: string;
      readonly present?: {
        readonly revision: string;
        readonly weights: Readonly<Record<string, number>> | null;
      } | null;
    };

/** `PUT` to the same. Rejects when no answer came: it may have been done. */
export async function sendWeights(
  adminUrl: string,
  { route, weights, reason, revision, token }: Omit<WeightsCommand, 'by'> & { readonly token: string | undefined },
): Promise<WeightsReply> {
  const response = await fetch(urlOf(adminUrl, route), {
    method: 'PUT',
    headers: {
      'content-type': 'application/json',
      'if-match': `"${revision}"`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ weights, reason }),
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const { written, detail, ...more } = (await response.json()) as Answer;
  if (written !== undefined) return { written };
  const { outcome, present } = more;
  return {
    status: response.status,
    refused: detail ?? `the weights of ${route}: status ${response.status}`,
    ...(outcome === undefined ? {} : { outcome }),
    ...(present === undefined ? {} : { present }),
  };
}

type Refused = Extract<WeightsReply, { readonly status: number }>;

interface Answer extends Pick<Refused, 'outcome' | 'present'> {
  readonly written?: { readonly document: string; readonly revision: string };
  readonly detail?: string;
}

function urlOf(adminUrl: string, route: string): URL {
  return new URL(`/api/v1/routes/${encodeURIComponent(route)}/weights`, adminUrl);
}
