/**
 * Output of commands as pages show it: a fenced block whose first line is `$ command`, and whether the command prints that.
 *
 * What differs from run to run counts as the same: numbers, times with their units, instants, ids, hashes, and how wide columns are.
 * A line that is `…` stands for any lines, a `…` at the end of a line for its rest.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../../..');
const BLOCK = /^```(?:text)?\n\$ ([^\n]+)\n([\s\S]*?)^```$/gm;

/** What a page shows of a command. */
export interface Shown {
  /** `docs/rollouts.md` */
  readonly page: string;
  /** As it stands there, without the `$`. */
  readonly command: string;
  readonly output: string;
}

/** Every such block of README, the pages and the guides. */
export function shownIn(pages: readonly string[] = pagesOfAll()): Shown[] {
  return pages.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    return [...text.matchAll(BLOCK)].map(([, command = '', output = '']) => ({ page, command, output }));
  });
}

function pagesOfAll(): string[] {
  const inFolder = (folder: string): string[] =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`);
  return ['README.md', ...inFolder('docs'), ...inFolder('docs/guides')];
}

/** What a page shows of a command; there is exactly one such block. */
export function shownOf(page: string, command: string): string {
  const found = shownIn([page]).filter((shown) => shown.command === command);
  assert.equal(found.length, 1, `${page}: ${command}`);
  return (found[0] as Shown).output;
}

/** The command prints what is shown of it. @param readingOf what counts of a line: all of it where every run prints the same */
export function assertShown(shown: string, printed: string, readingOf = shapeOf): void {
  const lines = (text: string): string[] => text.trimEnd().split('\n').map(readingOf);
  assert.ok(isShown(lines(shown), lines(printed)), `shown:\n${shown}\nprinted:\n${printed}`);
}

function isShown(shown: readonly string[], printed: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return printed.length === 0;
  if (first === '…') return printed.some((_, n) => isShown(rest, printed.slice(n))) || rest.length === 0;
  const [line, ...others] = printed;
  if (line === undefined) return false;
  const isLine = first.endsWith('…') ? line.startsWith(first.slice(0, -1).trimEnd()) : line === first;
  return isLine && isShown(rest, others);
}

/** A line without what differs from run to run. */
export function shapeOf(line: string): string {
  return line
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'INSTANT')
    .replaceAll(/(?<![\w.])(?=[a-f]*\d)[0-9a-f]{8,}(?![\w.])/g, 'ID')
    .replaceAll(/(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g, '0')
    .replaceAll(/0 (?:ms|s|min|h|d)\b(?: 0 (?:s|min|h)\b)?/g, '0 TIME')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
