/**
 * Compares configurations that are kept, in force, or held by the sources, as people name them.
 */

import type { Config } from '../../../model/config.ts';
import type { DiffResult } from '../../../model/threads/revision.ts';
import { diffConfigs } from '../../../snapshot/revisions/diff.ts';
import type { History, Kept } from '../../../snapshot/revisions/history.ts';

/** What is called so in a comparison. */
const SOURCES = 'sources';
const NUMBER_SHOWN = 8;

/** What there is to compare, as operators wrote it. */
export interface Comparable {
  readonly history: History;
  readonly inForce: Config | null;
  /** What the sources hold; null: nothing that was accepted. */
  readonly sourced: Config | null;
}

interface Side {
  readonly name: string;
  readonly config: Config;
}

/** What differs from `before` to `after`: numbers, beginnings of hashes, `sources`; empty: what is in force, and the one before. */
export function compareRevisions(of: Comparable, before: string, after: string): DiffResult {
  const { history } = of;
  const previous = history.newest === null ? null : history.before(history.newest);
  if (before === '' && previous === null) return { kind: 'unknown', detail: 'there is no revision before this one' };
  try {
    const [a, b] = [before === '' ? sideOf(history, previous) : named(of, before), named(of, after)];
    if (a === null || b === null) return unknownRevision(history, a === null ? before : after);
    return { kind: 'done', diff: { before: a.name, after: b.name, ...diffConfigs(a.config, b.config) } };
  } catch (error) {
    return { kind: 'refused', detail: error instanceof Error ? error.message : String(error) };
  }
}

/** Says that nothing is kept under a name, and what is. */
export function unknownRevision(history: History, name: string): { readonly kind: 'unknown'; readonly detail: string } {
  if (name === '') return { kind: 'unknown', detail: 'there is no earlier revision with other content' };
  const kept = history.list().map(({ number }) => number);
  const range = kept.length === 0 ? 'none is kept' : `${kept.at(-1)} to ${kept[0]} are kept`;
  return { kind: 'unknown', detail: `there is no revision ${name.slice(0, 100)}; ${range}` };
}

function named({ history, inForce, sourced }: Comparable, name: string): Side | null {
  if (name === SOURCES) return sourced === null ? null : { name: SOURCES, config: sourced };
  if (name !== '') return sideOf(history, history.find(name));
  return inForce === null ? null : { name: nameOf(history, history.newest), config: inForce };
}

function sideOf(history: History, entry: Kept | null): Side | null {
  return entry === null ? null : { name: nameOf(history, entry), config: history.configOf(entry) };
}

function nameOf(history: History, entry: Kept | null): string {
  return entry === null ? '' : `${history.numberOf(entry)} ${entry.head.hash.slice(0, NUMBER_SHOWN)}`;
}
