/**
 * What SQLite's refusals mean for the state: its file is broken, or the place it lies in is.
 *
 * Source: https://www.sqlite.org/rescode.html
 */

/** `corrupt`: the file's content is damaged, so it is moved aside. `unavailable`: it may be fine; try again later. */
export type FaultKind = 'corrupt' | 'unavailable';

/** A failure of the state, in words. */
export interface StateFault {
  readonly kind: FaultKind;
  readonly because: string;
}

const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
/** The extended code has more in its upper bytes. */
const PRIMARY_CODE = 0xff;

/** Thrown where the content of a file, not a call of SQLite, shows the damage. */
export class DamagedError extends Error {}

/** Sorts out an error of opening, reading or writing. */
export function faultOf(error: unknown): StateFault {
  const because = error instanceof Error ? error.message : String(error);
  if (error instanceof DamagedError) return { kind: 'corrupt', because };
  const code = (error as { readonly errcode?: unknown }).errcode;
  const primary = typeof code === 'number' ? code & PRIMARY_CODE : 0;
  const isDamaged = primary === SQLITE_CORRUPT || primary === SQLITE_NOTADB;
  return { kind: isDamaged ? 'corrupt' : 'unavailable', because };
}
