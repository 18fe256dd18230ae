/**
 * What changed between two listings of a source, and whether that is too much to be believed at once.
 *
 * A store that was wiped, restored from an old backup or asked with the wrong token answers as calmly as ever. Nothing
 * at all, or the loss of more than half of at least `SHRINK_LEAST` pieces, is therefore not believed before it has
 * lasted; who takes pieces away one by one is never stopped, but for the last.
 */

import { createHash } from 'node:crypto';
import type { Item } from './source.ts';

/** Fewer pieces than this may lose half of them: with three, taking two away is an edit. */
export const SHRINK_LEAST = 4;

/** Names of the pieces that are different. */
export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Compares two listings by the names of their pieces. */
export function changesOf(before: readonly Item[], after: readonly Item[]): Changes {
  const old = new Map(before.map(({ name, text }) => [name, text]));
  const added: string[] = [];
  const changed: string[] = [];
  for (const { name, text } of after) {
    const was = old.get(name);
    if (was === undefined) added.push(name);
    else if (was !== text) changed.push(name);
    old.delete(name);
  }
  return { added, removed: [...old.keys()], changed };
}

/** Whether a listing has lost so much that a mistake is likelier than an edit. */
export function isShrunk(before: readonly Item[], after: readonly Item[]): boolean {
  if (before.length === 0) return false;
  if (after.length === 0) return true;
  return before.length >= SHRINK_LEAST && changesOf(before, after).removed.length * 2 > before.length;
}

/**
 * The same of endpoints, where a deployment replaces all at once: what counts is how many are left. Those that their
 * registry says are not to be used are still there.
 */
export function isThinned(before: readonly Item[], after: readonly Item[]): boolean {
  if (before.length === 0) return false;
  return after.length === 0 || (before.length >= SHRINK_LEAST && after.length * 2 < before.length);
}

/** SHA-256 over names and texts, in hex. The pieces must be in the order of their names. */
export function hashOfPieces(pieces: readonly Item[]): string {
  const hash = createHash('sha256');
  for (const { name, text } of pieces) hash.update(`${name.length} ${name} ${text.length} ${text}`);
  return hash.digest('hex');
}
