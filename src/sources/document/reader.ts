/**
 * Reads documents and remembers what it read: one that is the same object as before is not read again.
 */

import { rest } from '../../lib/threads/rest.ts';
import type { ReadPart } from '../parse.ts';
import type { Environment } from './interpolate.ts';
import { Known } from './known.ts';
import { type Part, readPart } from './part.ts';
import type { SourceDocument } from './pieces.ts';

/** Remembers between parses, as long as somebody holds the documents. */
export interface PartReader {
  readonly read: ReadPart;
  /** What was found sound in them. */
  readonly known: Known;
}

/** A reader without memories. */
export function createPartReader(environment: Environment): PartReader {
  const parts = new WeakMap<SourceDocument, Part>();
  return {
    read: (document) => {
      const known = parts.get(document);
      if (known !== undefined) return known;
      const part = readPart(document, environment);
      parts.set(document, part);
      rest();
      return part;
    },
    known: new Known(),
  };
}
