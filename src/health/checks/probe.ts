/**
 * One health check: a GET whose status decides.
 *
 * 200 to 399 passes; a redirect is not followed. Every check has a connection of its own, so that it also tells whether
 * the endpoint still accepts any, and so that none is left over; it is closed as soon as the status is known, and no
 * byte of a body is waited for. The time limit covers everything from the connect on.
 * Source: docs/adr/0015-undici.md.
 */

import { Client } from 'undici';
import type { CheckResult } from './verdict.ts';

const HEAD_BYTES_MAX = 16_384;

export interface ProbeTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** `Host` of the request, null = the address. */
  readonly hostHeader: string | null;
  readonly timeoutMs: number;
}

export interface Probe {
  /** Never rejects. A probe that was cancelled has failed. */
  readonly result: Promise<CheckResult>;
  /** Closes the connection. Idempotent. */
  cancel(): void;
}

/** Starts one check. */
export function startProbe(target: ProbeTarget): Probe {
  const { host, port, timeoutMs } = target;
  const client = new Client(`http://${host.includes(':') ? `[${host}]` : host}:${port}`, {
    allowH2: false,
    maxHeaderSize: HEAD_BYTES_MAX,
    // Ours is the only limit: the client's own are coarser.
    connect: { timeout: 0 },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  let settle: (result: CheckResult) => void = () => undefined;
  const result = new Promise<CheckResult>((resolve) => {
    settle = resolve;
  });
  const timer = setTimeout(() => finish(`no answer in ${timeoutMs} ms`), timeoutMs);
  const finish = (outcome: CheckResult): void => {
    clearTimeout(timer);
    settle(outcome);
    // What is still under way ends with an error that nobody waits for; destroying twice is harmless.
    client.destroy().catch(() => undefined);
  };
  try {
    dispatch(client, target, finish);
  } catch (error) {
    finish(wordOf(error));
  }
  return { result, cancel: () => finish('cancelled') };
}

function dispatch(client: Client, target: ProbeTarget, finish: (outcome: CheckResult) => void): void {
  const headers: Record<string, string> = { 'user-agent': 'sluice-health-check', accept: '*/*' };
  if (target.hostHeader !== null) headers['host'] = target.hostHeader;
  client.dispatch(
    { path: target.path, method: 'GET', headers, reset: true },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, status) => {
        if (status >= 200) finish(status < 400 ? null : `status ${status}`);
      },
      onResponseData: () => undefined,
      onResponseEnd: () => undefined,
      onResponseError: (_controller, error) => finish(wordOf(error)),
    },
  );
}

/** The system's word where there is one, `ECONNREFUSED`; else the message. */
function wordOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.message;
}
