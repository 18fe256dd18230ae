/**
 * Lays out a text table and writes the numbers in it.
 */

import type { Spread } from './statistics.ts';

/** Decimals, or `-` for what was not measured. */
export function fixed(value: number | null, digits: number): string {
  return value === null || Number.isNaN(value) ? '-' : value.toFixed(digits);
}

/** `97 %`, or `-`. */
export function percent(value: number | null): string {
  return value === null || Number.isNaN(value) ? '-' : `${Math.round(value * 100)} %`;
}

/** `0.98..1.05` */
export function rangeText({ min, max }: Spread, digits: number): string {
  return `${fixed(min, digits)}..${fixed(max, digits)}`;
}

/** `1.02 (0.98..1.05)` */
export function spreadText(spread: Spread, digits: number): string {
  return `${fixed(spread.median, digits)} (${rangeText(spread, digits)})`;
}

/** Cells padded to their column, the first column left, the others right; the first line is the head. */
export function align(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, at) => Math.max(...lines.map((cells) => cells[at]?.length ?? 0)));
  return lines
    .map((cells) => cells.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))))
    .map((cells) => cells.join('  ').trimEnd())
    .join('\n');
}
