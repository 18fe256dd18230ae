/**
 * Answers as workers take them to be compared.
 */

import type { TakenAnswer, TakenAnswers } from '#src/model/threads/requests/compared.ts';

/** An answer with these fields. @param body text is sent as UTF-8, bytes as they are */
export function takenAnswer(
  body: string | Uint8Array,
  fields: Readonly<Record<string, string>> = {},
  status = 200,
): TakenAnswer {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} Reason\r\n${lines.join('')}\r\n`;
  return { status, head, body: Uint8Array.from(typeof body === 'string' ? Buffer.from(body) : body) };
}

/** One with a value as JSON. */
export function jsonAnswer(value: unknown, fields: Readonly<Record<string, string>> = {}, status = 200): TakenAnswer {
  return takenAnswer(JSON.stringify(value), { 'Content-Type': 'application/json', ...fields }, status);
}

/** The answers to one request to the route `shop`, whose mirror is `shop/v2`. */
export function threeAnswers(primary: TakenAnswer, second: TakenAnswer, mirrored: TakenAnswer): TakenAnswers {
  return { route: 'shop', candidate: 'shop/v2', primary, second, mirrored };
}
