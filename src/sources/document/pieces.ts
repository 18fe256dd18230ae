/**
 * The documents that a configuration is made of: the main one, and the pieces that sources hold.
 *
 * ```
 * main      the file that the gateway was started with
 * root      a whole document: a file of a directory, `<prefix>/config`, what a URL answers
 * route     one route, named by its key          <prefix>/routes/<name>
 * service   one service, named by its key        <prefix>/services/<name>
 * weights   the operator's weights of one route   <prefix>/weights/<route>, <route>.weights.yaml in a directory
 * signature of one of these                       <prefix>/signatures/<its key>, <its file>.sig, <its URL>.sig
 * ignored   a key that is none of these: it is only warned of
 * ```
 */

import { DOCUMENT_BYTES_MAX } from './read.ts';

/** Where a document belongs. */
export type Mount =
  | { readonly kind: 'main' }
  /** `file`: of what a URL answers, the last segment of its path. */
  | { readonly kind: 'root'; readonly file?: string }
  | { readonly kind: 'route'; readonly name: string }
  | { readonly kind: 'service'; readonly name: string }
  /** `revision`: of this document alone, of the source's own making. */
  | { readonly kind: 'weights'; readonly name: string; readonly revision: string }
  /** `of`: what the signed document is called in its source (`signature/subject.ts`). */
  | { readonly kind: 'signature'; readonly of: string }
  | { readonly kind: 'ignored' };

/** A document, or what a source holds in the place of one. */
export interface SourceDocument {
  /** What problems call it: `gateway.yaml`, `consul sluice/routes/shop`. */
  readonly name: string;
  readonly text: string;
  readonly mount: Mount;
  /** Its source in the order of precedence; 0 = the main document. */
  readonly source: number;
  /** From a store: no variable of the environment is replaced in it. */
  readonly isForeign: boolean;
}

/** As many as there are counters for routes, twice: a gateway cannot use more, and each costs a parse of its own. */
export const PIECES_MAX = 40_000;

/** All documents together, in bytes of UTF-8: what reading one document of that size costs, all of them may. */
export const PIECES_BYTES_MAX = DOCUMENT_BYTES_MAX;

/** Fields that only the main document may set: they are read at the start, say whom to trust, or where to write on the disk. */
export const FILE_ONLY: ReadonlySet<string> = new Set([
  'listen',
  'listeners',
  'admin',
  'adminToken',
  'alerts',
  'workers',
  'state',
  'fleet',
  'saturation',
  'sources',
  'follow',
  'discovery',
]);

/** The main document alone. */
export function mainDocument(text: string, name: string): SourceDocument {
  return { name, text, mount: { kind: 'main' }, source: 0, isForeign: false };
}

/** Whether a document may hold anything. */
export function isWhole({ mount }: SourceDocument): boolean {
  return mount.kind === 'main' || mount.kind === 'root';
}

/** Whether a value has fields. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
