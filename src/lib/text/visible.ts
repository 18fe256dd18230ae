/**
 * Text of somebody else's for a terminal: it can be read, and does nothing.
 */

/** Controls, of which a terminal takes its commands (C0, C1), formats, which turn the order of letters, and ends of lines. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The same of some lines, whose ends stay. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n');
}

/** One line, with a mark for each character that is none to be seen. */
export function visible(text: string): string {
  return text.replace(UNSEEN, '\ufffd');
}
