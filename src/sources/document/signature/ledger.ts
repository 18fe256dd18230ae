/**
 * Verifies documents against the signatures beside them, and remembers the revisions that were taken.
 *
 * ```
 * document + signature ─▶ verify ─┬─ good, revision above the last one taken, or the same document ─▶ taken
 *                                 ├─ good, an earlier revision ─────────────────────────────────────▶ replayed
 *                                 └─ none, unreadable, unknown key, wrong ───────────────────────────▶ refused
 * ```
 * - A document and its signature may be written one after the other: what may still become a pair is said to be so, and the caller waits.
 * - A revision counts as taken only when the configuration that it is part of was put in force.
 * - Of documents that are gone the revision stays, so that none of them comes back older. There is room for `FLOORS_MAX`: when
 *   it is full the oldest of those that are gone makes place, and from then on no document may begin below its revision.
 * - What was verified is not verified again while document, signature and keys are the same objects.
 */

import { createHash } from 'node:crypto';
import { type Problem, SluiceError } from '../../../model/problem.ts';
import { codeOf } from '../../problems/codes.ts';
import type { SourceDocument } from '../pieces.ts';
import { type ConfigKey, printOf } from './keys.ts';
import { isSubject, readSignature, verify } from './signature.ts';
import { subjectOf } from './subject.ts';

/** Documents whose revision is remembered: more than there can be at a time. */
export const FLOORS_MAX = 65_536;
/** Revisions are saved in so many parts, of which a change writes one. */
const PARTS = 64;

/** What was taken of a document. */
interface Floor {
  readonly revision: number;
  /** Of the text. */
  readonly digest: string;
}

/** Why a document is refused. */
export const REFUSALS = ['unsigned', 'wrong', 'replayed'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** A document that is refused. */
export interface RefusedDocument {
  readonly name: string;
  readonly refusal: Refusal;
  readonly problem: Problem;
  /** It may be half of a change that is not written to its end. */
  readonly isHalf: boolean;
}

/** What came of verifying documents. */
export interface Verified {
  /** Without the signatures. */
  readonly documents: readonly SourceDocument[];
  readonly refused: readonly RefusedDocument[];
  /** Of the good ones, by place. */
  readonly floors: ReadonlyMap<string, Floor>;
  /** Keys that these are signed with, as `printOf` has them, each once, in order. */
  readonly prints: readonly string[];
}

/** Where a document is, over restarts: its source by name, and what it is called there. */
export type PlaceOf = (document: SourceDocument, subject: string) => string;

/** What a good document is taken with. */
interface Good extends Floor {
  readonly print: string;
}

interface Seal {
  readonly signature: SourceDocument | undefined;
  readonly standing: Good | Omit<RefusedDocument, 'name'>;
}

const CODES = { unsigned: 'unsigned', wrong: 'signature', replayed: 'replayed' } as const;

export class Ledger {
  #keys: readonly ConfigKey[] = [];
  /** By name. */
  #prints: ReadonlyMap<string, string> = new Map();
  readonly #placeOf: PlaceOf;
  readonly #floorsMax: number;
  #seals = new WeakMap<SourceDocument, Seal>();
  /** In the order in which they were taken last. */
  readonly #floors = new Map<string, Floor>();
  /** No document may begin below it. */
  #least = 0;

  constructor(keys: readonly ConfigKey[], placeOf: PlaceOf, floorsMax = FLOORS_MAX) {
    this.#placeOf = placeOf;
    this.#floorsMax = floorsMax;
    this.trust(keys);
  }

  /** From now on these keys count, and no others: everything is verified anew. What was taken is remembered on. */
  trust(keys: readonly ConfigKey[]): void {
    this.#keys = keys;
    this.#prints = new Map(keys.map((key) => [key.id, printOf(key)]));
    this.#seals = new WeakMap();
  }

  /** Verifies documents, signatures among them. */
  verify(all: readonly SourceDocument[]): Verified {
    const signatures = new Map<string, SourceDocument>();
    const documents: SourceDocument[] = [];
    for (const one of all) {
      if (one.mount.kind === 'signature') signatures.set(`${one.source} ${one.mount.of}`, one);
      else documents.push(one);
    }
    const floors = new Map<string, Floor>();
    const refused: RefusedDocument[] = [];
    const prints = new Set<string>();
    for (const document of documents) {
      if (document.mount.kind === 'ignored') continue;
      const subject = subjectOf(document);
      const standing = this.#standingOf(document, subject, signatures.get(`${document.source} ${subject}`));
      const place = this.#placeOf(document, subject);
      const judged = 'refusal' in standing ? standing : (this.#replayOf(document, place, standing) ?? standing);
      if ('refusal' in judged) refused.push({ name: document.name, ...judged });
      else {
        floors.set(place, judged);
        prints.add(judged.print);
      }
    }
    return { documents, refused, floors, prints: [...prints].toSorted() };
  }

  /** Remembers what was verified as taken. @returns the parts that are to be saved */
  accept({ floors }: Verified): ReadonlySet<number> {
    const changed = new Set<number>();
    for (const [place, floor] of floors) {
      const known = this.#floors.get(place);
      if (known?.revision === floor.revision && known.digest === floor.digest) continue;
      this.#floors.delete(place);
      this.#floors.set(place, floor);
      changed.add(partOf(place));
    }
    for (const place of this.#excess(floors)) changed.add(partOf(place));
    return changed;
  }

  /** Parts as they are saved, by number. @param wanted all of them, unless it is given */
  save(wanted: ReadonlySet<number> | null = null): Map<number, Uint8Array> {
    // A part that has become empty is saved as that.
    const parts = new Map<number, [string, number, string][]>([...(wanted ?? [])].map((part) => [part, []]));
    for (const [place, { revision, digest }] of this.#floors) {
      const part = partOf(place);
      if (wanted !== null && !wanted.has(part)) continue;
      const rows = parts.get(part) ?? [];
      rows.push([place, revision, digest]);
      parts.set(part, rows);
    }
    const texts = [...parts].map(([part, floors]) => [part, JSON.stringify({ least: this.#least, floors })] as const);
    return new Map(texts.map(([part, text]) => [part, Buffer.from(text)]));
  }

  /** Takes in a part of before; where this process has taken a greater revision, that counts. @throws SluiceError `SLU_STATE_INVALID` */
  recall(bytes: Uint8Array): void {
    const { least, floors } = partsOf(bytes);
    this.#least = Math.max(this.#least, least);
    for (const [place, revision, digest] of floors) {
      const known = this.#floors.get(place);
      if (known === undefined || known.revision <= revision) this.#floors.set(place, { revision, digest });
    }
  }

  #standingOf(document: SourceDocument, subject: string, signature: SourceDocument | undefined): Seal['standing'] {
    const known = this.#seals.get(document);
    if (known !== undefined && known.signature === signature) return known.standing;
    const standing = this.#judge(document, subject, signature);
    this.#seals.set(document, { signature, standing });
    return standing;
  }

  #judge(document: SourceDocument, subject: string, beside: SourceDocument | undefined): Seal['standing'] {
    if (!isSubject(subject)) {
      const expected = 'a name without line ends';
      return refusal('wrong', document.name, {
        expected,
        got: JSON.stringify(subject),
        hint: 'no such name can be signed',
      });
    }
    if (beside === undefined) {
      const hint = `sign it: sluice config sign, as ${subject}`;
      return refusal('unsigned', document.name, { expected: 'a signature', got: 'none', hint });
    }
    const signature = readSignature(beside.text);
    const expected = `a signature of ${subject}`;
    if (signature === null) return refusal('wrong', beside.name, { expected, got: 'no signature', hint: FORM });
    const { revision, keyId } = signature;
    const fit = verify(this.#keys, signature, { subject, text: document.text });
    if (fit === 'good') return { revision, digest: digestOf(document.text), print: this.#prints.get(keyId) as string };
    if (fit === 'unknown') {
      const hint = `its keys are ${this.#keys.map(({ id }) => id).join(', ')}`;
      const wants = 'a signature with a key of this gateway';
      return refusal('wrong', beside.name, { expected: wants, got: `one with the key ${keyId}`, hint });
    }
    const hint = 'sign it again after each change, and keep the two together';
    return refusal('wrong', document.name, { expected, got: `another text's, of revision ${revision}`, hint });
  }

  #replayOf(document: SourceDocument, place: string, { revision, digest }: Floor): Seal['standing'] | null {
    const known = this.#floors.get(place);
    const least = known?.revision ?? this.#least;
    if (revision > least || (revision === least && (known === undefined || known.digest === digest))) return null;
    const expected = `a revision above ${least}`;
    const got = revision === least ? `${revision} with another text` : String(revision);
    const hint = 'one of before was put back; if it is meant, sign it anew';
    return { ...refusal('replayed', document.name, { expected, got, hint }), isHalf: false };
  }

  /** Lets go of the oldest of those that are not there any more. */
  #excess(present: ReadonlyMap<string, Floor>): string[] {
    const gone: string[] = [];
    for (const [place, { revision }] of this.#floors) {
      if (this.#floors.size <= this.#floorsMax) break;
      if (present.has(place)) continue;
      this.#floors.delete(place);
      this.#least = Math.max(this.#least, revision);
      gone.push(place);
    }
    return gone;
  }
}

const FORM = 'it is {"keyId": …, "revision": …, "signature": …} and no more';

function refusal(
  kind: Refusal,
  file: string,
  words: Pick<Problem, 'expected' | 'got' | 'hint'>,
): Omit<RefusedDocument, 'name'> {
  const problem = { code: codeOf(CODES[kind]), file, line: 0, column: 0, path: '', ...words };
  return { refusal: kind, problem, isHalf: true };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function partOf(place: string): number {
  return createHash('sha256').update(place).digest().readUInt8(0) % PARTS;
}

interface SavedPart {
  readonly least: number;
  readonly floors: readonly (readonly [place: string, revision: number, digest: string])[];
}

function partsOf(bytes: Uint8Array): SavedPart {
  try {
    const { least, floors } = JSON.parse(Buffer.from(bytes).toString()) as Partial<SavedPart>;
    if (typeof least === 'number' && Array.isArray(floors) && floors.every(isRow)) return { least, floors };
  } catch (error) {
    throw new SluiceError('SLU_STATE_INVALID', 'the revisions of signed documents are damaged', { cause: error });
  }
  throw new SluiceError('SLU_STATE_INVALID', 'the revisions of signed documents are damaged');
}

function isRow(row: unknown): boolean {
  const [place, revision, digest] = Array.isArray(row) ? (row as readonly unknown[]) : [];
  return typeof place === 'string' && Number.isSafeInteger(revision) && typeof digest === 'string';
}
