/**
 * What changed between two listings of a source, and whether that is too much to be believed at once.
 *
 * A store that was wiped, restored from an old backup or asked with the wrong token answers as calmly as ever. Nothing
 * at all, or the loss of more than half of at least `SHRINK_LEAST` pieces, is therefore not believed before it has
 * lasted; who takes pieces away one by one is never stopped, but for the last.
 */

import { createHash } from 'node:crypto';
import type { Piece } from './source.ts';

/** Fewer pieces than this may lose half of them: with three, taking two away is an edit. */
export const SHRINK_LEAST = 4;

/** Names of the pieces that are different. */
export interface Changes {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** Compares two listings by the names of their pieces. */
export function changesOf(before: readonly Piece[], after: readonly Piece[]): Changes {
  const old = new Map(before.map((piece) => [piece.name, contentOf(piece)]));
  const added: string[] = [];
  const changed: string[] = [];
  for (const piece of after) {
    const { name } = piece;
    const was = old.get(name);
    if (was === undefined) added.push(name);
    else if (was !== contentOf(piece)) changed.push(name);
    old.delete(name);
  }
  return { added, removed: [...old.keys()], changed };
}

/** Whether a listing has lost so much that a mistake is likelier than an edit. */
export function isShrunk(before: readonly Piece[], after: readonly Piece[]): boolean {
  if (before.length === 0) return false;
  if (after.length === 0) return true;
  return before.length >= SHRINK_LEAST && changesOf(before, after).removed.length * 2 > before.length;
}

/** SHA-256 over names and texts, in hex. The pieces must be in the order of their names. */
export function hashOfPieces(pieces: readonly Piece[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) {
    const { name } = piece;
    const content = contentOf(piece);
    hash.update(`${name.length} ${name} ${content.length} ${content}`);
  }
  return hash.digest('hex');
}

/** Text, and of weights the revision: whoever writes them again, although they are the same, sees that it has counted. */
function contentOf({ mount, text }: Piece): string {
  return mount.kind === 'weights' ? `${mount.revision} ${text}` : text;
}
