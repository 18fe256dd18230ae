/**
 * Checks before something goes wrong: each with a sentence, and how to mend what is not as it should be.
 */

import { visible } from '../../lib/text/visible.ts';

/** How a check came out. `warn`: it works, and somebody should know. */
export type CheckState = 'pass' | 'warn' | 'fail';

/** One check. */
export interface Check {
  /** What it is about: `config`, `environment`, `gateway`. */
  readonly group: string;
  readonly state: CheckState;
  /** What is so, with numbers. */
  readonly sentence: string;
  /** What to do; empty where there is nothing. */
  readonly hint: string;
}

const MARKS: Readonly<Record<CheckState, string>> = { pass: '√', warn: '‼', fail: '×' };

/** Makes checks of one group. */
export function checksOf(group: string) {
  const made =
    (state: CheckState) =>
    (sentence: string, hint = ''): Check => ({ group, state, sentence, hint });
  return { pass: made('pass'), warn: made('warn'), fail: made('fail') };
}

/** Checks as people read them, a title over each group, ending in a newline. */
export function checksText(checks: readonly Check[]): string {
  const groups = [...Map.groupBy(checks, ({ group }) => group)];
  return groups.map(([group, own]) => `${[group, ...own.flatMap(linesOf)].join('\n')}\n`).join('\n');
}

function linesOf({ state, sentence, hint }: Check): string[] {
  return [`${MARKS[state]} ${sentence}`, ...(hint === '' ? [] : [`    ${hint}`])].map(visible);
}

/** `12 checks: 10 passed, 1 warning, 1 failed` */
export function summaryOf(checks: readonly Check[]): string {
  const count = (wanted: CheckState): number => checks.filter(({ state }) => state === wanted).length;
  return `${checks.length} checks: ${count('pass')} passed, ${count('warn')} warned, ${count('fail')} failed`;
}
