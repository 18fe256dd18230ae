/**
 * A text that is shown again and again: on a terminal in one place, elsewhere the lines that are new.
 *
 * A frame is one write: cursor home, each line and what was right of it erased, then all below. Nothing is cleared first, so
 * nothing flickers. Lines are cut to the width of the terminal and frames to its height: a line that wraps would move those below.
 * So would controls within a line, which are not ours: each is replaced by a mark.
 * Source: ECMA-48, CUP, EL, ED; DEC private mode 25 (cursor).
 */

import { visible } from '../../lib/text/visible.ts';
import type { Output } from '../deps.ts';

const HOME = '\u001b[H';
const CLEAR = '\u001b[2J';
const ERASE_RIGHT = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const COLUMNS = 80;
const ROWS = 24;

/** Where frames are shown. */
export interface Frames {
  readonly isTerminal: boolean;
  /** Replaces the frame before. */
  show(lines: readonly string[]): void;
  /** Leaves the last frame where it is, and the cursor below it. */
  end(): void;
}

/** Frames on `output`. */
export function createFrames(output: Output): Frames {
  return output.isTTY === true ? onTerminal(output) : asLines(output);
}

function onTerminal(output: Output): Frames {
  let isFirst = true;
  return {
    isTerminal: true,
    show(lines) {
      const { columns = COLUMNS, rows = ROWS } = output;
      const begin = isFirst ? `${HIDE_CURSOR}${CLEAR}` : '';
      isFirst = false;
      const shown = cutTo(lines, rows - 1).map(
        (line) => `${Array.from(visible(line)).slice(0, columns).join('')}${ERASE_RIGHT}\n`,
      );
      output.write(`${begin}${HOME}${shown.join('')}${ERASE_BELOW}`);
    },
    end() {
      if (!isFirst) output.write(SHOW_CURSOR);
      isFirst = true;
    },
  };
}

/** As many lines as there is room for; the last one says how many are missing. */
function cutTo(lines: readonly string[], most: number): readonly string[] {
  if (lines.length <= most) return lines;
  const shown = Math.max(0, most - 1);
  return [...lines.slice(0, shown), `… ${lines.length - shown} more lines`];
}

/** Lines that were not in the frame before, in their order. */
function asLines(output: Output): Frames {
  let before: ReadonlySet<string> = new Set();
  return {
    isTerminal: false,
    show(lines) {
      const known = before;
      const shown = lines.map(visible);
      const fresh = shown.filter((line) => !known.has(line));
      before = new Set(shown);
      if (fresh.length > 0) output.write(`${fresh.join('\n')}\n`);
    },
    end: () => undefined,
  };
}
