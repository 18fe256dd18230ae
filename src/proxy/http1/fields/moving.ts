/**
 * What of a head goes on, moved together where it stands or copied elsewhere, by the findings and marks of its scan. Hot path.
 *
 * In the thread's memory `bytes.wat` does it, in about a third of the time (docs/adr/0044-heads-in-one-memory.md); elsewhere what is here, with the same result.
 */

import { code, offsetOf } from '../../wire/memory/memory.ts';
import { DROPPED, FIELD_WORDS, type FieldScanner } from './scanner.ts';

/** A head that was scanned. */
export interface Scanned {
  /** It is `held[heldFrom..heldEnd)`, and its first line takes `firstEnd` bytes. */
  readonly held: Buffer;
  readonly heldFrom: number;
  readonly heldEnd: number;
  readonly firstEnd: number;
  readonly found: Pick<FieldScanner, 'side' | 'count' | 'lines' | 'marks'>;
}

/** Where a head may be written: `bytes[at..at + room)`. */
export interface Room {
  readonly bytes: Buffer;
  readonly at: number;
  readonly room: number;
}

/**
 * Moves the first line and the fields not dropped together, so that `room` bytes are free between them and the empty line.
 * @returns where the first line begins now; -1 when it takes more than that, and nothing was moved.
 */
export function compactHead(head: Scanned, room: number): number {
  const at = offsetOf(head.held);
  if (at < 0) return compactElsewhere(head, room);
  const to = code.compact(head.found.side, at + head.heldFrom, at + head.heldEnd, room);
  return to < 0 ? -1 : to - at;
}

function compactElsewhere({ held, heldFrom, heldEnd, found }: Scanned, room: number): number {
  const { lines, marks } = found;
  let last = found.count - 1;
  while (last >= 0 && marks[last] !== DROPPED) last--;
  // Lines behind the last dropped one move up by `room`; those before it may only move down, into what was dropped.
  if (last >= 0 && (lines[last * FIELD_WORDS + 2] as number) - (lines[last * FIELD_WORDS] as number) < room) return -1;
  let end = heldEnd - heldFrom - 2;
  let to = heldEnd - 2 - room;
  for (let i = last; i >= 0; i--) {
    if (marks[i] !== DROPPED) continue;
    const from = lines[i * FIELD_WORDS + 2] as number;
    to -= end - from;
    if (end > from) held.copyWithin(to, heldFrom + from, heldFrom + end);
    end = lines[i * FIELD_WORDS] as number;
  }
  to -= end;
  if (to !== heldFrom) held.copyWithin(to, heldFrom, heldFrom + end);
  return to;
}

/**
 * Copies the first line and the fields whose marks let them go on to the beginning of `out`.
 * @param markMax the highest mark that does, `DROPPED` apart
 * @param room bytes that it may take
 * @returns how many it took; 0 when they are more than that.
 */
export function putHead(head: Scanned, markMax: number, out: Room, room: number): number {
  const held = offsetOf(head.held);
  const to = offsetOf(out.bytes);
  if (held < 0 || to < 0) return putElsewhere(head, markMax, out, room);
  return code.kept(head.found.side, held + head.heldFrom, head.firstEnd, markMax, to + out.at, room);
}

function putElsewhere({ held, heldFrom, firstEnd, found }: Scanned, markMax: number, out: Room, room: number): number {
  const { count, lines, marks } = found;
  let length = 0;
  let start = 0;
  let end = firstEnd;
  for (let i = 0; i <= count; i++) {
    const mark = i === count ? 0 : (marks[i] as number);
    if (mark === DROPPED || mark > markMax) continue;
    const next = i === count ? -1 : (lines[i * FIELD_WORDS] as number);
    if (next !== end) {
      if (length + end - start > room) return 0;
      held.copy(out.bytes, out.at + length, heldFrom + start, heldFrom + end);
      length += end - start;
      start = next;
    }
    end = lines[i * FIELD_WORDS + 2] as number;
  }
  return length;
}
