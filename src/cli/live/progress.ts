/**
 * How far long work is: one line on a terminal that replaces itself; nothing elsewhere, where it would be noise.
 */

import { visible } from '../../lib/text/visible.ts';
import type { Output } from '../deps.ts';

const ERASE_LINE = '\r\u001b[2K';
const COLUMNS = 80;

/** The line. */
export interface Progress {
  show(text: string): void;
  /** Takes the line away; to be called before anything else is written. */
  clear(): void;
}

/** Progress on `output`, which is standard error: results go elsewhere. */
export function progressOn(output: Output): Progress {
  if (output.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  let shown = '';
  return {
    show(text) {
      const line = Array.from(visible(text))
        .slice(0, (output.columns ?? COLUMNS) - 1)
        .join('');
      if (line === shown) return;
      shown = line;
      output.write(`${ERASE_LINE}${line}`);
    },
    clear() {
      if (shown !== '') output.write(ERASE_LINE);
      shown = '';
    },
  };
}
