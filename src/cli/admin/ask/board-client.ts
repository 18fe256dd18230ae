/**
 * Asks a running gateway's admin server for what its live page is made from: the newest second of routes, and what happened.
 */

import { eventsIn, type StreamEvent } from '../../live/sse.ts';

const TIMEOUT_MS = 5000;

/** Something that happened, and the numbers behind it. */
export interface GatewayEvent {
  readonly id: string;
  /** Wall clock, ms since 1970. */
  readonly atMs: number;
  readonly kind: string;
  readonly tone: 'good' | 'calm' | 'warn' | 'bad';
  /** Empty: it concerns the gateway. */
  readonly route: string;
  readonly sentence: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

interface Seconds {
  readonly atMs: number;
  readonly routes: readonly {
    readonly route: string;
    readonly versions: readonly { readonly p99Ms: number | null }[];
  }[];
}

/**
 * p99 of the newest second of routes, each of its slowest version, in ms; routes of which nothing is known yet are left out.
 * Rejects when the server cannot be reached or does not answer 200.
 */
export async function fetchSeconds(
  adminUrl: string,
  routes: readonly string[],
): Promise<{ readonly at: string; readonly p99Ms: ReadonlyMap<string, number> }> {
  const url = new URL('/api/v1/seconds', adminUrl);
  for (const route of routes) url.searchParams.append('route', route);
  const seconds = (await fetchJson(url)) as Seconds;
  const p99Ms = new Map<string, number>();
  for (const { route, versions } of seconds.routes) {
    const known = versions.flatMap((second) => (second.p99Ms === null ? [] : [second.p99Ms]));
    if (known.length > 0) p99Ms.set(route, Math.max(...known));
  }
  return { at: new Date(seconds.atMs).toISOString(), p99Ms };
}

/** What happened, oldest first: the newest that the gateway shows. Rejects likewise. */
export async function fetchEvents(adminUrl: string): Promise<readonly GatewayEvent[]> {
  const { events } = (await fetchJson(new URL('/api/v1/board', adminUrl))) as { readonly events: GatewayEvent[] };
  return events.toReversed();
}

async function fetchJson(url: URL): Promise<unknown> {
  const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url.pathname} answered ${response.status}`);
  return response.json();
}

/** What came of asking for a stream. */
export type Opened =
  | { readonly events: AsyncGenerator<StreamEvent> }
  | { readonly status: number; readonly refused: string };

/**
 * Asks for a stream of events; the answer has to begin within 5 s, and then may go on until `signal`. Rejects when the server
 * cannot be reached.
 */
export async function openStream(url: URL, signal: AbortSignal, token?: string): Promise<Opened> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('no answer within 5 s')), TIMEOUT_MS);
  try {
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      redirect: 'error',
      signal: AbortSignal.any([signal, late.signal]),
    });
    if (response.ok && response.body !== null) return { events: eventsIn(response.body) };
    const { detail } = (await response.json()) as { readonly detail?: string };
    return { status: response.status, refused: detail ?? `${url.pathname} answered ${response.status}` };
  } finally {
    clearTimeout(timer);
  }
}
