/**
 * Reads fields of a document of an SLO file, and says what is wrong with each.
 */

import type { FileDocument, Path } from '../tools.ts';
import { type Findings, mappingOf, meant, valueAt } from './findings.ts';

/** A mapping somewhere in a document, with what was found about it. */
export class Fields {
  readonly document: FileDocument;
  readonly path: Path;
  readonly findings: Findings;

  constructor(document: FileDocument, path: Path, findings: Findings) {
    this.document = document;
    this.path = path;
    this.findings = findings;
  }

  at(field: string | number): Fields {
    return new Fields(this.document, [...this.path, field], this.findings);
  }

  get value(): unknown {
    return valueAt(this.document.value, this.path);
  }

  has(field: string): boolean {
    return this.at(field).value !== undefined;
  }

  refuse(field: string | number, expected: string, hint = ''): null {
    this.findings.refuse(this.document, [...this.path, field], { kind: 'sloField', expected, hint });
    return null;
  }

  /** Whether it is a mapping; refused when not. @param known fields it may have; none: any */
  isMapping(known: readonly string[] = []): boolean {
    const mapping = mappingOf(this.value);
    if (mapping === null) {
      this.findings.refuse(this.document, this.path, { kind: 'sloField', expected: 'a mapping' });
      return false;
    }
    if (known.length === 0) return true;
    for (const field of Object.keys(mapping)) {
      if (!known.includes(field)) this.refuse(field, `one of ${known.join(', ')}`, meant(field, known));
    }
    return true;
  }

  text(field: string, expected = 'text'): string | null {
    const { value } = this.at(field);
    return typeof value === 'string' && value !== '' ? value : this.refuse(field, expected);
  }

  word(field: string, words: readonly string[]): string | null {
    const { value } = this.at(field);
    if (typeof value === 'string' && words.includes(value)) return value;
    return this.refuse(field, `one of ${words.join(', ')}`, typeof value === 'string' ? meant(value, words) : '');
  }

  /** A number in [least, below). */
  number(field: string, least: number, below: number): number | null {
    const { value } = this.at(field);
    if (typeof value === 'number' && value >= least && value < below) return value;
    const range = below === Number.POSITIVE_INFINITY ? `from ${least}` : `from ${least} to below ${below}`;
    return this.refuse(field, `a number ${range}`);
  }

  /** Entries of a list that is not empty; none when it is, with a problem. */
  entries(field: string, expected: string, most = Number.POSITIVE_INFINITY): Fields[] {
    const { value } = this.at(field);
    if (Array.isArray(value) && value.length > 0 && value.length <= most) {
      return value.map((_, index) => this.at(field).at(index));
    }
    this.refuse(field, expected);
    return [];
  }
}

/** The object that a reference means; warned of when it is not in the file, as it may be in another one. */
export function refer(
  from: Fields,
  field: string | number,
  { kind, name }: { readonly kind: string; readonly name: string },
  objects: ReadonlyMap<string, Fields>,
): Fields | null {
  const known = objects.get(`${kind}/${name}`);
  if (known !== undefined) return known;
  const names = [...objects.keys()]
    .filter((key) => key.startsWith(`${kind}/`))
    .map((key) => key.slice(kind.length + 1));
  const flaw = {
    kind: 'sloReference',
    expected: `the name of a ${kind} in this file`,
    hint: meant(name, names),
  } as const;
  // A file with objects of the kind that does not have this one is probably wrong; one without any relies on others.
  if (names.length > 0) from.findings.refuse(from.document, [...from.path, field], flaw);
  else from.findings.warn(from.document, [...from.path, field], flaw);
  return null;
}
