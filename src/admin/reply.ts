/**
 * Answers of the admin server: text, JSON, problem documents (RFC 9457).
 */

import { type ServerResponse, STATUS_CODES } from 'node:http';

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Further header fields. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that is sent piece by piece by whoever makes it. */
export interface Streamed {
  readonly take: (response: ServerResponse) => void;
}

export type Answer = Reply | Streamed;

/** A line for people and probes. */
export function textReply(status: number, body: string): Reply {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

/** Indented, because people read it with curl. */
export function jsonReply(value: unknown): Reply {
  return { status: 200, contentType: 'application/json', body: `${JSON.stringify(value, null, 2)}\n` };
}

/** `detail` says what was wrong and what would be right. @param more further members of the document */
export function problemReply(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, unknown>> = {},
): Reply {
  const body = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...more };
  return { status, contentType: 'application/problem+json', body: `${JSON.stringify(body)}\n`, headers };
}

/** Header fields of every answer: nothing here may be cached, guessed at, or embedded by another site. */
export function replyHeaders(reply: Reply): Record<string, string> {
  return {
    ...streamHeaders(reply.contentType),
    'content-length': String(Buffer.byteLength(reply.body)),
    ...reply.headers,
  };
}

/** The same of an answer whose length is not known when it begins. */
export function streamHeaders(contentType: string): Record<string, string> {
  return {
    'content-type': contentType,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
  };
}

/**
 * Calls `gone` once when the reader of an answer has left; at once when it has already, of which an answer that begins later is not told
 * any more.
 */
export function whenGone(response: ServerResponse, gone: () => void): void {
  const { socket } = response.req;
  let isGone = false;
  const tell = (): void => {
    // The socket's end is among what the answer is told by: listeners that are taken away meanwhile are called all the same.
    if (isGone) return;
    isGone = true;
    response.off('close', tell);
    socket.off('close', tell);
    gone();
  };
  if (response.destroyed || socket.destroyed) {
    gone();
    return;
  }
  response.on('close', tell);
  // Of a kept connection the answer ends first.
  socket.on('close', tell);
}
