/**
 * What people read: a title with counts, a sentence per alert, a link.
 */

import type { Alert, Message } from '../../model/threads/load/alerts.ts';

/** A message as lines of text. */
export interface Text {
  readonly title: string;
  readonly lines: readonly string[];
}

/** `PAGE burn: 3 firing, 1 resolved`; of a note its own. */
export function titleOf({ alerts, more, note }: Message): string {
  if (note !== null) return note.title;
  const [first] = alerts;
  const count = (state: Alert['state']): number => alerts.filter((alert) => alert.state === state).length;
  const parts = [
    [count('firing'), 'firing'],
    [count('resolved'), 'resolved'],
    [more, 'more'],
  ] as const;
  const counts = parts.flatMap(([n, word]) => (n === 0 ? [] : `${n} ${word}`)).join(', ');
  // What is told once does not fire.
  const what = `${first?.severity.toUpperCase() ?? ''} ${first?.kind ?? ''}`;
  return first?.severity === 'info' ? `${what}: ${alerts.length + more}` : `${what}: ${counts}`;
}

/** Who tells, and what people look at. */
export interface Origin {
  readonly gateway: string;
  readonly pageUrl: string;
}

/** Title, one line per alert, and where to look. */
export function textOf(message: Message, { gateway, pageUrl }: Origin): Text {
  const { alerts, more, note } = message;
  const told = note === null ? alerts.map(lineOf) : note.lines;
  const rest = more === 0 ? [] : [`and ${more} more`];
  return { title: `Sluice ${titleOf(message)}`, lines: [...told, ...rest, `${gateway}: ${pageUrl}`] };
}

function lineOf({ state, severity, sentence, startedAtMs, endedAtMs }: Alert): string {
  if (state === 'resolved') return `RESOLVED after ${lengthOf((endedAtMs ?? startedAtMs) - startedAtMs)}: ${sentence}`;
  const at = new Date(startedAtMs).toISOString();
  return severity === 'info' ? `${at} ${sentence}` : `FIRING since ${at}: ${sentence}`;
}

function lengthOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return `${Math.max(0, Math.round(ms / 1000))} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`;
}

/** The text cut to so many bytes of UTF-8, never inside a character, with an ellipsis where it was cut. */
export function cutTo(text: string, bytesMax: number): string {
  if (Buffer.byteLength(text) <= bytesMax) return text;
  const bytes = Buffer.from(text).subarray(0, bytesMax - Buffer.byteLength('…'));
  // A character that was cut through ends in what stands for none.
  return `${new TextDecoder().decode(bytes).replace(/\uFFFD+$/, '')}…`;
}
