/**
 * Reads documents and remembers what it read: one that did not change since the last time is not read again.
 */

import type { ReadPart } from '../parse.ts';
import type { Environment } from './interpolate.ts';
import { type Part, readPart } from './part.ts';
import type { SourceDocument } from './pieces.ts';

/** Remembers parts between parses. */
export interface PartReader {
  readonly read: ReadPart;
  /** Forgets what was not read since the last call. */
  readonly endParse: () => void;
}

/** A reader without memories. */
export function createPartReader(environment: Environment): PartReader {
  let before = new Map<string, Part>();
  let now = new Map<string, Part>();
  return {
    read: (document) => {
      const key = `${document.source} ${document.name}`;
      const known = before.get(key);
      const part =
        known !== undefined && isSame(known.document, document)
          ? asOf(known, document)
          : readPart(document, environment);
      now.set(key, part);
      return part;
    },
    endParse: () => {
      before = now;
      now = new Map();
    },
  };
}

/** Weights may have been written again with the same text: their revision is the newer one. */
function asOf(known: Part, document: SourceDocument): Part {
  return document.mount.kind === 'weights' ? { ...known, document } : known;
}

function isSame(a: SourceDocument, b: SourceDocument): boolean {
  return a.text === b.text && a.mount.kind === b.mount.kind && a.isForeign === b.isForeign;
}
