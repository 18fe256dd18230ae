/**
 * Questions of a check over HTTP: one GET with a deadline, and patience with whoever does not answer.
 *
 * By `node:http`, as `fetch` lets nobody say which host is meant. An answer counts whatever it says; only when none came is
 * the question asked again, so that no failure is hidden by luck.
 */

import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../lib/clock.ts';

/** Bytes of a body that are kept; the rest is read and left. */
export const BODY_BYTES_MAX = 65_536;
/** Before the second attempt; doubled before each further one. */
const PAUSE_MS = 100;

/** A GET. */
export interface Question {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** For the whole answer. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  /** Until the last byte. */
  readonly tookMs: number;
  /** At most `BODY_BYTES_MAX` bytes of it. */
  readonly body: string;
}

/** Asks once, over a connection of its own. Rejects when no whole answer comes in time. */
export function ask({ url, headers, timeoutMs }: Question): Promise<Answer> {
  const startedAtMs = nowMs();
  const signal = AbortSignal.timeout(timeoutMs);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(signal.aborted ? new Error(`no whole answer within ${timeoutMs} ms`) : error);
    const sent = request(url, { headers, agent: false, signal }, (response) => {
      response.once('error', fail);
      const text = textOf(response);
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, tookMs: nowMs() - startedAtMs, body: text() }),
      );
    });
    sent.once('error', fail);
    sent.end();
  });
}

function textOf(response: IncomingMessage): () => string {
  const kept: Buffer[] = [];
  let left = BODY_BYTES_MAX;
  response.on('data', (chunk: Buffer) => {
    if (left > 0) kept.push(chunk.subarray(0, left));
    left -= chunk.length;
  });
  return () => Buffer.concat(kept).toString();
}

/** Asks up to `1 + retries` times until an answer comes. @throws what the last attempt failed with */
export async function patiently<T>(
  retries: number,
  once: () => Promise<T>,
): Promise<{ readonly answer: T; readonly attempts: number }> {
  for (let attempt = 1; ; attempt++) {
    try {
      return { answer: await once(), attempts: attempt };
    } catch (error) {
      if (attempt > retries) throw error;
      await sleep(PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}
