/**
 * Lines of a file of any length, one after the other.
 */

import { closeSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1024 * 1024;
/** A line of the access log has a few thousand. */
export const LINE_CHARS_MAX = 65_536;

/** Lines of UTF-8 without a byte order mark and their ends (LF or CRLF), also an unfinished last one. A longer one is cut to LINE_CHARS_MAX + 1. @throws Error of the system */
export function* linesOf(file: string): Generator<string> {
  const descriptor = openSync(file, 'r');
  const decoder = new TextDecoder();
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = '';
  try {
    for (;;) {
      const bytes = readSync(descriptor, chunk);
      if (bytes === 0) break;
      const lines = (rest + decoder.decode(chunk.subarray(0, bytes), { stream: true })).split('\n');
      rest = cut(lines.pop() as string);
      for (const line of lines) yield withoutReturn(cut(line));
    }
    rest += decoder.decode();
    if (rest !== '') yield withoutReturn(cut(rest));
  } finally {
    closeSync(descriptor);
  }
}

function cut(line: string): string {
  return line.length > LINE_CHARS_MAX + 1 ? line.slice(0, LINE_CHARS_MAX + 1) : line;
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
