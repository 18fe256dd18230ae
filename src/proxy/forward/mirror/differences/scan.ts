/**
 * Looks over a JSON text before it is parsed: one that has too many values or levels to be taken apart costs no parse.
 *
 * A body of a mebibyte of brackets takes the parser 65 to 95 ms, during which the main thread does nothing else. Commas and opening
 * brackets outside of strings are never more than values, so that what is refused here would have had no shape. A text
 * that is no JSON may pass; the parser tells.
 */

import { DEPTH_MAX, VALUES_MAX } from './shape.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const ARRAY = 0x5b;
const ARRAY_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

/** Whether a text has more values or levels than a shape may have. Cost: O(bytes), allocates nothing. */
export function hasTooMuch(text: Uint8Array): boolean {
  let depth = 0;
  let opened = 0;
  let commas = 0;
  for (let at = 0; at < text.length; at++) {
    const byte = text[at];
    if (byte === QUOTE) at = endOfString(text, at + 1);
    else if (byte === COMMA) commas++;
    else if (byte === ARRAY || byte === OBJECT) {
      opened++;
      depth++;
      // An empty one at the last level is fine: the value below it is what would be too deep.
      if (depth > DEPTH_MAX + 1) return true;
    } else if (byte === ARRAY_END || byte === OBJECT_END) depth--;
    if (opened > VALUES_MAX || commas >= VALUES_MAX) return true;
  }
  return false;
}

/** Offset of the quote that ends the string which begins at `from`; of the text's end without one. */
function endOfString(text: Uint8Array, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== QUOTE) at += text[at] === BACKSLASH ? 2 : 1;
  return at;
}
