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

/** Compares two listings, both in the order of their names. Cost: O(pieces), next to nothing for those that are one object. */
export function changesOf(before: readonly Item[], after: readonly Item[]): Changes {
  const [added, removed, changed]: [string[], string[], string[]] = [[], [], []];
  let at = 0;
  for (const piece of after) {
    let was = before[at];
    for (; was !== undefined && was !== piece && was.name < piece.name; was = before[++at]) removed.push(was.name);
    if (was === undefined || (was !== piece && was.name !== piece.name)) added.push(piece.name);
    else {
      at += 1;
      if (was !== piece && contentOf(was) !== contentOf(piece)) changed.push(piece.name);
    }
  }
  for (const { name } of before.slice(at)) removed.push(name);
  return { added, removed, changed };
}

/**
 * `after` with the objects of `before` where they say the same, so that whoever comes next sees at once what stayed; `before` itself
 * where all did.
 */
export function withSame<P extends Item>(before: readonly P[], after: readonly P[]): readonly P[] {
  let at = 0;
  let isSameList = before.length === after.length;
  const pieces = after.map((piece, index) => {
    for (let was = before[at]; was !== undefined && was !== piece && was.name < piece.name; was = before[at]) at += 1;
    const was = before[at];
    const one = was !== undefined && (was === piece || isSame(was, piece)) ? was : piece;
    isSameList &&= one === before[index];
    return one;
  });
  return isSameList ? before : pieces;
}

function isSame(a: Item, b: Item): boolean {
  // What a mount is follows from the name, and from the kind of the source.
  return a.name === b.name && a.mount?.kind === b.mount?.kind && contentOf(a) === contentOf(b);
}

/**
 * Whether a listing has lost so much that a mistake is likelier than an edit. Of documents: signatures, and keys that are none,
 * make up for no loss.
 */
export function isShrunk(before: readonly Item[], after: readonly Item[]): boolean {
  const [held, left] = [before.filter(isDocument), after.filter(isDocument)];
  if (held.length === 0) return false;
  if (left.length === 0) return true;
  return held.length >= SHRINK_LEAST && changesOf(held, left).removed.length * 2 > held.length;
}

function isDocument({ mount }: Item): boolean {
  return mount?.kind !== 'signature' && mount?.kind !== 'ignored';
}

/**
 * The same of endpoints, where a deployment replaces all at once: what counts is how many are left. Those that their
 * registry says are not to be used are still there.
 */
export function isThinned(before: readonly Item[], after: readonly Item[]): boolean {
  if (before.length === 0) return false;
  return after.length === 0 || (before.length >= SHRINK_LEAST && after.length * 2 < before.length);
}

/** By piece and by listing, so that only what changed is hashed again. */
const hashes = new WeakMap<Item, string>();
const listingHashes = new WeakMap<readonly Item[], string>();

/** SHA-256 over the hashes of the pieces, in hex. They must be in the order of their names, and never change. */
export function hashOfPieces(pieces: readonly Item[]): string {
  const known = listingHashes.get(pieces);
  if (known !== undefined) return known;
  const made = sha256(pieces.map(hashOfPiece).join(''));
  listingHashes.set(pieces, made);
  return made;
}

function hashOfPiece(piece: Item): string {
  const known = hashes.get(piece);
  if (known !== undefined) return known;
  const { name } = piece;
  const made = sha256(`${name.length} ${name} ${contentOf(piece)}`);
  hashes.set(piece, made);
  return made;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Text, and of weights the revision: whoever writes them again, although they are the same, sees that it has counted. */
function contentOf({ mount, text }: Item): string {
  return mount?.kind === 'weights' ? `${mount.revision} ${text}` : text;
}
