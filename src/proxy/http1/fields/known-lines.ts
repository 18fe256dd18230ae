/**
 * Request lines that came lately, and what was made of them, so that they are neither read nor made a text again. Hot path.
 *
 * Of lines only on which nothing else of the request has a say: with a target in origin-form, and not of OPTIONS, which may
 * end here by its `Max-Forwards`.
 */

import type { Rule } from '../../decide/rules.ts';
import { LineMemo } from '../../wire/memory/memo.ts';
import { LF } from '../chars.ts';

const SLASH = 47;
/** No index has this number. */
const NONE = -1;

/** What is made of a request line, as the parser has it. */
export interface RequestLine {
  readonly method: string;
  readonly minor: number;
  readonly target: string;
  readonly path: string;
  readonly isVerbatim: boolean;
  readonly isAmbiguous: boolean;
}

export interface KnownLine extends RequestLine {
  /** Up to its CR, in bytes. */
  readonly length: number;
  /** The rule that it led to, if nothing else had a say, and the number of the index that has it (`decide/router.ts`). */
  rule: Rule | null;
  ruleOf: number;
}

/** Of one parser: what another accepts may be too long for it. */
export class KnownLines {
  readonly #memo = new LineMemo<KnownLine>();

  /** What is known of the line at `bytes[from]`, which then has its CR LF; null when that is nothing. Allocates nothing. */
  find(bytes: Buffer, from: number, end: number): KnownLine | null {
    const known = this.#memo.find(bytes, from, end);
    if (known === null) return null;
    const lf = from + known.length + 1;
    return lf < end && bytes[lf] === LF ? known : null;
  }

  /** Keeps what was made of the line that was looked for last, if it came before. @param first byte of its target */
  keep(line: RequestLine, first: number, length: number): void {
    if (!this.#memo.isDue || first !== SLASH || line.method === 'OPTIONS') return;
    const { method, minor, target, path, isVerbatim, isAmbiguous } = line;
    const known = { method, minor, target, path, isVerbatim, isAmbiguous, length, rule: null, ruleOf: NONE };
    this.#memo.keep(known, length);
  }

  /** Lets go of the rules that were kept with lines: their routes may be gone. */
  forgetRules(): void {
    for (const line of this.#memo.values) {
      if (line === null) continue;
      line.ruleOf = NONE;
      line.rule = null;
    }
  }
}
