/**
 * Sends to one channel over HTTP: bounded in time and bytes, certificates verified, redirects not followed, no secret in what it
 * says of a failure.
 *
 * URLs are secrets here, so that a failure is told by its code alone, and a secret that a receiver repeats is masked.
 */

import { Agent } from 'undici';
import type { ChannelType, Outcome } from '../../model/threads/load/alerts.ts';
import type { Ask } from './formats/chats.ts';
import { type Answer, outcomeOf } from './replies.ts';

const CONNECT_MS = 5000;
const ANSWER_BYTES_MAX = 65_536;
/** Their status alone says whether a message was taken (replies.ts). */
const BY_STATUS: ReadonlySet<ChannelType> = new Set(['pagerduty', 'alertmanager', 'webhook']);
/** Shorter texts are no secrets, and would mask words. */
const SECRET_CHARS_MIN = 4;

export interface ClientOptions {
  readonly type: ChannelType;
  readonly timeoutMs: number;
  /** PEM; null: the system's certificates. */
  readonly ca: string | null;
}

export class ChannelClient {
  readonly #options: ClientOptions;
  readonly #agent: Agent;

  constructor(options: ClientOptions) {
    this.#options = options;
    const connect = { timeout: CONNECT_MS, ...(options.ca === null ? {} : { ca: options.ca }) };
    // The limits of time are ours, and those of the client coarser.
    this.#agent = new Agent({ allowH2: false, connections: 1, headersTimeout: 0, bodyTimeout: 0, connect });
  }

  /** Never rejects. @param secrets never shown, wherever they turn up @param wallMs wall clock */
  async send({ url, headers, body }: Ask, secrets: readonly string[], wallMs: number): Promise<Outcome> {
    const { type, timeoutMs } = this.#options;
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const { origin, pathname, search } = new URL(url);
      const path = pathname + search;
      const response = await this.#agent.request({ origin, path, method: 'POST', headers, body, signal });
      const text = await this.#textOf(response.body);
      const { 'retry-after': retryAfter } = response.headers;
      const hide = (said: string): string => masked(said, secrets);
      const answer: Answer = { status: response.statusCode, retryAfter: [retryAfter].flat()[0] ?? null, text, hide };
      return outcomeOf(type, answer, wallMs);
    } catch (error) {
      const because = signal.aborted ? `no answer within ${timeoutMs} ms` : wordOf(error);
      return { kind: 'unavailable', because };
    }
  }

  /** @throws Error when it breaks off, where it is the text that says whether a message was taken */
  async #textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
    try {
      return await textOf(body);
    } catch (error) {
      if (BY_STATUS.has(this.#options.type)) return '';
      throw error;
    }
  }

  /** Ends what is under way. Idempotent. */
  close(): void {
    void this.#agent.destroy();
  }
}

/** As much of it as is looked at. What follows is not waited for: who has said so much has taken the message, or not. */
async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8', 0, ANSWER_BYTES_MAX);
}

function masked(text: string, secrets: readonly string[]): string {
  const hidden = secrets.filter(({ length }) => length >= SECRET_CHARS_MIN);
  let rest = text;
  for (const secret of hidden) rest = rest.replaceAll(secret, '[redacted]');
  return rest;
}

/** A code without what it was about: messages of the system may hold a URL. */
function wordOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') return WORDS[code] ?? code;
  return 'the connection failed';
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED)',
  ENOTFOUND: 'there is no host of that name (ENOTFOUND)',
  UND_ERR_SOCKET: 'the connection was closed (UND_ERR_SOCKET)',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time (UND_ERR_CONNECT_TIMEOUT)',
};
