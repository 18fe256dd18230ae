/**
 * Reads documents and remembers what it read: one that is the same object as before is not read again, and of a whole document that is
 * another one only the passages that say something else.
 */

import { rest } from '../../../lib/threads/rest.ts';
import type { ReadPart } from '../../parse.ts';
import { fillFiles, namesFiles } from '../files.ts';
import type { Environment } from '../interpolate.ts';
import { Known } from '../known.ts';
import { isShaped, type Part, readPart } from '../part.ts';
import { isMapping, isWhole, type SourceDocument } from '../pieces.ts';
import { readDocument } from '../read.ts';
import { Passages, type Verdict } from './passages.ts';

/** Remembers between parses, as long as somebody holds the documents. */
export interface PartReader {
  readonly read: ReadPart;
  /** What was found sound in them. */
  readonly known: Known;
  /** Forgets whole documents that are no longer among all. */
  keep(documents: readonly SourceDocument[]): void;
}

/** A reader without memories. */
export function createPartReader(environment: Environment): PartReader {
  const parts = new WeakMap<SourceDocument, Part>();
  const wholes = new Map<string, Passages>();
  const ofPassages = (document: SourceDocument): Part | null => {
    if (!isWhole(document)) return null;
    const passages = wholes.get(keyOf(document)) ?? newPassages(document, environment);
    wholes.set(keyOf(document), passages);
    const whole = passages.read(document.text);
    if (whole === null || !hasAll(document, whole.value)) return null;
    return { document, isReadable: true, faults: [], ...whole };
  };
  return {
    read: (document) => {
      const known = parts.get(document);
      if (known !== undefined) return known;
      const part = ofPassages(document) ?? readPart(document, environment);
      parts.set(document, part);
      rest();
      return part;
    },
    known: new Known(),
    keep: (documents) => {
      const kept = new Set(documents.filter(isWhole).map(keyOf));
      for (const key of wholes.keys()) if (!kept.has(key)) wholes.delete(key);
    },
  };
}

/** What versions of a document have in common, all of which matters to how it is read. */
function keyOf({ source, isForeign, mount, name }: SourceDocument): string {
  return [source, isForeign, mount.kind, name].join(' ');
}

/** Passages are judged as `readPart` does. @param first of the versions of a document */
function newPassages(first: SourceDocument, environment: Environment): Passages {
  const from = first.isForeign ? null : environment;
  // Whoever held the first would hold what it said as well.
  const document = { ...first, text: '' };
  const judge = (fields: Readonly<Record<string, unknown>>): Verdict => {
    const isPassing = namesFiles(fields, document);
    const isSound = fillFiles(fields, document).length === 0 && isShaped(fields);
    if (!isSound) return 'faulty';
    // What files say may be something else the next time.
    return isPassing ? 'passing' : 'sound';
  };
  return new Passages({ read: (text) => readDocument(text, from), judge });
}

/** Whether it has what a whole document must have; sources may hold the rest of a main one. */
function hasAll({ mount }: SourceDocument, value: Readonly<Record<string, unknown>>): boolean {
  if (mount.kind !== 'main' || 'sources' in value) return true;
  const { services, routes } = value;
  return isMapping(services) && Array.isArray(routes) && routes.length > 0;
}
