/**
 * Numbers as text formats write them, straight into bytes. Hot path of a page.
 *
 * Whole numbers up to 2^53, which nearly all samples are, are written digit by digit; the others go through a string, as `String`
 * has it, which is what Prometheus reads back to the same double. Cost: allocates nothing for whole numbers.
 */

import { putLatin1 } from '../../../lib/latin1.ts';

/** Room that a number needs at most: `-1.2345678901234567e-308`. */
export const NUMBER_BYTES_MAX = 24;
const ZERO = 0x30;

/** Writes `value` to `bytes[at..]`, which must have room for `NUMBER_BYTES_MAX`. Returns where it ends. */
export function putNumber(bytes: Buffer, value: number, at: number): number {
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER && Math.floor(value) === value)) {
    return at + putLatin1(bytes, numberOf(value), at);
  }
  let end = at + 1;
  for (let bound = 10; bound <= value; bound *= 10) end += 1;
  let rest = value;
  for (let n = end - 1; n >= at; n--) {
    const tenth = Math.floor(rest / 10);
    bytes[n] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  return end;
}

/** The same as a string. */
export function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
