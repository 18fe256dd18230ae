/**
 * The contract of every source: what it holds now, and word when that is no longer so.
 *
 * A store knows how to ask; when to ask, what to believe and what to do when nobody answers is decided by the follower,
 * once for all kinds. Any answer may be late, twice, or of a store that lost its data: nothing here is trusted with more
 * than the content of one answer.
 */

import type { Mount } from '../document/pieces.ts';

/** One thing in a source. */
export interface Item {
  /** What problems call it, distinct within the source: `consul sluice/routes/shop`. */
  readonly name: string;
  readonly text: string;
  /** Of documents. */
  readonly mount?: Mount;
}

/** One document in a source. */
export interface Piece extends Item {
  readonly mount: Mount;
}

/** Everything a source held at one moment, in the order of its names. */
export interface Listing<P extends Item = Piece> {
  readonly pieces: readonly P[];
  /** Of the source's own making: what a watch goes on from. */
  readonly revision: string;
}

/** What a watch ends with. */
export type WatchWord<P extends Item = Piece> =
  /** As long as it lasted, nothing changed. */
  | { readonly kind: 'same' }
  /** Something did, or may have: ask. */
  | { readonly kind: 'changed' }
  /** This is what the source holds now. */
  | { readonly kind: 'listing'; readonly listing: Listing<P> };

/** A place that holds documents, or endpoints. Every call ends by itself within the store's own limits of time. */
export interface Store<P extends Item = Piece> {
  readonly kind:
    | ('directory' | 'consul' | 'etcd' | 'http' | 'zookeeper')
    | ('consul-catalog' | 'etcd-endpoints' | 'dns' | 'srv');
  /** For people, without secrets: `consul 127.0.0.1:8500 sluice`. */
  readonly name: string;
  /** Its documents may name no variables of the environment. */
  readonly isForeign: boolean;
  /** Its watch asks in the source's own interval, now and then for everything: it is not asked besides, and no change of it is a drift. */
  readonly isPolled?: boolean;
  /**
   * Everything that it holds.
   * @param since an answer of before, of this store: what has not changed since may be taken from it, where that is certain
   * @throws Error that says in words why it could not be asked
   */
  list(signal: AbortSignal, since?: Listing<P> | null): Promise<Listing<P>>;
  /**
   * Begins to look for what changed since an answer that `list` will be asked to go on from, if the last watch has told of a change.
   * What is found is given when `list` asks for it, unless something else was told until then.
   */
  lookAhead?(since: Listing<P>): void;
  /**
   * Resolves with the first word after `revision`; a change that came before the call is told as well.
   * @param confirm is called whenever the source has said meanwhile that `revision` is still what it holds
   * @throws Error that says in words why it can be watched no longer
   */
  watch(revision: string, signal: AbortSignal, confirm: () => void): Promise<WatchWord<P>>;
  /** Lets go of connections. Idempotent. */
  close(): void;
}

/**
 * A listing with some pieces put in or in the places of others, and some taken out: all by their names, which `put` and `gone` have
 * once. Cost: O(pieces) to copy, O(log pieces) comparisons for each that is another.
 */
export function editedPieces<P extends Item>(pieces: readonly P[], put: readonly P[], gone: readonly string[]): P[] {
  const edits: (readonly [name: string, piece: P | null])[] = [
    ...put.map((piece) => [piece.name, piece] as const),
    ...gone.map((name) => [name, null] as const),
  ];
  const after: P[] = [];
  let at = 0;
  for (const [name, piece] of edits.toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const end = placeOf(pieces, name, at); at < end; at++) after.push(pieces[at] as P);
    if (pieces[at]?.name === name) at += 1;
    if (piece !== null) after.push(piece);
  }
  for (; at < pieces.length; at++) after.push(pieces[at] as P);
  return after;
}

/** Of the first piece from `from` on whose name is not before `name`. */
function placeOf(pieces: readonly Item[], name: string, from: number): number {
  let [low, high] = [from, pieces.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle] as Item).name < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Orders names as bytes of ASCII do, the same on every machine. */
export function byPieceName(a: Pick<Piece, 'name'>, b: Pick<Piece, 'name'>): number {
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

/**
 * The mount of a key, given what follows the prefix; null: it holds no document, as a folder does not.
 * @param revision of the key's last change
 */
export function mountOf(rest: string, revision: string): Mount | null {
  if (rest === '' || rest.endsWith('/')) return null;
  if (rest === 'config') return { kind: 'root' };
  const [section = '', ...name] = rest.split('/');
  // Not a part of the configuration: whoever discovers endpoints reads them (follow/discover/etcd-keys.ts).
  if (section === 'endpoints') return null;
  if (section === 'routes' && name.length > 0) return { kind: 'route', name: name.join('/') };
  if (section === 'services' && name.length > 0) return { kind: 'service', name: name.join('/') };
  if (section === 'weights' && name.length > 0) return { kind: 'weights', name: name.join('/'), revision };
  if (section === 'signatures' && name.length > 0) return { kind: 'signature', of: name.join('/') };
  return { kind: 'ignored' };
}
