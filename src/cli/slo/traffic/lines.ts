/**
 * Lines of a file of any length, one after the other.
 */

import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';

const CHUNK_BYTES = 1024 * 1024;
/** A line of the access log has a few thousand. */
export const LINE_CHARS_MAX = 65_536;

/** Lines without their ends (LF or CRLF), also an unfinished last one. A longer one is cut to LINE_CHARS_MAX + 1. @throws Error of the system */
export function* linesOf(file: string): Generator<string> {
  const descriptor = openSync(file, 'r');
  const decoder = new StringDecoder('utf8');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let rest = '';
  try {
    for (;;) {
      const bytes = readSync(descriptor, chunk);
      if (bytes === 0) break;
      const lines = (rest + decoder.write(chunk.subarray(0, bytes))).split('\n');
      rest = cut(lines.pop() as string);
      for (const line of lines) yield withoutReturn(cut(line));
    }
    rest += decoder.end();
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
